// SPDX-License-Identifier: Apache-2.0
// The habits of one DHCP client program, as data, and the messages that it writes.
#pragma once

#include "net/client/client_machine.hh"
#include "net/wire/dhcp_message.hh"

#include <optional>
#include <span>
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
    std::string_view file{}; ///< the `file` field of its messages (U-Boot's)
    /// Codes of the options in the order sent, those of a REQUEST (50, 54) among them. Option 53
    /// is first in every client.
    std::span<const std::uint8_t> option_order{};
    /// Waits before the 1st, 2nd, … repetition of a DISCOVER; after the last it waits
    /// `discover_last_wait` more, then gives up.
    std::span<const Duration> discover_waits{};
    Duration discover_last_wait{};
    std::span<const Duration> request_waits{};
    Duration request_last_wait{};
    /// Collects OFFERs so long after its first DISCOVER, after a repetition as long as it waits for
    /// the next, and chooses then (EDK2, GRUB); 0: chooses when one comes.
    Duration collect{};
    /// Until so long after its first DISCOVER it goes on asking, even with an OFFER in its hands,
    /// unless option 175.176 says that no proxyDHCP OFFER will come or one has come (iPXE); looked
    /// at when a DISCOVER's wait is over. 0: does not wait.
    Duration proxy_wait{};
    std::uint16_t proxy_source_port = 68; ///< of requests to port 4011 (iPXE: 68, EDK2: 4011)

    /// Which OFFER it takes; see dhcp_client_offer.hh.
    enum class Choice : std::uint8_t {
        first,
        ranked, ///< EDK2's PXE client
        http,   ///< EDK2's HTTP boot
    };
    Choice choice = Choice::first;
    /// What it writes into `secs`.
    enum class Seconds : std::uint8_t {
        none,
        elapsed, ///< since its first DISCOVER, as of the last repetition
        ipxe,    ///< four times its timer's rounds, plus 2 with an OFFER and 1 with a proxy's
    };
    Seconds seconds = Seconds::none;
    bool file_first = false;    ///< the `file` field wins over option 67 (iPXE)
    bool bare_discover = false; ///< a DISCOVER holds option 53 and no other (GRUB)
    /// After a NAK it begins again, so late; none: it has failed.
    std::optional<Duration> nak_wait{};
    /// Of requests to port 4011; empty: `option_order`.
    std::span<const std::uint8_t> proxy_option_order{};
    std::span<const Duration> proxy_waits{};
    Duration proxy_last_wait{};
};

/// What a message says beyond the habits of its sender.
struct DhcpClientMessage {
    DhcpMessageType type{};
    std::uint32_t xid = 0;
    std::uint16_t secs = 0;
    Ipv4Address ciaddr{};
    std::optional<Ipv4Address> server{};    ///< option 54
    std::optional<Ipv4Address> requested{}; ///< option 50
    bool to_proxy = false;                  ///< goes to port 4011
    /// Set: asks a boot server for this item of a menu (option 43.71).
    std::optional<std::uint16_t> menu_type{};
};

/// Writes `message` as a client of `model` does; returns its size.
[[nodiscard]] std::size_t write_dhcp_client_message(const DhcpClientModel& model,
                                                    const ClientIdentity& identity,
                                                    const DhcpClientMessage& message,
                                                    MutableBytes buffer) noexcept;

} // namespace muster
