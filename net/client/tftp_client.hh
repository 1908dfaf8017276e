// SPDX-License-Identifier: Apache-2.0
// One TFTP read as a boot client does it: RFC 1350, 2347, 2348, 2349, 7440, and a member of a
// multicast transfer (RFC 2090).
#pragma once

#include "net/client/client_machine.hh"
#include "net/client/client_outcome.hh"
#include "net/wire/tftp_packet.hh"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Habits of one client program. Static data, one object a model.
struct TftpClientModel {
    std::uint16_t blksize = 1468; ///< asked for; 0: the option is not sent
    std::uint16_t windowsize = 0; ///< asked for; 0: the option is not sent
    std::uint8_t timeout_s = 0;   ///< asked for; 0: the option is not sent
    bool tsize = true;            ///< asked for
    bool multicast = false;       ///< asked for (RFC 2090)
    /// Asks for the size first, ends that transfer with ERROR 8, and asks again without tsize from
    /// the next port (EDK2).
    bool probe = false;
    /// The order in which options stand in the request, by their first letters: `b`lksize,
    /// `t`size, `w`indowsize, `T`imeout, `m`ulticast. What has no letter here is not sent.
    std::string_view option_order = "btw";
    /// Waits before the 1st, 2nd, … repetition of an unanswered request; after the last it waits
    /// `last_wait` more, then gives up.
    std::span<const Duration> request_waits{};
    Duration last_wait{std::chrono::seconds{8}};
    /// The same while data flows: the last ACK is sent again; one more repetition than these ends
    /// the transfer. A passive member of a multicast transfer sends its request again instead.
    std::span<const Duration> data_waits{};
    /// `last_wait` while data flows; 0: that one. GRUB asks for no data again, but listens for 30
    /// s.
    Duration data_last_wait{};
};

/// What to fetch.
struct TftpFetch {
    IpAddress local{};      ///< the machine's address
    std::uint16_t port = 0; ///< the machine's port for this transfer
    Endpoint server{};
    std::string name{};
    const Bytes* expected = nullptr; ///< compare with this, if set; borrowed until it is done
    std::size_t keep_max = 0;        ///< keep up to so many bytes of the file for body()
};

/// What a member of a multicast transfer knows (RFC 2090).
struct TftpMembership {
    Endpoint group{};
    bool master = false;
    std::uint64_t last_block = 0;    ///< 0: not yet seen
    std::uint64_t highest_block = 0; ///< that came
    std::vector<std::uint64_t> have; ///< a bit a block
};

/// Not a machine: a machine owns one, hands it what concerns its port, and arms its own timer with
/// deadline() after each call. One fetch at a time; begin() may follow the end of one.
///
/// Notes `retransmission`, `waited` (tftp_no_answer: what ended with an answer or in giving up,
/// counted from the last progress) and, when a file came whole, `transfer`; a failure is for the
/// machine to judge. The port is closed at the end.
///
/// Source: RFC 1350, 1123 section 4.2.3, 2347, 2348, 2349, 7440, 2090.
class TftpClient {
public:
    void begin(TftpFetch fetch, const TftpClientModel& model, ClientContext& context);
    /// A datagram to port(), or to a group that it joined.
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept;
    /// At or after deadline(); early calls do nothing.
    void on_timer(ClientContext& context) noexcept;
    /// Ends a running fetch with an ERROR, as a client that is switched off would not.
    void abort(ClientContext& context) noexcept;

    [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
    [[nodiscard]] ClientOutcome outcome() const noexcept { return outcome_; }
    [[nodiscard]] bool busy() const noexcept { return outcome_ == ClientOutcome::running; }
    [[nodiscard]] std::uint16_t port() const noexcept { return fetch_.port; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    /// The code and text of the ERROR, or what was wrong.
    [[nodiscard]] TftpErrorCode error_code() const noexcept { return error_code_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    [[nodiscard]] const std::string& body() const noexcept { return body_; }
    /// Bytes of all datagrams that came for it, headers and repetitions too.
    [[nodiscard]] std::uint64_t wire_bytes() const noexcept { return wire_bytes_; }

private:
    enum class Phase : std::uint8_t {
        over,      ///< or not yet begun
        probing,   ///< asked for the size alone
        asking,    ///< asked for the file, no answer yet
        receiving, ///< the server's port is known, and the options are settled
    };
    /// Blocks that were not expected are answered again only after such a pause: what the network
    /// doubled or shuffled comes sooner, what the server's timer sent again comes later. So an ACK
    /// that was lost is made up for, and no ACK is doubled for a doubled block (the Sorcerer's
    /// Apprentice, RFC 1123 section 4.2.3.1).
    static constexpr Duration ack_pause = 10ms;

    void send_request(ClientContext& context);
    void on_oack(Bytes packet, const Endpoint& from, ClientContext& context) noexcept;
    void on_data(Bytes packet, const Endpoint& from, ClientContext& context) noexcept;
    void on_block(std::uint16_t number, Bytes payload, ClientContext& context) noexcept;
    void on_unexpected(std::int16_t distance, ClientContext& context) noexcept;
    void end_probe(const Endpoint& from, ClientContext& context);
    [[nodiscard]] bool settle(const TftpOptions& granted) noexcept;
    [[nodiscard]] bool store(std::uint64_t offset, Bytes payload, ClientContext& context) noexcept;
    void finish_if_sized(ClientContext& context) noexcept;

    // Multicast: net/client/tftp_client_multicast.cc.
    void join(const TftpMulticast& terms, ClientContext& context);
    void on_role(const TftpMulticast& terms, ClientContext& context) noexcept;
    void on_group_block(std::uint16_t number, Bytes payload, ClientContext& context) noexcept;

    void acknowledge(ClientContext& context) noexcept;
    void send_error(const Endpoint& to, TftpErrorCode code, std::string_view text,
                    ClientContext& context) noexcept;
    void progress(ClientContext& context) noexcept;
    void arm(Instant now) noexcept;
    void refuse(TftpErrorCode code, std::string why, ClientContext& context) noexcept;
    void end(ClientOutcome outcome, std::string why, ClientContext& context) noexcept;
    [[nodiscard]] bool ack_is_old(const ClientContext& context) const noexcept {
        return context.now.steady - acked_at_ >= ack_pause;
    }
    [[nodiscard]] bool passive() const noexcept { return member_ && !member_->master; }
    [[nodiscard]] Duration last_wait() const noexcept {
        return phase_ == Phase::receiving && model_->data_last_wait != Duration{}
                   ? model_->data_last_wait
                   : model_->last_wait;
    }
    [[nodiscard]] std::span<const Duration> waits() const noexcept {
        return phase_ == Phase::receiving ? model_->data_waits : model_->request_waits;
    }

    // In this order because a block touches what is first.
    const TftpClientModel* model_ = nullptr;
    Phase phase_ = Phase::over;
    ClientOutcome outcome_ = ClientOutcome::idle;
    bool gap_told_ = false; ///< an ACK said that `next_` is missing
    std::uint16_t blksize_ = tftp_blksize_default;
    std::uint16_t windowsize_ = 1;
    std::uint16_t in_window_ = 0;         ///< blocks since the last ACK
    std::optional<std::int16_t> stray_{}; ///< last unexpected block, relative to `next_`
    std::uint64_t next_ = 1;              ///< first block that is missing; never wraps
    std::uint64_t bytes_ = 0;
    std::uint64_t wire_bytes_ = 0;
    std::size_t waits_used_ = 0; ///< repetitions since the last progress
    Instant deadline_ = Instant::never();
    Instant acked_at_{};
    Instant quiet_since_{}; ///< last progress
    Endpoint server_{};     ///< with the port of its transfer; port 0: not yet known
    std::optional<std::uint64_t> tsize_{};
    std::optional<std::uint64_t> size_max_{}; ///< what a probe was told
    TftpFetch fetch_;
    std::optional<TftpMembership> member_{}; ///< set: a multicast transfer
    TftpOptions asked_{};                    ///< in the request that is out
    Instant begun_{};
    TftpErrorCode error_code_{};
    std::string why_;
    std::string body_;
};

} // namespace muster
