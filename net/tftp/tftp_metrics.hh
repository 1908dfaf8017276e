// SPDX-License-Identifier: Apache-2.0
// What a TFTP server counts. Written by its worker, read by whoever scrapes.
#pragma once

#include "core/metrics/counter.hh"
#include "core/metrics/exposition.hh"
#include "net/tftp/tftp_refusal.hh"

#include <array>

namespace muster {

/// How transfers end.
#define MUSTER_TFTP_ENDS(X)                                                                        \
    X(completed) /* the last block was acknowledged */                                             \
    X(probed)    /* the client wanted the size alone */                                            \
    X(aborted)   /* the client sent an ERROR */                                                    \
    X(timed_out) /* no progress, or no content, in time */                                         \
    X(replaced)  /* the client asked for something else, or began anew */                          \
    X(refused)   /* its content did not come */

enum class TftpEnd : std::uint8_t {
#define X(name) name,
    MUSTER_TFTP_ENDS(X)
#undef X
};
inline constexpr std::size_t tftp_end_count =
#define X(name) +1
    MUSTER_TFTP_ENDS(X);
#undef X

/// Accounting, which holds after every datagram:
///   received = requests + repeated_requests + handed_on + acks + client_errors
///              + refusals that do not concern content
///   requests = sessions + sum of ends
struct TftpMetrics {
    Counter received;          ///< datagrams handed to the server
    Counter requests;          ///< read requests that became a transfer
    Counter repeated_requests; ///< the same request again while its transfer lived
    Counter handed_on;         ///< requests that another worker serves
    Counter acks;              ///< that moved a transfer on
    Counter client_errors;     ///< ERRORs that ended a transfer
    std::array<Counter, tftp_refusal_count> refusals; ///< by TftpRefusal
    std::array<Counter, tftp_end_count> ends;         ///< by TftpEnd

    Counter oacks_sent;
    Counter errors_sent;
    Counter blocks_sent;   ///< DATA, the resent ones included
    Counter blocks_resent; ///< DATA sent more than once
    Counter bytes_acknowledged;
    Counter stale_answers;   ///< content for a request that is gone
    Counter samples_dropped; ///< that control had no room for
    Counter sessions;        ///< gauge: transfers alive

    Counter groups;           ///< gauge: multicast groups alive
    Counter members_joined;   ///< transfers that joined one
    Counter members_detached; ///< that left it to be served alone, for its blocks did not come
    Counter handovers;        ///< masters made, each group's first one included
    Counter blocks_to_groups; ///< of blocks_sent

    [[nodiscard]] std::uint64_t refused(TftpRefusal refusal) const noexcept {
        return refusals[std::to_underlying(refusal)].read();
    }
    [[nodiscard]] std::uint64_t ended(TftpEnd end) const noexcept {
        return ends[std::to_underlying(end)].read();
    }
};

/// Adds all readings as muster_tftp_….
///
/// Thread:  any; reads counters only
void report(const TftpMetrics& metrics, Exposition& out);

} // namespace muster
