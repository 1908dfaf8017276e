// SPDX-License-Identifier: Apache-2.0
// The TLS of one connection, in user space: bytes of the wire in and out, no socket.
#pragma once

#include "core/base/bytes.hh"

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

using SSL = struct ssl_st;

namespace muster {

/// Why a handshake came to nothing.
enum class TlsFailure : std::uint8_t {
    not_tls,        ///< the first bytes are no TLS record
    plain_http,     ///< an HTTP request without TLS; it is told so
    version,        ///< older than TLS 1.2
    nothing_common, ///< no cipher, group or signature that both sides have
    client_alert,   ///< the client refused: mostly it does not trust the certificate
    protocol,       ///< anything else that the standards forbid
    timeout,
    peer_closed, ///< the client hung up before the end
    no_room,     ///< as many handshakes are under way as may be
};
inline constexpr std::size_t tls_failure_count = 9;

/// As a label of a metric: `not_tls`, `plain_http`, ….
[[nodiscard]] std::string_view to_text(TlsFailure failure) noexcept;

/// The server's side of one connection. Bytes that came are given by feed(), and read() makes of
/// them what it can: first the handshake, then plain text. Bytes to be sent gather in an output
/// that the caller takes by take_output(), in the order in which they must leave.
///
/// Memory: what OpenSSL needs (some 40 KiB during the handshake, about 10 KiB afterwards), and the
/// output until it is taken.
/// Thread: the owner's.
/// Source: RFC 8446, RFC 5246.
class TlsSession {
public:
    /// Takes over `ssl`, which is fresh and from a context that tls_server.cc made.
    explicit TlsSession(SSL* ssl);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    struct Step {
        enum class Kind : std::uint8_t {
            more,   ///< all that was fed is used up
            opened, ///< the handshake is complete; call again
            data,   ///< `size` bytes of plain text; call again
            ended,  ///< the peer has ended its side properly (close_notify)
            failed, ///< the connection cannot go on; an alert may be in the output
        };
        Kind kind = Kind::more;
        std::size_t size = 0;
        TlsFailure failure{}; ///< of `failed`
    };

    /// Bytes of the wire. They must stay until read() has said `more`, `ended` or `failed`.
    void feed(Bytes wire) noexcept { input_ = wire; }
    [[nodiscard]] Step read(MutableBytes plain) noexcept;

    /// Encrypts all of `plain`. False: the connection cannot go on.
    [[nodiscard]] bool write(Bytes plain) noexcept;
    /// Tells the peer that no more will come (close_notify).
    void end() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return open_; }
    /// The handshake took over a session of before.
    [[nodiscard]] bool is_resumed() const noexcept;
    [[nodiscard]] bool is_tls_1_3() const noexcept;

    /// Bytes that wait to be sent.
    [[nodiscard]] Bytes output() const noexcept { return output_; }
    [[nodiscard]] std::vector<std::byte> take_output() noexcept {
        return std::exchange(output_, {});
    }

    /// For the transport of OpenSSL: tls_session.cc.
    [[nodiscard]] Bytes& input() noexcept { return input_; }
    void add_output(Bytes bytes) { output_.insert(output_.end(), bytes.begin(), bytes.end()); }

private:
    [[nodiscard]] Step fail(int result) noexcept;

    SSL* ssl_;
    Bytes input_;
    std::vector<std::byte> output_;
    bool open_ = false;
};

} // namespace muster
