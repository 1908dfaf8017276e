// SPDX-License-Identifier: Apache-2.0
// One DHCP exchange as a boot client makes it: DISCOVER to ACK, a proxyDHCP request on port 4011,
// renewal. RFC 2131 section 4.4; the PXE specification 2.1 section 2.2.
#pragma once

#include "net/client/client_machine.hh"
#include "net/client/client_outcome.hh"
#include "net/wire/dhcp_message.hh"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace muster {

/// Habits of one client program. Static data, one object a model.
struct DhcpClientModel {
    std::string_view vendor_class{};                ///< option 60; empty: not sent
    std::string_view user_class{};                  ///< option 77, bare text as iPXE sends it
    std::optional<std::uint16_t> arch{};            ///< option 93
    std::span<const std::uint8_t> undi{};           ///< option 94
    std::span<const std::uint8_t> parameter_list{}; ///< option 55
    std::span<const std::uint8_t> ipxe_options{};   ///< option 175
    bool client_id = false;                         ///< option 61, 01 + MAC
    bool uuid = false;                              ///< option 97
    std::uint16_t max_size_discover = 0;            ///< option 57; 0: not sent
    std::uint16_t max_size_request = 0;
    bool broadcast = false;  ///< the broadcast flag
    std::string_view file{}; ///< the `file` field of a DISCOVER (U-Boot's first try)
    /// Codes of the options in the order sent. Option 53 is first in every client.
    std::span<const std::uint8_t> option_order{};
    /// Waits before the 1st, 2nd, … repetition of a DISCOVER; after the last it waits
    /// `discover_last_wait` more, then gives up.
    std::span<const Duration> discover_waits{};
    Duration discover_last_wait{};
    std::span<const Duration> request_waits{};
    Duration request_last_wait{};
    /// Collects OFFERs so long after its DISCOVER whatever came (EDK2: 4 s); 0: takes the first.
    Duration collect{};
    /// Waits so long for a proxyDHCP OFFER after a plain one, unless option 175.176 says that none
    /// will come or one has come (iPXE); 0: does not wait.
    Duration proxy_wait{};
    std::uint16_t proxy_source_port = 68; ///< of requests to port 4011 (iPXE: 68, EDK2: 4011)
};

/// What an exchange brought.
struct DhcpClientLease {
    Ipv4Address address{};
    Ipv4Address server{};      ///< option 54
    Ipv4Address next_server{}; ///< siaddr, or option 66 where it is an address
    Ipv4Address router{};
    Ipv4Address netmask{};
    std::uint32_t lease_s = 0;
    std::string boot_file{};    ///< option 67 or the `file` field, as this client prefers
    std::string vendor_class{}; ///< option 60 of the answer
    bool from_proxy = false;    ///< next_server and boot_file came from a proxyDHCP server
};

/// Not a machine: a machine owns one, hands it what comes to ports 68 and 4011, and arms its own
/// timer with deadline() after each call.
class DhcpClient {
public:
    explicit DhcpClient(const DhcpClientModel& model) noexcept : model_(&model) {}

    /// DISCOVER. `elapsed` of the machine counts from here.
    void begin(ClientContext& context);
    /// REQUEST of a known lease in RENEWING state: unicast to its server.
    void renew(ClientContext& context);
    /// RELEASE, for which there is no answer.
    void release(ClientContext& context);
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept;
    void on_timer(ClientContext& context) noexcept;

    [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
    [[nodiscard]] ClientOutcome outcome() const noexcept { return outcome_; }
    [[nodiscard]] bool busy() const noexcept { return outcome_ == ClientOutcome::running; }
    [[nodiscard]] const DhcpClientLease& lease() const noexcept { return lease_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
    const DhcpClientModel* model_;
    ClientOutcome outcome_ = ClientOutcome::idle;
    Instant deadline_ = Instant::never();
    DhcpClientLease lease_;
    std::string why_;
};

} // namespace muster
