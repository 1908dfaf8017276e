// SPDX-License-Identifier: Apache-2.0
// One TFTP read as a boot client does it: RFC 1350, 2347, 2348, 2349, 7440, and a member of a
// multicast transfer (RFC 2090).
#pragma once

#include "net/client/client_machine.hh"
#include "net/client/client_outcome.hh"
#include "net/wire/tftp_packet.hh"

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
    /// Asks for the size first, ends that transfer with ERROR 8, and asks again without tsize
    /// (EDK2).
    bool probe = false;
    /// The order in which options stand in the request, by their first letters: `b`lksize,
    /// `t`size, `w`indowsize, `T`imeout, `m`ulticast.
    std::string_view option_order = "btw";
    /// Waits before the 1st, 2nd, … repetition of an unanswered request; after the last it waits
    /// `last_wait` more, then gives up.
    std::span<const Duration> request_waits{};
    Duration last_wait{std::chrono::seconds{8}};
    /// The same while data flows: the last ACK is sent again; one more repetition than these ends
    /// the transfer.
    std::span<const Duration> data_waits{};
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

/// Not a machine: a machine owns one, hands it what concerns its port, and arms its own timer with
/// deadline() after each call.
class TftpClient {
public:
    void begin(TftpFetch fetch, const TftpClientModel& model, ClientContext& context);
    /// A datagram to the fetch's port, or to a group that it joined.
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
    TftpFetch fetch_;
    const TftpClientModel* model_ = nullptr;
    ClientOutcome outcome_ = ClientOutcome::idle;
    Instant deadline_ = Instant::never();
    std::uint64_t bytes_ = 0;
    std::uint64_t wire_bytes_ = 0;
    TftpErrorCode error_code_{};
    std::string why_;
    std::string body_;
};

} // namespace muster
