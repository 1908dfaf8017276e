// SPDX-License-Identifier: Apache-2.0
// A machine that makes one DHCP exchange, and what a DHCP server would answer it.
#pragma once

#include "net/client/dhcp_client.hh"

#include "tests/support/client_rig.hh"

namespace muster::test {

class DhcpMachine final : public ClientMachine {
public:
    explicit DhcpMachine(const DhcpClientModel& model, std::uint64_t seed = 1)
        : client(model, seed) {}

    void start(ClientContext& context) noexcept override { call(context, &DhcpClient::begin); }
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        client.on_datagram(datagram, context);
        context.set_timer(client.deadline());
    }
    void on_timer(ClientContext& context) noexcept override {
        call(context, &DhcpClient::on_timer);
    }

    DhcpClient client;

private:
    template <class Member>
    void call(ClientContext& context, Member member) {
        (client.*member)(context);
        context.set_timer(client.deadline());
    }
};

} // namespace muster::test
