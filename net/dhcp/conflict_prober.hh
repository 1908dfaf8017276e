// SPDX-License-Identifier: Apache-2.0
// Looks in the background whether the addresses to be offered next are in use. No answer to a
// client ever waits for it: what could not be looked at in time is offered as it is.
#pragma once

#include "core/lease/lease_table.hh"
#include "core/port/conflict_probe.hh"
#include "core/port/interface_info.hh"

#include <array>
#include <span>
#include <vector>

namespace muster {

struct ConflictProberLimits {
    std::uint32_t probes_per_round = 64;
    Duration round = std::chrono::milliseconds{100}; ///< while there is something to ask or to hear
    Duration rest = std::chrono::seconds{5};         ///< when there is not
    /// How long an address that was silent counts as free.
    Duration valid = std::chrono::minutes{10};
};

/// Keeps the next `ahead` addresses of each link looked at. Asks by ARP on links that an interface
/// of ours is on (RFC 5227 section 2.1.1: sender address 0.0.0.0, so that no cache is changed),
/// else by ICMP echo.
///
/// Answers are weighed together when their round is over: whoever answers for more than a few
/// addresses at once answers for everybody (a router with proxy ARP, a load generator), and what
/// it says then and later means nothing.
///
/// Thread: worker 0.
class ConflictProber {
public:
    static constexpr std::size_t ahead = 64;
    static constexpr std::size_t addresses_of_one = 4; ///< in one round, and believed

    explicit ConflictProber(const ConflictProberLimits& limits) : limits_(limits) {}

    /// Replaces the links; what was looked at is forgotten.
    void set_links(std::span<const SubnetPlan> subnets, std::span<const InterfaceInfo> interfaces);
    /// Addresses are being given out: look sooner.
    void hurry(Instant now) noexcept;
    /// When ask() has work next.
    [[nodiscard]] Instant next_round() const noexcept { return next_round_; }
    /// Appends what is to be asked now.
    void ask(const LeaseTable& leases, Instant now, std::vector<ConflictProbe>& out);
    /// Notes an answer; those that nobody asked for say nothing.
    void hear(const ConflictAnswer& answer, Instant now) noexcept;
    /// The answers of the last round that are believed. Borrowed until the next call.
    [[nodiscard]] std::span<const ConflictAnswer> settle(Instant now) noexcept;
    /// The interface of ours that is on this link; 0: none, it lies behind relays.
    [[nodiscard]] std::uint32_t interface_of(LinkId link) const noexcept;
    /// Answers that were not believed, so far.
    [[nodiscard]] std::uint64_t ignored() const noexcept { return ignored_; }

private:
    struct Looked {
        Ipv4Address address;
        Instant at{INT64_MIN};
    };
    struct Link {
        LinkId id{};
        std::uint32_t interface = 0;
        MacAddress mac{};
        std::array<Looked, ahead> looked{};
        std::size_t next = 0; ///< place to be reused

        [[nodiscard]] bool knows(const Ipv4Address& address, Instant since) const noexcept;
    };

    /// Whoever answers for everybody.
    struct Proxy {
        MacAddress mac{};
        Instant until{INT64_MIN};
    };

    [[nodiscard]] bool asked(const Ipv4Address& address, Instant now) const noexcept;
    [[nodiscard]] bool answers_for_all(const ConflictAnswer& answer, Instant now) noexcept;

    ConflictProberLimits limits_;
    std::vector<Link> links_;
    std::array<ConflictAnswer, 256> heard_{};
    std::size_t heard_count_ = 0;
    std::array<Proxy, 16> proxies_{};
    std::size_t next_proxy_ = 0;
    std::size_t echoes_ = 0; ///< asked by ICMP in the last round
    std::uint64_t ignored_ = 0;
    std::size_t turn_ = 0; ///< the link to begin with
    Instant next_round_ = Instant::never();
};

} // namespace muster
