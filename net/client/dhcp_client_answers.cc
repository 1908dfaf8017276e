// SPDX-License-Identifier: Apache-2.0
// What a DHCP client makes of what comes: OFFERs, ACKs, NAKs, and answers of boot servers.
#include "net/client/dhcp_client.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
void DhcpClient::on_datagram(const ClientRx& datagram, ClientContext& context) noexcept {
    if (!busy() || datagram.protocol != ClientProtocol::udp) {
        return;
    }
    const bool boot_reply = state_ == State::asking_proxy || state_ == State::asking_menu_item;
    const std::uint16_t from = boot_reply ? boot_server_port : server_port;
    const std::uint16_t to = boot_reply ? model_->proxy_source_port : client_port;
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

} // namespace muster
