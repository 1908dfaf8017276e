// SPDX-License-Identifier: Apache-2.0
#include "net/client/dhcp_client.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint16_t dhcp_server_port = 67;
constexpr std::uint16_t dhcp_client_port = 68;
constexpr std::uint16_t pxe_server_port = 4011;
constexpr std::size_t offers_max = 16; ///< EDK2's number

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
    context.send_udp(lease_.address, dhcp_client_port, {lease_.server, dhcp_server_port},
                     Bytes{buffer}.first(size));
    context.close_udp(dhcp_client_port);
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
    Endpoint destination{Ipv4Address::broadcast(), dhcp_server_port};
    std::uint16_t port = dhcp_client_port;
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
        destination = {boot_server_, pxe_server_port};
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

void DhcpClient::on_datagram(const ClientRx& datagram, ClientContext& context) noexcept {
    if (!busy() || datagram.protocol != ClientProtocol::udp) {
        return;
    }
    const bool boot_reply = state_ == State::asking_proxy || state_ == State::asking_menu_item;
    const std::uint16_t from = boot_reply ? pxe_server_port : dhcp_server_port;
    const std::uint16_t to = boot_reply ? model_->proxy_source_port : dhcp_client_port;
    if (datagram.source.port != from || datagram.destination.port != to) {
        return;
    }
    DhcpMessage message;
    if (!read_dhcp_message(datagram.payload, message) || message.header.op != dhcp_boot_reply ||
        message.header.xid != xid_ || message.header.mac() != context.identity.mac) {
        return;
    }
    auto answer = [&] {
        return read_dhcp_client_offer(message, datagram.source, model_->file_first);
    };
    const bool offer = message.type == DhcpMessageType::offer;
    const bool ack = message.type == DhcpMessageType::ack;
    switch (state_) {
    case State::discovering:
        if (offer) {
            on_offer(answer(), context);
        }
        return;
    case State::requesting:
    case State::renewing: {
        const Ipv4Address server =
            state_ == State::renewing ? lease_.server : offers_[chosen_].lease.server;
        if (message.address(DhcpOptionCode::server_identifier).value_or(server) != server) {
            return; // another server's, which was not asked
        }
        if (ack) {
            on_ack(answer(), context);
        } else if (message.type == DhcpMessageType::nak) {
            on_nak(message, context);
        }
        return;
    }
    case State::asking_proxy:
    case State::asking_menu_item:
        if (ack || offer) {
            on_boot_reply(answer(), context);
        }
        return;
    case State::idle:
    case State::nak_pause:
        return;
    }
}

void DhcpClient::on_offer(DhcpClientOffer offer, ClientContext& context) {
    const auto same = std::ranges::find_if(offers_, [&](const DhcpClientOffer& o) {
        return o.source == offer.source && o.from_proxy() == offer.from_proxy();
    });
    if (same != offers_.end()) {
        *same = std::move(offer); // of a repeated DISCOVER
    } else if (offers_.size() < offers_max) {
        offers_.push_back(std::move(offer));
    }
    const DhcpClientChoice choices = choice();
    if (!choices.offer) {
        return;
    }
    if (first_offer_at_ == Instant::never()) {
        first_offer_at_ = context.now.steady;
    }
    if (model_->collect > Duration{}) {
        if (repeats_ == 0) {
            deadline_ = std::min(deadline_, sent_at_ + model_->collect);
        }
        return;
    }
    if (model_->proxy_wait > Duration{}) {
        const bool more_may_come = std::ranges::none_of(
            offers_, [](const DhcpClientOffer& o) { return o.no_proxy_dhcp || o.pxe; });
        if (more_may_come) {
            return;
        }
    }
    (void)choose(context);
}

DhcpClientChoice DhcpClient::choice() const noexcept {
    switch (model_->choice) {
    case DhcpClientModel::Choice::first:
        return choose_first(offers_);
    case DhcpClientModel::Choice::ranked:
        return choose_ranked(offers_);
    case DhcpClientModel::Choice::http:
        return choose_http(offers_);
    }
    __builtin_unreachable();
}

bool DhcpClient::choose(ClientContext& context) {
    const DhcpClientChoice choices = choice();
    if (!choices.offer) {
        return false;
    }
    if (context.now.steady > first_offer_at_) {
        context.waited(ClientWait::dhcp_collecting, context.now.steady - first_offer_at_);
    }
    chosen_ = *choices.offer;
    chosen_proxy_ = choices.proxy;
    start(State::requesting, context);
    return true;
}

void DhcpClient::on_ack(DhcpClientOffer ack, ClientContext& context) {
    const bool renewed = state_ == State::renewing;
    const bool leased = !ack.lease.address.is_unspecified();
    if (renewed) {
        // What it boots with was settled long ago; only the term is new.
        lease_.lease_s = ack.lease.lease_s != 0 ? ack.lease.lease_s : lease_.lease_s;
    } else if (leased) {
        lease_ = ack.lease;
        context.set_address(lease_.address);
    } else {
        return;
    }
    context.note({.kind = ClientNote::Kind::exchange,
                  .duration = context.now.steady - begun_,
                  .address = lease_.address});
    if (renewed) {
        end(ClientOutcome::done, {}, context);
    } else {
        find_boot_server(ack, context);
    }
}

void DhcpClient::find_boot_server(const DhcpClientOffer& ack, ClientContext& context) {
    const bool boots =
        model_->choice != DhcpClientModel::Choice::first || model_->proxy_wait > Duration{};
    if (!boots) {
        end(ClientOutcome::done, {}, context);
        return;
    }
    const DhcpClientOffer* const proxy = chosen_proxy_ ? &offers_[*chosen_proxy_] : nullptr;
    if (proxy != nullptr && proxy->bootable()) {
        lease_.next_server = proxy->lease.next_server;
        lease_.boot_file = proxy->lease.boot_file;
        lease_.from_proxy = true;
        end(ClientOutcome::done, {}, context);
    } else if (proxy != nullptr) {
        ask_boot_server(*proxy, context);
    } else if (ack.pxe && !ack.bootable()) {
        ask_boot_server(ack, context);
    } else {
        end(ClientOutcome::done, {}, context);
    }
}

Ipv4Address DhcpClient::boot_server(const DhcpClientOffer& from) const noexcept {
    // siaddr, else option 54: what read_dhcp_client_offer() calls the next server.
    return from.lease.next_server.is_unspecified() ? from.source : from.lease.next_server;
}

void DhcpClient::ask_boot_server(const DhcpClientOffer& from, ClientContext& context) {
    boot_server_ = boot_server(from);
    menu_type_ = from.menu_type;
    // EDK2 asks under its own xid and without a menu: BINL, as the specification calls it.
    const bool menu = menu_type_ && model_->proxy_option_order.empty();
    start(menu ? State::asking_menu_item : State::asking_proxy, context);
}

void DhcpClient::on_boot_reply(const DhcpClientOffer& reply, ClientContext& context) {
    if (!reply.bootable()) {
        return;
    }
    lease_.next_server = reply.lease.next_server;
    lease_.boot_file = reply.lease.boot_file;
    lease_.from_proxy = true;
    end(ClientOutcome::done, {}, context);
}

void DhcpClient::on_nak(const DhcpMessage& message, ClientContext& context) {
    const auto text = message.find(DhcpOptionCode::message);
    std::string why = text ? fmt::format("DHCP NAK: {}", as_text(*text)) : std::string{"DHCP NAK"};
    context.set_address({});
    if (state_ == State::renewing || !model_->nak_wait) {
        lease_ = {};
        end(ClientOutcome::refused, std::move(why), context);
        return;
    }
    context.failed(std::move(why));
    state_ = State::nak_pause;
    deadline_ = context.now.steady + *model_->nak_wait;
}

void DhcpClient::end(ClientOutcome outcome, std::string why, ClientContext& context) {
    outcome_ = outcome;
    state_ = State::idle;
    deadline_ = Instant::never();
    why_ = std::move(why);
    if (outcome != ClientOutcome::done) {
        context.failed(why_);
    }
    context.close_udp(dhcp_client_port);
    context.close_udp(model_->proxy_source_port);
    offers_.clear();
}

} // namespace muster
