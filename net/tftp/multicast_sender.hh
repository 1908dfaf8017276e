// SPDX-License-Identifier: Apache-2.0
// What a multicast group is sent, and when (RFC 2090): the machine of one group's turns. Facts in,
// a Step out; pure, as ReadSession is. All transitions are in multicast_sender.cc.
#pragma once

#include "net/tftp/read_session.hh"
#include "net/tftp/tftp_limits.hh"

#include <cstdint>
#include <optional>

namespace muster {

/// What to do for the group after a fact. The caller performs all of it.
struct GroupStep {
    enum class Outcome : std::uint8_t {
        running, ///< the fact was used
        ignored, ///< it changed nothing: a duplicate, or too late
        stray,   ///< an ACK of a block that was never sent
        done,    ///< the master has every block
        deaf,    ///< the master answers, but what the group is sent does not reach it
        silent,  ///< the master does not answer
    };

    bool oack = false;              ///< tell the master that it is the master (again)
    BlockRange blocks{};            ///< send these to the group
    std::uint16_t again = 0;        ///< so many of them the group was sent before
    std::optional<Instant> timer{}; ///< arm it; absent: keep the one that is armed
    Outcome outcome = Outcome::running;

    friend bool operator==(const GroupStep&, const GroupStep&) = default;
};

/// Turn by turn, one member is the master: its ACK n says that it lacks n + 1, and the group is
/// sent that block. Clients keep blocks in any order, so blocks are sent ahead of the master's
/// ACKs, a window of them, which is what makes this faster than a block a round trip.
///
/// The window is the master's to open. A turn that begins below what the group was sent already
/// begins with one block, for the master may lack that one alone; while its ACKs follow what is
/// sent the window doubles (a late joiner lacks a long run), and when one jumps past it, over
/// blocks that the master had, it is one block again. Two duplicate ACKs are a hole: that block
/// alone is sent again, and the window halves, down to the lock-step of clients that take no more.
/// One duplicate is not: it may answer a block that came twice, and answering it would double
/// every later one (the Sorcerer's Apprentice, RFC 1123 section 4.2.3.1).
class MulticastSender {
public:
    enum class State : std::uint8_t {
        asking,  ///< an OACK told the master; its ACK will say what it lacks
        holding, ///< it lacks everything, and members are still coming in: not yet
        sending,
    };

    MulticastSender() = default;
    MulticastSender(std::uint16_t last_block, std::uint16_t window) noexcept;

    /// How a turn begins.
    enum class Turn : std::uint8_t {
        fresh,  ///< nothing is known of the member, or it said that it began anew
        silent, ///< it did not answer its last turn: the others shall not wait for it for long
        alone,  ///< neither did it, but there are no others: ask it ever less often
    };

    /// A member becomes master, or the master asks again for the file.
    [[nodiscard]] GroupStep on_turn(Turn turn, Instant now, const TftpTimers& timers) noexcept;
    /// An ACK of the master.
    [[nodiscard]] GroupStep on_ack(std::uint16_t block, Instant now,
                                   const TftpTimers& timers) noexcept;
    [[nodiscard]] GroupStep on_timer(Instant now, const TftpTimers& timers) noexcept;
    /// How many listen. The master alone has a say in the pace, and every block that any of the
    /// others drops is sent to all once more; so the more there are, the fewer blocks go ahead of
    /// its ACKs.
    void on_members(std::uint32_t members) noexcept;
    /// Nothing is sent before `until`, so that members who come now get it, too. Means something
    /// before the first block only.
    void hold(Instant until) noexcept { hold_until_ = until; }

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] std::uint16_t last_block() const noexcept { return last_block_; }
    [[nodiscard]] std::uint16_t acked() const noexcept { return acked_; }
    /// The highest block that the group was sent.
    [[nodiscard]] std::uint16_t frontier() const noexcept { return frontier_; }
    [[nodiscard]] std::uint16_t window() const noexcept { return live_; } ///< for tests and reports

private:
    GroupStep ask(Instant now) noexcept;
    GroupStep begin_turn(std::uint16_t block, Instant now, const TftpTimers& timers) noexcept;
    GroupStep advance(std::uint16_t block, Instant now, const TftpTimers& timers) noexcept;
    GroupStep repair(Instant now, const TftpTimers& timers) noexcept;
    GroupStep send(Instant now, const TftpTimers& timers) noexcept;
    void measure(Instant now, const TftpTimers& timers) noexcept;
    [[nodiscard]] std::uint16_t in_flight() const noexcept {
        return static_cast<std::uint16_t>(run_end_ - acked_);
    }

    // Blocks are counted from 1 and do not wrap: a group has no roll-over.
    std::uint16_t last_block_ = 1;
    std::uint16_t window_ = 1;      ///< the most that cap_ may be
    std::uint16_t cap_ = 1;         ///< the most that live_ may become
    std::uint16_t acked_ = 0;       ///< the master has all up to it
    std::uint16_t run_end_ = 0;     ///< in this run, sent behind acked_ up to it
    std::uint16_t frontier_ = 0;    ///< highest ever sent
    std::uint16_t current_ = 1;     ///< blocks that may be in flight
    std::uint16_t live_ = 1;        ///< what current_ may grow to
    std::uint16_t grown_ = 0;       ///< blocks acknowledged since live_ grew
    std::uint16_t timed_ = 0;       ///< the block whose round trip is measured; 0: none
    std::uint16_t stuck_block_ = 0; ///< where the last asking found the master
    std::uint8_t duplicates_ = 0;   ///< ACKs of acked_ again
    std::uint8_t resends_ = 0;      ///< timers since acked_ moved
    std::uint8_t asks_ = 0;         ///< OACKs since the master answered one
    std::uint8_t stuck_ = 0;        ///< askings that found it there, one after the other
    bool lossy_ = false;            ///< a block was lost in this life of the group
    bool silent_ = false;           ///< one OACK is all that this turn has
    /// The last master heard nothing of the group, and neither has this one yet: where a switch
    /// keeps the group from them all, the last of a rack cannot wait until each was asked at
    /// length.
    bool suspect_ = false;
    State state_ = State::asking;
    std::uint32_t resend_us_ = 0; ///< current timer, backed off
    std::uint32_t srtt_us_ = 0;   ///< 0: not yet measured
    std::uint32_t rttvar_us_ = 0;
    Instant timed_at_;
    Instant hold_until_;
};

} // namespace muster
