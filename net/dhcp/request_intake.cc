// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/request_intake.hh"

#include <algorithm>
#include <cstring>

namespace muster {

namespace {

/// Spreads the bits of a source over its number (the finaliser of MurmurHash3).
constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
    x ^= x >> 33U;
    x *= 0xFF51AFD7ED558CCDULL;
    x ^= x >> 33U;
    x *= 0xC4CEB9FE1A85EC53ULL;
    return x ^ x >> 33U;
}

std::uint64_t number(Bytes bytes) noexcept {
    std::uint64_t value = 0;
    for (const std::byte b : bytes) {
        value = value << 8U | std::to_integer<std::uint64_t>(b);
    }
    return value;
}

} // namespace

std::uint64_t dhcp_source(std::uint64_t seed, Bytes bytes) noexcept {
    std::uint64_t value = mixed(seed + bytes.size());
    for (; bytes.size() > 8; bytes = bytes.subspan(8)) {
        value = mixed(value ^ number(bytes.first(8)));
    }
    value = mixed(value ^ number(bytes));
    return value == 0 ? 1 : value;
}

RequestIntake::RequestIntake(const DhcpIntakeLimits& limits)
    : limits_(limits),
      machines_(limits.machines, limits.machine),
      patience_(limits.machines, limits.patience),
      ports_(limits.ports, limits.port),
      messages_(limits.waiting_max),
      bytes_(std::make_unique_for_overwrite<std::byte[]>(limits.waiting_max * message_room)),
      lanes_(lane_count) {
    MUSTER_CHECK(limits.waiting_max > 0);
    MUSTER_CHECK(limits.first_per_turn > 0 && limits.later_per_turn > 0 &&
                 limits.last_per_turn > 0);
    free_.reserve(limits.waiting_max);
    for (std::uint32_t i = limits.waiting_max; i > 0; --i) {
        free_.push_back(i - 1);
    }
}

RequestIntake::Class RequestIntake::class_of(const RequestSummary& summary, Instant now) noexcept {
    if (!summary.begins) {
        return Class::first;
    }
    return patience_.take(summary.machine, now) ? Class::later : Class::last;
}

RequestIntake::Class RequestIntake::last_of(std::uint16_t lane) const noexcept {
    std::size_t in = class_count - 1;
    while (in > 0 && lanes_[lane].queues[in].count == 0) {
        --in;
    }
    return static_cast<Class>(in);
}

/// The lane of that source, a free one for it, or, when all near its place are others', a shared
/// one.
std::uint16_t RequestIntake::lane_of(std::uint64_t key) const noexcept {
    constexpr std::uint32_t tries = 16;
    const auto start = static_cast<std::uint32_t>(mixed(key) % lane_count);
    std::uint32_t unused = none;
    for (std::uint32_t i = 0; i < tries; ++i) {
        const std::uint32_t at = (start + i) % lane_count;
        if (lanes_[at].count() == 0) {
            unused = unused == none ? at : unused;
        } else if (lanes_[at].key == key) {
            return static_cast<std::uint16_t>(at);
        }
    }
    return static_cast<std::uint16_t>(unused == none ? start : unused);
}

std::uint16_t RequestIntake::longest_lane() const noexcept {
    std::uint16_t longest = 0;
    for (std::uint16_t i = 1; i < lane_count; ++i) {
        if (lanes_[i].count() > lanes_[longest].count()) {
            longest = i;
        }
    }
    return longest;
}

RequestIntake::Taken RequestIntake::take(const RxDatagram& datagram, const RequestSummary& summary,
                                         Instant now) noexcept {
    MUSTER_CHECK(fits(datagram));
    if (!machines_.take(summary.machine, now)) {
        return {.verdict = Verdict::over_machine_budget};
    }
    if (summary.port != 0 && !ports_.take(summary.port, now)) {
        return {.verdict = Verdict::over_port_budget};
    }
    Taken taken{.verdict = Verdict::waits};
    const Class in = class_of(summary, now);
    const std::uint16_t lane = lane_of(summary.lane);
    if (free_.empty()) {
        std::uint16_t loser = longest_lane();
        if (lanes_[loser].count() <= lanes_[lane].count() + 1) {
            loser = lane; // its own is as long: others owe it nothing
        }
        if (lanes_[loser].count() == 0 || (loser == lane && last_of(loser) <= in)) {
            return {.verdict = Verdict::queue_full};
        }
        taken.made_room = true;
        taken.made_room_type = drop_newest(loser, last_of(loser));
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    Message& message = messages_[slot];
    std::byte* const bytes = bytes_.get() + slot * message_room;
    std::memcpy(bytes, datagram.payload.data(), datagram.payload.size());
    message.datagram = datagram;
    message.datagram.payload = {bytes, datagram.payload.size()};
    message.type = summary.type;
    if (lanes_[lane].count() == 0) {
        lanes_[lane].key = summary.lane;
    }
    append(lane, in, slot);
    return taken;
}

void RequestIntake::append(std::uint16_t lane, Class in, std::uint32_t slot) noexcept {
    const auto index = static_cast<std::size_t>(in);
    Queue& queue = lanes_[lane].queues[index];
    messages_[slot].next = none;
    messages_[slot].previous = queue.tail;
    (queue.tail == none ? queue.head : messages_[queue.tail].next) = slot;
    queue.tail = slot;
    ++waiting_;
    ++queue.count;
    if (!queue.has_turn) {
        give_turn(lane, in);
    }
}

void RequestIntake::give_turn(std::uint16_t lane, Class in) noexcept {
    const auto index = static_cast<std::size_t>(in);
    Turns& turns = turns_[index];
    MUSTER_CHECK(turns.count < lane_count);
    turns.lanes[(turns.head + turns.count++) % lane_count] = lane;
    lanes_[lane].queues[index].has_turn = true;
}

std::uint8_t RequestIntake::drop_newest(std::uint16_t lane, Class in) noexcept {
    Queue& queue = lanes_[lane].queues[static_cast<std::size_t>(in)];
    MUSTER_CHECK(queue.count > 0);
    const std::uint32_t slot = queue.tail;
    queue.tail = messages_[slot].previous;
    (queue.tail == none ? queue.head : messages_[queue.tail].next) = none;
    --queue.count; // a turn without a message is passed over
    --waiting_;
    release(slot);
    return messages_[slot].type;
}

std::uint32_t RequestIntake::pop(Class in) noexcept {
    const auto index = static_cast<std::size_t>(in);
    Turns& turns = turns_[index];
    while (turns.count > 0) {
        const std::uint16_t lane = turns.lanes[turns.head];
        turns.head = (turns.head + 1) % lane_count;
        --turns.count;
        Queue& queue = lanes_[lane].queues[index];
        queue.has_turn = false;
        if (queue.count == 0) {
            continue;
        }
        const std::uint32_t slot = queue.head;
        queue.head = messages_[slot].next;
        (queue.head == none ? queue.tail : messages_[queue.head].previous) = none;
        --waiting_;
        if (--queue.count > 0) {
            give_turn(lane, in);
        }
        return slot;
    }
    return none;
}

void RequestIntake::release(std::uint32_t slot) noexcept {
    free_.push_back(slot);
}

} // namespace muster
