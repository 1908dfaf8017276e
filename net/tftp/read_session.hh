// SPDX-License-Identifier: Apache-2.0
// The machine of one read transfer (RFC 1350, RFC 2347, RFC 7440): facts in, a Step out. Pure: it
// reads no clock, sends nothing, allocates nothing. All transitions are in read_session.cc.
#pragma once

#include "net/tftp/tftp_limits.hh"

#include <cstdint>
#include <optional>

namespace muster {

/// What a transfer runs on, settled when its content is known.
struct TransferTerms {
    std::uint64_t size = 0;       ///< bytes of the content
    std::uint16_t blksize = 512;  ///< bytes
    std::uint16_t windowsize = 1; ///< blocks
    std::uint8_t timeout_s = 0;   ///< granted timeout option, the timer's ceiling; 0: none
    bool oack = false;            ///< options were granted: an OACK comes before the first block
};

/// Blocks `first` .. `first + count - 1`, from 1, never wrapping.
struct BlockRange {
    std::uint64_t first = 0;
    std::uint16_t count = 0; ///< 0: none

    friend bool operator==(const BlockRange&, const BlockRange&) = default;
};

/// What to do after a fact. The caller performs all of it.
struct Step {
    /// Where the fact leaves the transfer; for an ACK, also what became of it.
    enum class Outcome : std::uint8_t {
        running,   ///< it goes on; the fact was used
        ignored,   ///< it goes on; the fact changed nothing: duplicate or too late
        stray,     ///< it goes on; an ACK of a block that is not in flight
        completed, ///< the last block was acknowledged
        probed,    ///< the client only wanted the size (tsize, then ERROR): no failure
        aborted,   ///< the client ended it with an ERROR
        timed_out, ///< no progress within the limit
        restarted, ///< the client began anew: end this one and treat the request as a fresh one
    };

    bool oack = false;              ///< send the OACK (again)
    BlockRange blocks{};            ///< send these
    std::uint16_t again = 0;        ///< so many of them, the first ones, were sent before
    std::optional<Instant> timer{}; ///< arm it; absent: keep the one that is armed
    Outcome outcome = Outcome::running;

    friend bool operator==(const Step&, const Step&) = default;
    [[nodiscard]] bool ended() const noexcept {
        return outcome == Outcome::completed || outcome == Outcome::probed ||
               outcome == Outcome::aborted || outcome == Outcome::timed_out ||
               outcome == Outcome::restarted;
    }
};

/// How much of a window leaves in one piece. RFC 7440 has a client wait for the whole window that
/// was granted, so that a window cannot shrink; what can is the burst that overruns a queue on the
/// way: after losses the window leaves in parts with a gap between them, twice as many with each,
/// and with every window that comes through whole a part grows by an eighth of the window. One loss
/// among windows that come through is nobody's queue, and is forgiven.
namespace window_part {
inline constexpr std::uint8_t whole = 16;     ///< sixteenths of a window
inline constexpr std::uint8_t forgiving = 18; ///< the whole, and the next loss is forgiven
inline constexpr std::uint8_t least = 2;      ///< the same
inline constexpr std::uint8_t growth = 2; ///< the same, with every window that came through whole
inline constexpr std::uint16_t blocks_min = 8; ///< whatever that comes to
} // namespace window_part

/// One read transfer. States: opening (waits for its content) → negotiating (OACK sent, waits for
/// ACK 0) → sending → over; without options opening → sending. A member of a multicast group goes
/// from opening to member, and if the group's blocks do not reach it, from there to sending.
class ReadSession {
public:
    enum class State : std::uint8_t { opening, negotiating, sending, member, over };

    /// The request was accepted; its content is asked for.
    [[nodiscard]] Step on_request(Instant now, const TftpTimers& timers) noexcept;

    /// The content is there. Precondition: opening.
    [[nodiscard]] Step on_content(const TransferTerms& terms, Instant now,
                                  const TftpTimers& timers) noexcept;

    /// An ACK with the block number of the wire.
    ///
    /// A full window acknowledged: the next one. A part of it: a whole window from behind that
    /// block, once per window (RFC 7440 section 4); later partial ACKs of it only add blocks that
    /// were never sent. The same ACK again is never answered, for
    /// that would double every later block (the Sorcerer's Apprentice, RFC 1123 section 4.2.3.1);
    /// where windows are in use it may mean that the first block of one was lost (EDK2 then sends
    /// ACK expected - 1), so it brings the timer forward, and only the timer resends.
    [[nodiscard]] Step on_ack(std::uint16_t block, Instant now, const TftpTimers& timers) noexcept;

    /// The timer that a Step armed ran out.
    [[nodiscard]] Step on_timer(Instant now, const TftpTimers& timers) noexcept;

    /// The client's request came again, equal in every byte.
    [[nodiscard]] Step on_request_again(Instant now, const TftpTimers& timers) noexcept;

    /// The client sent an ERROR. `probe`: it asked for tsize, and the code is one that clients
    /// close with when the size was all they wanted.
    [[nodiscard]] Step on_error(bool probe) noexcept;

    /// The transfer became one of a multicast group: a MulticastSender decides from now on, and
    /// this keeps how far the member is. Precondition: opening.
    void on_joined(const TransferTerms& terms, Instant now) noexcept;
    /// A member says that it has all blocks up to this one; fewer than before, if it began anew.
    void on_member_ack(std::uint64_t block, Instant now) noexcept;
    /// A member that has the blocks up to `acked`, which are not all, is served alone from now on,
    /// a block at a time. Precondition: member.
    [[nodiscard]] Step on_left(std::uint64_t acked, Instant now, const TftpTimers& timers) noexcept;

    /// How long ago what waits for an ACK was sent; zero while nothing does, or a part of the
    /// window is yet to leave.
    [[nodiscard]] Duration silence(Instant now) const noexcept {
        const bool waits =
            state_ == State::negotiating || (state_ == State::sending && !in_parts());
        return waits ? now - sent_at_ : Duration{};
    }

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] std::uint16_t blksize() const noexcept { return blksize_; }
    [[nodiscard]] std::uint16_t windowsize() const noexcept { return windowsize_; }
    [[nodiscard]] std::uint64_t acked() const noexcept { return acked_; }
    [[nodiscard]] std::uint64_t last_block() const noexcept { return last_block_; }
    /// Blocks that leave in one piece at present: the whole window where nothing was lost.
    [[nodiscard]] std::uint16_t part() const noexcept;
    /// What the timer is armed with after a fresh send; for tests and reports.
    [[nodiscard]] Duration resend_after() const noexcept {
        return std::chrono::microseconds{resend_us_};
    }

private:
    enum Flag : std::uint8_t {
        negotiated = 1,   ///< an OACK was sent
        measured = 2,     ///< srtt_us_ is that of a window, not of the OACK alone
        resent = 4,       ///< what is in flight was sent twice: its round trip says little (Karn)
        rewound = 8,      ///< the one rewind of this window is used up
        hastened = 16,    ///< a duplicate ACK has brought the timer forward
        hint_used = 32,   ///< and that timer has fired: not again in this window
        hint_barred = 64, ///< nor in the next one, where duplicates may be answers to the resend
        gapped = 128      ///< the client has later blocks, too: its ACKs may jump
    };

    Step send_window(Instant now, const TftpTimers& timers) noexcept;
    Step rewind(Instant now, const TftpTimers& timers) noexcept;
    Step extend_window(Instant now, const TftpTimers& timers) noexcept;
    Step send_part(Instant now, const TftpTimers& timers) noexcept;
    Step send_range(std::uint16_t size, Instant now, const TftpTimers& timers) noexcept;
    [[nodiscard]] Duration hastened_after() const noexcept;
    void shrink() noexcept;
    /// What the window may have in flight, sent or not.
    [[nodiscard]] std::uint16_t window_size() const noexcept;
    /// A part of it is not sent yet: the timer is that of the gap.
    [[nodiscard]] bool in_parts() const noexcept { return in_flight_ < window_size(); }
    Step hasten(Instant now) noexcept;
    void on_window_done(Instant now, const TftpTimers& timers) noexcept;
    void let_go_of_back_off(Instant now, const TftpTimers& timers) noexcept;
    void lower_to(std::uint64_t us) noexcept;
    void measure(std::uint32_t us) noexcept;
    [[nodiscard]] std::uint64_t measured_us(const TftpTimers& timers) const noexcept;
    [[nodiscard]] std::uint32_t since_sent(Instant now) const noexcept;
    [[nodiscard]] Duration since_progress(Instant now) const noexcept;
    void progress(Instant now) noexcept;
    [[nodiscard]] std::uint32_t backed_off(const TftpTimers& timers) const noexcept;
    [[nodiscard]] std::uint32_t clamped(std::uint64_t us, const TftpTimers& timers) const noexcept;
    [[nodiscard]] bool has(Flag flag) const noexcept { return (flags_ & flag) != 0; }
    void set(Flag flag) noexcept { flags_ = static_cast<std::uint8_t>(flags_ | flag); }
    void unset(Flag flag) noexcept { flags_ = static_cast<std::uint8_t>(flags_ & ~flag); }

    std::uint64_t acked_ = 0;       ///< blocks, from 1, never wraps
    std::uint64_t last_block_ = 0;  ///< its number; the last block is the short, maybe empty one
    Instant sent_at_;               ///< last sending of what is in flight
    std::uint32_t progress_ms_ = 0; ///< last time that something was acknowledged; wraps
    std::uint32_t age_us_ = 0;      ///< of the window's first sending, at sent_at_
    std::uint32_t resend_us_ = 0;   ///< current timer, backed off
    std::uint32_t srtt_us_ = 0;     ///< smoothed round trip of a window; 0: not yet known
    std::uint32_t rttvar_us_ = 0;
    std::uint16_t in_flight_ = 0; ///< blocks after acked_
    std::uint16_t again_ = 0;     ///< blocks after acked_ + in_flight_ that were sent before
    std::uint16_t blksize_ = 512;
    std::uint16_t windowsize_ = 1;
    std::uint8_t timeout_s_ = 0;
    State state_ = State::opening;
    std::uint8_t flags_ = 0;
    std::uint8_t part_ = window_part::forgiving; ///< sixteenths of a window
};

} // namespace muster
