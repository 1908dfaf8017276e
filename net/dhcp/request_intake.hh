// SPDX-License-Identifier: Apache-2.0
// Who is answered next. Stands before the DHCP servers of both families: under more load than they
// can answer, what is under way is finished first, and no source takes what is another's.
#pragma once

#include "core/base/byte_reader.hh"
#include "core/port/datagram.hh"
#include "net/dhcp/source_budget.hh"

#include <array>
#include <memory>
#include <optional>
#include <vector>

namespace muster {

struct DhcpIntakeLimits {
    /// Messages that wait; at it the newest of the source with most of them goes
    /// (`queue_full`). 1.6 KB each, of which only those ever used are resident.
    std::uint32_t waiting_max = 8'192;
    /// Answered before sockets and timers get their turn again.
    std::uint32_t first_per_turn = 256; ///< messages of exchanges under way
    std::uint32_t later_per_turn = 64;  ///< those that begin one
    /// Those of machines that begin one again and again; few, so that turns stay short for others.
    std::uint32_t last_per_turn = 4;
    /// A machine sends one message a second when nobody answers, and some tens while it boots; the
    /// rest is for load generators that play one machine over and over.
    std::uint32_t machines = 65'536;
    BudgetRate machine{.per_second = 64, .burst = 256};
    /// Beyond this a machine begins exchanges more often than any firmware: they are answered, but
    /// behind the others'. What a machine sends while it boots is below the burst.
    BudgetRate patience{.per_second = 1, .burst = 24};
    /// A switch port has one machine, or a rack behind a switch that adds no option 82.
    std::uint32_t ports = 16'384;
    BudgetRate port{.per_second = 256, .burst = 2'048};
};

/// What the queue wants to know of a message, read without the rest of it. Sources are numbers that
/// dhcp_source() makes.
struct RequestSummary {
    std::uint8_t type = 0;     ///< as the family numbers it
    bool begins = false;       ///< an exchange: behind those under way
    std::uint64_t lane = 0;    ///< relay or interface
    std::uint64_t machine = 0; ///< never 0
    std::uint64_t port = 0;    ///< 0: no relay says which
};

/// Spreads the bits of a source over its number, and never makes 0 of it. `seed` is another
/// source's number, within which this one lies, or anything.
[[nodiscard]] std::uint64_t dhcp_source(std::uint64_t seed, Bytes bytes) noexcept;

/// A bounded queue of DHCP messages with three classes and a lane for each relay (or interface).
///
/// Order: what ends or goes on with an exchange before what begins one (DISCOVER, SOLICIT): an
/// OFFER whose REQUEST is lost was work for nothing. Behind these, what begins an exchange for
/// a machine that has begun many lately: so whoever asks for the first time does not wait behind a
/// flood, though it shares the link or the relay with it. Within a class lanes take turns, so a
/// relay that floods delays itself. Each class has its share of a turn: none starves another.
///
/// Budgets: a machine (on its link) and a switch port (as its relay names it) have a token bucket
/// each; what is beyond it is dropped before it costs anything.
///
/// Queue full: the longest lane gives up its newest message, of the last class that it has any of.
/// So the driver reads on under any load: what it left in the kernel would be the loud lane's, and
/// others would be lost behind it.
///
/// Thread: worker 0.
class RequestIntake {
public:
    explicit RequestIntake(const DhcpIntakeLimits& limits);

    enum class Verdict : std::uint8_t {
        waits, ///< copied; serve() will bring it
        over_machine_budget,
        over_port_budget,
        queue_full, ///< others waited first, or are worth more
    };
    struct Taken {
        Verdict verdict{};
        bool made_room = false; ///< another was dropped instead (`queue_full`)
        std::uint8_t made_room_type = 0;
    };
    /// Precondition: fits().
    [[nodiscard]] Taken take(const RxDatagram& datagram, const RequestSummary& summary,
                             Instant now) noexcept;
    /// False: longer than any client's message, and not for the queue.
    [[nodiscard]] static bool fits(const RxDatagram& datagram) noexcept {
        return datagram.payload.size() <= message_room;
    }

    /// Answers a turn's worth: calls `answer(const RxDatagram&)` for each in order.
    template <class Answer>
    void serve(Answer&& answer) noexcept {
        serve(Class::first, limits_.first_per_turn, answer);
        serve(Class::later, limits_.later_per_turn, answer);
        serve(Class::last, limits_.last_per_turn, answer);
    }

    [[nodiscard]] std::uint32_t waiting() const noexcept { return waiting_; }

private:
    enum class Class : std::uint8_t { first, later, last };
    static constexpr std::size_t class_count = 3;
    static constexpr std::uint32_t none = UINT32_MAX;
    static constexpr std::size_t message_room = 1'536;
    static constexpr std::uint32_t lane_count = 256;

    struct Message {
        RxDatagram datagram; ///< its payload lies in bytes_ at the slot's place
        std::uint32_t next = none;
        std::uint32_t previous = none;
        std::uint8_t type = 0;
    };
    struct Queue {
        std::uint32_t head = none;
        std::uint32_t tail = none;
        std::uint32_t count = 0;
        bool has_turn = false; ///< is among the turns
    };
    struct Lane {
        std::uint64_t key = 0;
        std::array<Queue, class_count> queues;
        [[nodiscard]] std::uint32_t count() const noexcept {
            return queues[0].count + queues[1].count + queues[2].count;
        }
    };
    /// Lanes that may have something to say, in the order of their turns; each once at most.
    struct Turns {
        std::array<std::uint16_t, lane_count> lanes{};
        std::uint32_t head = 0;
        std::uint32_t count = 0;
    };

    [[nodiscard]] Class class_of(const RequestSummary& summary, Instant now) noexcept;
    /// The last class that the lane has a message of. Precondition: it has any.
    [[nodiscard]] Class last_of(std::uint16_t lane) const noexcept;
    [[nodiscard]] std::uint16_t lane_of(std::uint64_t key) const noexcept;
    [[nodiscard]] std::uint16_t longest_lane() const noexcept;
    void append(std::uint16_t lane, Class in, std::uint32_t slot) noexcept;
    /// Drops the newest of a lane, and of a class; the slot is free then.
    std::uint8_t drop_newest(std::uint16_t lane, Class in) noexcept;
    void give_turn(std::uint16_t lane, Class in) noexcept;
    /// The next message of a class; none: it has none. The slot is not free yet.
    [[nodiscard]] std::uint32_t pop(Class in) noexcept;
    void release(std::uint32_t slot) noexcept;

    template <class Answer>
    void serve(Class in, std::uint32_t most, Answer& answer) noexcept {
        for (std::uint32_t n = 0; n < most; ++n) {
            const std::uint32_t slot = pop(in);
            if (slot == none) {
                return;
            }
            answer(static_cast<const RxDatagram&>(messages_[slot].datagram));
            release(slot);
        }
    }

    DhcpIntakeLimits limits_;
    SourceBudgets machines_;
    SourceBudgets patience_;
    SourceBudgets ports_;
    std::vector<Message> messages_;
    std::unique_ptr<std::byte[]> bytes_; ///< message_room a slot
    std::vector<std::uint32_t> free_;
    std::vector<Lane> lanes_;
    std::array<Turns, class_count> turns_;
    std::uint32_t waiting_ = 0;
};

/// The queue of one family: its message types, its words for drops, and how it reads a datagram.
///
/// `Type`   the family's message types
/// `Drop`   its reasons, over_machine_budget, over_port_budget and queue_full among them
/// `read`   std::optional<RequestSummary>(const RxDatagram&) noexcept; nullopt: not for the queue
template <class Type, class Drop, auto read>
class TypedIntake {
public:
    explicit TypedIntake(const DhcpIntakeLimits& limits) : queue_(limits) {}

    enum class Verdict : std::uint8_t {
        waits,   ///< copied; serve() will bring it
        dropped, ///< see Taken
        foreign, ///< no request, or longer than any client's: not for the queue
    };
    /// What became of a datagram, and of the one that made room for it.
    struct Taken {
        Verdict verdict{};
        Type type{}; ///< of the dropped one
        Drop reason{};
        bool made_room = false; ///< another was dropped instead (`queue_full`)
        Type made_room_type{};
    };
    [[nodiscard]] Taken take(const RxDatagram& datagram, Instant now) noexcept {
        const auto summary =
            RequestIntake::fits(datagram) ? read(datagram) : std::optional<RequestSummary>{};
        if (!summary) {
            return {.verdict = Verdict::foreign};
        }
        const RequestIntake::Taken taken = queue_.take(datagram, *summary, now);
        const auto dropped = [&](Drop reason) {
            return Taken{.verdict = Verdict::dropped,
                         .type = static_cast<Type>(summary->type),
                         .reason = reason};
        };
        switch (taken.verdict) {
        case RequestIntake::Verdict::over_machine_budget:
            return dropped(Drop::over_machine_budget);
        case RequestIntake::Verdict::over_port_budget:
            return dropped(Drop::over_port_budget);
        case RequestIntake::Verdict::queue_full:
            return dropped(Drop::queue_full);
        case RequestIntake::Verdict::waits:
            break;
        }
        return {.verdict = Verdict::waits,
                .made_room = taken.made_room,
                .made_room_type = static_cast<Type>(taken.made_room_type)};
    }

    /// Answers a turn's worth: calls `answer(const RxDatagram&)` for each in order.
    template <class Answer>
    void serve(Answer&& answer) noexcept {
        queue_.serve(answer);
    }
    [[nodiscard]] std::uint32_t waiting() const noexcept { return queue_.waiting(); }

private:
    RequestIntake queue_;
};

} // namespace muster
