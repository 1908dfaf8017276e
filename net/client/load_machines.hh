// SPDX-License-Identifier: Apache-2.0
// Machines that do one thing, over and over: what a load generator's fleets are made of. They are
// cheap, so that the server is what is measured.
#pragma once

#include "net/client/client_machine.hh"
#include "net/client/tftp_client.hh"

#include <memory>
#include <string>

namespace muster {

/// When a machine that repeats itself stops: whatever comes first. What runs then is given up,
/// which is no failure. Instants are those of the fleet's clock.
struct LoadLimits {
    std::uint64_t count = 1; ///< fetches; 0: without end
    Instant until = Instant::never();
    /// After a fetch that failed, so that a server that refuses is not asked without a pause.
    Duration failure_pause = std::chrono::milliseconds{100};
};

struct TftpLoadOptions {
    IpAddress local{}; ///< unspecified: the identity's address
    Endpoint server{};
    std::string name{};
    std::uint16_t blksize = 1468;    ///< asked for; 0: the option is not sent
    std::uint16_t windowsize = 0;    ///< asked for; 0: the option is not sent
    bool multicast = false;          ///< asked for (RFC 2090)
    const Bytes* expected = nullptr; ///< compare with this; must outlive the machine
    /// Each fetch leaves from the next port, of a thousand from here.
    std::uint16_t first_port = 49152;
    LoadLimits limits{};
};

struct HttpLoadOptions {
    IpAddress local{}; ///< unspecified: the identity's address, if it has one
    Endpoint server{};
    std::string host{};           ///< the Host field; empty: made from `server`
    std::string target{};         ///< path and query, as they go on the wire
    bool new_connections = false; ///< a connection a request
    std::uint64_t range_begin = 0;
    std::uint64_t range_end = 0; ///< one behind the last byte asked for; 0: all of it
    /// Compare the body with this, else it is thrown away; must outlive the machine.
    const Bytes* expected = nullptr;
    LoadLimits limits{.count = 0};
};

struct DhcpLoadOptions {
    enum class Mode : std::uint8_t {
        broadcast, ///< as a client without an address: frames to everybody
        relay,     ///< as a relay agent for it: unicast from `relay`, port 67
    };
    Mode mode = Mode::broadcast;
    Ipv4Address server{};   ///< relay mode
    Ipv4Address relay{};    ///< relay mode: giaddr, and where replies come to
    bool broadcast = false; ///< sets the broadcast flag
    bool pxe = false;       ///< says what an x64 UEFI machine says (options 60, 93, 94, 97)
    /// Waits before the 1st, 2nd, … repetition of a DISCOVER or REQUEST; after the last it waits
    /// `last_wait` more, then gives up. Null: 1, 2, 4 and 8 s. Must outlive the machine.
    std::span<const Duration> waits{};
    Duration last_wait{std::chrono::seconds{8}};
    std::uint32_t seed = 0; ///< of its transaction id, with its MAC address
};

/// Fetches a file, again and again. Notes what TftpClient notes, `failed` for each fetch that did
/// not come whole, and finish(ok) with ok unless one failed.
[[nodiscard]] std::unique_ptr<ClientMachine> make_tftp_load_machine(const TftpLoadOptions& options);

/// Requests a path, again and again. Notes as above.
/// Cost: below a microsecond a request beyond what the driver needs.
[[nodiscard]] std::unique_ptr<ClientMachine> make_http_load_machine(const HttpLoadOptions& options);

/// One exchange, DISCOVER to ACK, then finish. Notes `exchange` with the time from the first
/// DISCOVER to the ACK, `retransmission`, `waited` (dhcp_no_answer). A reply to a relay agent comes
/// to its port 67; it is found by its chaddr.
///
/// Not DhcpClient, which keeps a boot client's habits: here a message is a template of which a few
/// fields are patched.
[[nodiscard]] std::unique_ptr<ClientMachine> make_dhcp_load_machine(const DhcpLoadOptions& options);

} // namespace muster
