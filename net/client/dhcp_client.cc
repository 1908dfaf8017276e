// SPDX-License-Identifier: Apache-2.0
#include "net/client/dhcp_client.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

std::uint64_t as_number(const MacAddress& mac) noexcept {
    std::uint64_t number = 0;
    for (const std::uint8_t octet : mac.octets) {
        number = (number << 8U) | octet;
    }
    return number;
}

double in_seconds(Duration duration) noexcept {
    return std::chrono::duration<double>{duration}.count();
}

} // namespace

void DhcpClient::begin(ClientContext& context) {
    outcome_ = ClientOutcome::running;
    begun_ = context.now.steady;
    lease_ = {};
    why_.clear();
    start(State::discovering, context);
}

void DhcpClient::renew(ClientContext& context) {
    outcome_ = ClientOutcome::running;
    begun_ = context.now.steady;
    why_.clear();
    start(State::renewing, context);
}

void DhcpClient::release(ClientContext& context) {
    std::array<std::byte, dhcp_message_size_max> buffer;
    const DhcpClientMessage message{.type = DhcpMessageType::release,
                                    .xid = static_cast<std::uint32_t>(prng_.next()),
                                    .ciaddr = lease_.address,
                                    .server = lease_.server};
    const std::size_t size = write_dhcp_client_message(*model_, context.identity, message, buffer);
    context.send_udp(lease_.address, client_port, {lease_.server, server_port},
                     Bytes{buffer}.first(size));
    context.close_udp(client_port);
    context.set_address({});
    outcome_ = ClientOutcome::idle;
    state_ = State::idle;
    deadline_ = Instant::never();
    lease_ = {};
}

void DhcpClient::start(State state, ClientContext& context) {
    if (!seeded_) {
        prng_ = Prng{seed_ ^ as_number(context.identity.mac)};
        seeded_ = true;
    }
    state_ = state;
    repeats_ = 0;
    if (state != State::requesting) { // which goes on under the OFFER's
        xid_ = static_cast<std::uint32_t>(prng_.next());
        rounds_ = 0;
    }
    if (state == State::asking_menu_item) {
        xid_ = 0; // as iPXE does
    }
    if (state == State::discovering) {
        offers_.clear();
        chosen_proxy_.reset();
        first_offer_at_ = Instant::never();
        elapsed_s_ = 0;
    }
    send(context);
}

std::uint16_t DhcpClient::secs() const noexcept {
    switch (model_->seconds) {
    case DhcpClientModel::Seconds::none:
        return 0;
    case DhcpClientModel::Seconds::elapsed:
        return state_ == State::asking_proxy ? std::uint16_t{0} : elapsed_s_;
    case DhcpClientModel::Seconds::ipxe: {
        unsigned value = rounds_ << 2U;
        if (state_ != State::asking_menu_item) {
            value |= std::ranges::any_of(offers_, [](const auto& o) { return !o.from_proxy(); })
                         ? 2U
                         : 0U;
            value |= std::ranges::any_of(offers_, [](const auto& o) { return o.pxe; }) ? 1U : 0U;
        }
        return static_cast<std::uint16_t>(value);
    }
    }
    __builtin_unreachable();
}

std::span<const Duration> DhcpClient::waits() const noexcept {
    switch (state_) {
    case State::discovering:
        return model_->discover_waits;
    case State::requesting:
    case State::renewing:
        return model_->request_waits;
    case State::asking_proxy:
    case State::asking_menu_item:
        return model_->proxy_waits;
    case State::idle:
    case State::nak_pause:
        return {};
    }
    __builtin_unreachable();
}

Duration DhcpClient::last_wait() const noexcept {
    switch (state_) {
    case State::discovering:
        return model_->discover_last_wait;
    case State::requesting:
    case State::renewing:
        return model_->request_last_wait;
    case State::asking_proxy:
    case State::asking_menu_item:
        return model_->proxy_last_wait;
    case State::idle:
    case State::nak_pause:
        return {};
    }
    __builtin_unreachable();
}

void DhcpClient::send(ClientContext& context) {
    ++rounds_;
    DhcpClientMessage message{.type = DhcpMessageType::request, .xid = xid_, .secs = secs()};
    IpAddress source{};
    Endpoint destination{Ipv4Address::broadcast(), server_port};
    std::uint16_t port = client_port;
    switch (state_) {
    case State::discovering:
        message.type = DhcpMessageType::discover;
        break;
    case State::requesting:
        message.server = offers_[chosen_].lease.server;
        message.requested = offers_[chosen_].lease.address;
        break;
    case State::renewing: // RFC 2131 section 4.3.2: neither 50 nor 54
        message.ciaddr = lease_.address;
        source = lease_.address;
        destination.address = lease_.server;
        break;
    case State::asking_proxy:
    case State::asking_menu_item:
        message.ciaddr = lease_.address;
        message.to_proxy = true;
        message.menu_type = state_ == State::asking_menu_item ? menu_type_ : std::nullopt;
        if (state_ == State::asking_proxy && model_->proxy_option_order.empty()) {
            message.server = boot_server_; // iPXE says so; EDK2's own order has no place for it
        }
        source = lease_.address;
        destination = {boot_server_, boot_server_port};
        port = model_->proxy_source_port;
        break;
    case State::idle:
    case State::nak_pause:
        return;
    }
    std::array<std::byte, dhcp_message_size_max> buffer;
    const std::size_t size = write_dhcp_client_message(*model_, context.identity, message, buffer);
    context.send_udp(source, port, destination, Bytes{buffer}.first(size));
    sent_at_ = context.now.steady;
    const bool last = repeats_ >= waits().size();
    deadline_ = sent_at_ + (last ? last_wait() : waits()[repeats_]);
}

void DhcpClient::on_timer(ClientContext& context) noexcept {
    if (!busy() || context.now.steady < deadline_) {
        return;
    }
    if (state_ == State::nak_pause) {
        start(State::discovering, context);
    } else {
        wait_is_over(context);
    }
}

void DhcpClient::wait_is_over(ClientContext& context) {
    const Instant now = context.now.steady;
    if (state_ == State::discovering && !offers_.empty()) {
        const bool early = model_->proxy_wait > Duration{} && now - begun_ < model_->proxy_wait;
        if (!early) {
            ++rounds_; // iPXE's timer has run out once more, though nothing is sent for it
            if (choose(context)) {
                return;
            }
            --rounds_;
        }
    }
    if (first_offer_at_ == Instant::never() || state_ != State::discovering) {
        context.waited(ClientWait::dhcp_no_answer, now - sent_at_);
    }
    if (repeats_ < waits().size()) {
        repeat(context);
        return;
    }
    // A DHCP server without a boot server still has a lease to give: iPXE goes on with it.
    if (state_ == State::asking_proxy && model_->proxy_wait > Duration{}) {
        end(ClientOutcome::done, {}, context);
        return;
    }
    const double patience = in_seconds(now - begun_);
    switch (state_) {
    case State::discovering:
        end(ClientOutcome::silent,
            offers_.empty() ? fmt::format("no DHCP OFFER in {:.1f} s", patience)
                            : fmt::format("no acceptable DHCP OFFER in {:.1f} s", patience),
            context);
        return;
    case State::requesting:
    case State::renewing:
        end(ClientOutcome::silent, fmt::format("no answer to a DHCP REQUEST in {:.1f} s", patience),
            context);
        return;
    case State::asking_proxy:
    case State::asking_menu_item:
        end(ClientOutcome::silent, "no answer from the boot server's port 4011", context);
        return;
    case State::idle:
    case State::nak_pause:
        return;
    }
}

void DhcpClient::repeat(ClientContext& context) {
    ++repeats_;
    const auto elapsed = std::chrono::round<std::chrono::seconds>(context.now.steady - begun_);
    elapsed_s_ = static_cast<std::uint16_t>(elapsed.count());
    context.retransmitted();
    send(context);
}

void DhcpClient::end(ClientOutcome outcome, std::string why, ClientContext& context) {
    outcome_ = outcome;
    state_ = State::idle;
    deadline_ = Instant::never();
    why_ = std::move(why);
    if (outcome != ClientOutcome::done) {
        context.failed(why_);
    }
    context.close_udp(client_port);
    context.close_udp(model_->proxy_source_port);
    offers_.clear();
}

} // namespace muster
