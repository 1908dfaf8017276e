// SPDX-License-Identifier: Apache-2.0
// A member of a multicast transfer: one master acknowledges for all, the others listen, and each
// becomes master in turn to ask for what it lacks. Source: RFC 2090.
#include "net/client/tftp_client.hh"

#include <algorithm>

namespace muster {
namespace {

bool has_bit(const std::vector<std::uint64_t>& words, std::uint64_t bit) noexcept {
    return bit / 64 < words.size() && ((words[bit / 64] >> (bit % 64)) & 1U) != 0;
}

void set_bit(std::vector<std::uint64_t>& words, std::uint64_t bit) {
    if (bit / 64 >= words.size()) {
        words.resize(bit / 64 + 1); // 8 KiB at most: block numbers do not wrap here
    }
    words[bit / 64] |= std::uint64_t{1} << (bit % 64);
}

} // namespace

void TftpClient::join(const TftpMulticast& terms, ClientContext& context) {
    if (!terms.address || !terms.port || !terms.master ||
        (terms.address->octets[0] & 0xF0U) != 0xE0U) {
        refuse(TftpErrorCode::option_negotiation_failed, "an OACK without a multicast group",
               context);
        return;
    }
    member_.emplace();
    member_->group = {*terms.address, *terms.port};
    member_->master = *terms.master;
    context.join(member_->group);
    if (member_->master) {
        acknowledge(context);
    }
}

/// Another OACK: it hands the master's role over, or answers a request that was sent again. The
/// group stays what the first one said.
void TftpClient::on_role(const TftpMulticast& terms, ClientContext& context) noexcept {
    if (!terms.master) {
        return;
    }
    const bool before = member_->master;
    member_->master = *terms.master;
    if (!member_->master) {
        return;
    }
    if (!before) {
        // A turn of its own: repetitions are counted anew. Other OACKs do not count as progress,
        // or a member whom no DATA reaches would ask for ever.
        progress(context);
        acknowledge(context);
    } else if (ack_is_old(context)) {
        acknowledge(context); // the ACK that took the role was lost
    }
}

void TftpClient::on_group_block(std::uint16_t number, Bytes payload,
                                ClientContext& context) noexcept {
    TftpMembership& member = *member_;
    const bool is_short = payload.size() < blksize_;
    if (number == 0) {
        return;
    }
    if (has_bit(member.have, number)) {
        if (member.master && ack_is_old(context)) {
            acknowledge(context); // the one before was lost
        }
        return;
    }
    if ((member.last_block != 0 && (is_short || number > member.last_block)) ||
        (is_short && number < member.highest_block)) {
        refuse(TftpErrorCode::illegal_operation, "a second end of the file", context);
        return;
    }
    if (!store((std::uint64_t{number} - 1) * blksize_, payload, context)) {
        return;
    }
    if (is_short) {
        member.last_block = number;
    }
    member.highest_block = std::max<std::uint64_t>(member.highest_block, number);
    set_bit(member.have, number);
    bytes_ += payload.size();
    progress(context);
    const std::uint64_t before = next_;
    while (has_bit(member.have, next_)) {
        ++next_;
    }
    if (member.last_block != 0 && next_ > member.last_block) {
        acknowledge(context); // of the last block: a passive member says it is done, too
        finish_if_sized(context);
    } else if (member.master && next_ != before) {
        // Only the block that was asked for is answered; others are left over from before.
        acknowledge(context);
    }
}

} // namespace muster
