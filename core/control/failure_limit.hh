// SPDX-License-Identifier: Apache-2.0
// How often an address may show a wrong token before it has to wait.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/time.hh"

#include <absl/container/flat_hash_map.h>

namespace muster {

/// So many wrong tokens within the span are answered; then everything with a token has to wait for
/// the span's end, the right one too, for else guesses would go on.
inline constexpr unsigned token_failures_max = 10;
inline constexpr Duration token_failures_span = std::chrono::minutes{1};
/// Addresses remembered; beyond it the one whose span began first is forgotten.
inline constexpr std::size_t failing_clients_max = 1'024;

/// Counts per IPv4 address, and per /64 of IPv6: whoever has one has all of it.
class FailureLimit {
public:
    /// Zero: it may try. Else how long it has to wait.
    [[nodiscard]] Duration wait(const IpAddress& client, UnixTime at) const;
    void note(const IpAddress& client, UnixTime at);
    [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }

private:
    struct Failures {
        UnixTime first;
        unsigned count = 0;
    };
    [[nodiscard]] static bool over(const Failures& failures, UnixTime at) noexcept;
    void make_room(UnixTime at);

    absl::flat_hash_map<IpAddress, Failures> clients_;
};

} // namespace muster
