// SPDX-License-Identifier: Apache-2.0
#include "net/wire/dhcp_message.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/machines.hh"

namespace muster::sim {

void AddressCheck::on_datagram(MachineIndex machine, const ClientRx& datagram) {
    if (datagram.protocol != ClientProtocol::udp || datagram.destination.port != 68) {
        return;
    }
    DhcpMessage message;
    if (!read_dhcp_message(datagram.payload, message) || message.type != DhcpMessageType::ack) {
        return;
    }
    const auto seconds = message.find(DhcpOptionCode::address_lease_time);
    Duration lease{};
    if (seconds && seconds->size() == 4) {
        std::uint32_t value = 0;
        for (const std::byte b : *seconds) {
            value = value << 8U | std::to_integer<std::uint32_t>(b);
        }
        lease = std::chrono::seconds{value};
    }
    last_ack_[machine] = {message.header.yiaddr, lease};
}

void AddressCheck::on_broadcast(const ClientRx& datagram, const Machines& machines) {
    DhcpMessage message;
    if (datagram.destination.port == 68 && read_dhcp_message(datagram.payload, message)) {
        if (const auto machine = machines.find(message.header.mac())) {
            on_datagram(*machine, datagram);
        }
    }
}

void AddressCheck::on_exchange(MachineIndex machine, const Ipv4Address& address,
                               const Machines& machines) {
    const auto ack = last_ack_.find(machine);
    if (ack == last_ack_.end() || ack->second.address != address) {
        universe_.found("address", fmt::format("machine {} took {}, of which no ACK came", machine,
                                               to_text(address)));
        return;
    }
    const Instant now = universe_.now.steady;
    if (const auto other = holders_.find(address);
        other != holders_.end() && other->second.machine != machine && other->second.until > now) {
        universe_.found("address",
                        fmt::format("{} is machine {}'s for {} s more, and machine {} "
                                    "was given it",
                                    to_text(address), other->second.machine,
                                    (other->second.until - now).count() / 1'000'000'000, machine));
    }
    if (const auto before = held_.find(machine);
        before != held_.end() && before->second != address) {
        if (const auto at = holders_.find(before->second);
            at != holders_.end() && at->second.machine == machine) {
            holders_.erase(at);
        }
    }
    held_[machine] = address;
    holders_[address] = {machine, now + ack->second.lease};

    const LeaseRecord* const record = store_.lease(address);
    if (record == nullptr || record->state != LeaseRecord::State::bound ||
        record->mac != Machines::mac(machine)) {
        universe_.found("durable", fmt::format("machine {} has an ACK for {}, and the store does "
                                               "not say so",
                                               machine, to_text(address)));
    }
    (void)machines;
}

void AddressCheck::on_sent(MachineIndex machine, std::uint16_t to, Bytes payload) {
    DhcpMessage message;
    if (to == 67 && read_dhcp_message(payload, message) &&
        message.type == DhcpMessageType::discover) {
        let_go(machine);
    }
}

void AddressCheck::let_go(MachineIndex machine) {
    if (const auto held = held_.find(machine); held != held_.end()) {
        if (const auto at = holders_.find(held->second);
            at != holders_.end() && at->second.machine == machine) {
            holders_.erase(at);
        }
        held_.erase(held);
    }
}

} // namespace muster::sim
