// SPDX-License-Identifier: Apache-2.0
#include "io/uring/datagram_groups.hh"

namespace muster {

bool DatagramGroup::takes(int socket, const TxDatagram& datagram) const noexcept {
    return count > 0 && fd == socket && first().payload_size == datagram.payload_size &&
           first().destination == datagram.destination && first().source == datagram.source &&
           first().interface == datagram.interface;
}

void DatagramGroup::add(const TxDatagram& datagram, Bytes payload) noexcept {
    datagrams[count] = &datagram;
    // iovec has no const: the kernel only reads from a sendmsg.
    payloads[count] = {const_cast<std::byte*>(payload.data()), payload.size()}; // NOLINT
    ++count;
}

DatagramGroup* DatagramGroups::find(int socket, const TxDatagram& datagram) noexcept {
    DatagramGroup* empty = nullptr;
    for (DatagramGroup& group : std::span{groups_}.first(used_)) {
        if (group.takes(socket, datagram)) {
            return &group;
        }
        if (group.count == 0 && empty == nullptr) {
            empty = &group;
        }
    }
    if (empty == nullptr && used_ < groups_.size()) {
        empty = &groups_[used_++];
    }
    return empty;
}

} // namespace muster
