// SPDX-License-Identifier: Apache-2.0
// Every way in which a datagram or a request is not served. The list is the only place a reason
// is written: the enum, the text that a client shows on its console and the counter come from it.
#pragma once

#include "net/wire/tftp_packet.hh"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace muster {

/// Answered with an ERROR, whose text is the reason and the name as the client gave it.
#define MUSTER_TFTP_DENIALS(X)                                                                     \
    X(write_request, "this server is read-only")                                                   \
    X(mode_mail, "mode mail is not served (RFC 1123 section 4.2.2)")                               \
    X(mode_unknown, "unknown mode, ask for octet")                                                 \
    X(no_such_path, "no such file")                                                                \
    X(outside_tree, "path leaves the served tree")

/// Not answered; the datagram changed nothing.
#define MUSTER_TFTP_DROPS(X)                                                                       \
    X(not_a_request, "port 69 takes requests only (RFC 1350 section 4)")                           \
    X(not_for_a_server, "DATA or OACK, which only a server sends")                                 \
    X(request_to_transfer, "a request to a port that transfers leave from")                        \
    X(unknown_transfer, "no transfer with this client and port: it ended, or never was")           \
    X(duplicate_ack, "an ACK again; only timers resend (RFC 1123 section 4.2.3.1)")                \
    X(stray_ack, "an ACK of a block that is not in flight")                                        \
    X(ack_out_of_turn, "an ACK of a group's member that is not its master (RFC 2090)")             \
    X(sessions_full, "all transfers are in use, the client asks again")                            \
    X(client_budget, "too many transfers of one address while there are few left")                 \
    X(subnet_budget, "too many transfers of one subnet while there are few left")                  \
    X(control_busy, "control takes no more now, the client asks again")

/// What became of requests that had been accepted: their content did not come.
#define MUSTER_TFTP_CONTENT_REFUSALS(X)                                                            \
    X(content_not_found, "no such file")                                                           \
    X(content_forbidden, "access denied")                                                          \
    X(content_failed, "not available now")                                                         \
    X(content_unavailable, "out of descriptors or memory, the client asks again")                  \
    X(content_late, "the content did not come in time, the client asks again")

/// Begins with TftpWireError, in its order.
enum class TftpRefusal : std::uint8_t {
#define X(name, text) name,
    MUSTER_TFTP_WIRE_ERRORS(X) MUSTER_TFTP_DENIALS(X) MUSTER_TFTP_DROPS(X)
        MUSTER_TFTP_CONTENT_REFUSALS(X)
#undef X
};

inline constexpr std::size_t tftp_refusal_count =
#define X(name, text) +1
    MUSTER_TFTP_WIRE_ERRORS(X) MUSTER_TFTP_DENIALS(X) MUSTER_TFTP_DROPS(X)
        MUSTER_TFTP_CONTENT_REFUSALS(X);
#undef X

static_assert(std::to_underlying(TftpRefusal::truncated) ==
              std::to_underlying(TftpWireError::truncated));
static_assert(std::to_underlying(TftpRefusal::bad_option_value) ==
              std::to_underlying(TftpWireError::bad_option_value));

constexpr TftpRefusal to_refusal(TftpWireError error) noexcept {
    return static_cast<TftpRefusal>(error);
}

/// True: the refusal came after the request had been accepted, and is counted beside that.
constexpr bool concerns_content(TftpRefusal refusal) noexcept {
    return refusal >= TftpRefusal::content_not_found;
}

/// The enumerator, as metrics have it.
constexpr std::string_view name_of(TftpRefusal refusal) noexcept {
    constexpr std::array<std::string_view, tftp_refusal_count> names{
#define X(name, text) #name,
        MUSTER_TFTP_WIRE_ERRORS(X) MUSTER_TFTP_DENIALS(X) MUSTER_TFTP_DROPS(X)
            MUSTER_TFTP_CONTENT_REFUSALS(X)
#undef X
    };
    return names[std::to_underlying(refusal)];
}

/// The reason in words.
constexpr std::string_view describe(TftpRefusal refusal) noexcept {
    constexpr std::array<std::string_view, tftp_refusal_count> texts{
#define X(name, text) text,
        MUSTER_TFTP_WIRE_ERRORS(X) MUSTER_TFTP_DENIALS(X) MUSTER_TFTP_DROPS(X)
            MUSTER_TFTP_CONTENT_REFUSALS(X)
#undef X
    };
    return texts[std::to_underlying(refusal)];
}

} // namespace muster
