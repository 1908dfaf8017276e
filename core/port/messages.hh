// SPDX-License-Identifier: Apache-2.0
// What workers and control say to each other. Every message is moved through a queue with one
// writer and one reader; the receiver owns what it carries.
#pragma once

#include "core/addr/subnet6.hh"
#include "core/lease/lease6_record.hh"
#include "core/node/node_alias.hh"
#include "core/node/node_boot.hh"
#include "core/port/content_request.hh"
#include "core/port/datagram.hh"
#include "core/site/snapshot.hh"

#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace muster {

enum class WorkerId : std::uint8_t {};
/// The admin API's own listener, which runs beside control and asks it like a worker.
inline constexpr WorkerId admin_worker{255};

/// Worker 0 to control: make this lease durable, then say so with LeaseCommitted.
struct LeaseCommit {
    SlabHandle request{}; ///< worker 0's pending request; generation 0: no answer wanted
    LeaseRecord lease{};
};

/// The same for an IPv6 lease.
struct Lease6Commit {
    SlabHandle request{};
    Lease6Record lease{};
};

/// What kind of program sent a DHCP message.
enum class DhcpClientKind : std::uint8_t {
    other,     ///< an installer or installed system, or not a boot client
    pxe,       ///< a PXE ROM: option 60 `PXEClient`
    http_boot, ///< UEFI HTTP boot: option 60 `HTTPClient`
    ipxe,      ///< user class or option 175
};

/// Worker 0 to control: a boot client was answered (or left alone by `ignore`).
struct MachineSeen {
    MacAddress mac{};
    Ipv4Address address{};  ///< offered or acknowledged; unspecified: none
    Ipv6Address address6{}; ///< the same of DHCPv6
    Ipv4Address giaddr{};
    std::optional<std::array<std::uint8_t, 16>> uuid{}; ///< option 97, as on the wire
    std::uint16_t arch = 0; ///< option 93 (IANA processor architecture types)
    DhcpClientKind kind{};
    bool acknowledged = false;     ///< false: an OFFER; true: an ACK
    ShortIdentifier client_id{};   ///< option 61
    ShortIdentifier circuit_id{};  ///< option 82.1: the switch port, as its relay names it
    ShortIdentifier remote_id{};   ///< option 82.2: the switch, the same
    Duration collected{};          ///< with an ACK: from the first OFFER to the REQUEST
    Duration flushed{};            ///< with an ACK: from the REQUEST until its lease was durable
    std::uint16_t asked_for_s = 0; ///< how long it has asked already, as it says (`secs`)
    bool left_alone = false;       ///< the site has it not answered
    bool no_loader = false;        ///< nothing here runs on the architecture that it says
    Ipv4Address other_server{};    ///< it took the offer of this server, and nothing was answered
};

/// Worker 0 to control: a machine asked for an address where there is none left. Sent once, until
/// there was one to give again.
struct PoolsDry {
    MacAddress mac{}; ///< whose request it was
    Subnet subnet{};
    std::optional<Subnet6> subnet6{}; ///< instead, of DHCPv6
    std::uint64_t addresses = 0;      ///< of all its pools, and of those that share its link
    Duration lease{};
};

/// Worker 0 to control: somebody answers at an address that was to be offered next, so that it is
/// in quarantine now. Sent once for an address, and a bounded number in a time (ConflictNotices).
struct AddressConflict {
    Ipv4Address address{};
    std::optional<MacAddress> mac{}; ///< whoever answered, if ARP said it
    std::optional<Subnet> subnet{};  ///< of the address
    std::string interface {};        ///< name of the one that is on its link; empty: behind a relay
    Duration quarantine{};
    std::uint32_t untold = 0; ///< others like it that were not told, since the last one that was
};

/// Worker to control: how far a transfer of a file is. Sent when it starts (by HTTP not for what is
/// sent at one go, whose end follows at once), at most every 250 ms while it runs, and when it
/// ends. May be dropped when the queue is full, and wait for a few milliseconds with others.
struct TransferSample {
    enum class Phase : std::uint8_t { started, running, completed, aborted };
    IpAddress client{};
    Phase phase{};
    std::string path{};       ///< as in the URL: `/files/debian12/linux`, `/loaders/shimx64.efi`
    std::uint64_t offset = 0; ///< where the asked range starts
    std::uint64_t sent = 0;   ///< bytes of the range sent since the last sample
    std::uint64_t size = 0;   ///< bytes of the whole content
    Duration silence{};       ///< TFTP: that ended with something sent again, since the last sample
};

/// Worker to control, which passes it on: a datagram that another worker serves. The kernel spreads
/// clients over workers, but a multicast group has one.
struct HandedDatagram {
    WorkerId to{};
    RxDatagram datagram{}; ///< its payload is `payload`
    std::string payload{};
};

using WorkerMessage =
    std::variant<std::monostate, LeaseCommit, Lease6Commit, MachineSeen, PoolsDry, AddressConflict,
                 std::unique_ptr<DynamicRequest>, std::unique_ptr<TransferSample>,
                 std::unique_ptr<HandedDatagram>>;

/// Control to worker 0: the lease is on disk (`durable`), or the store refused it.
struct LeaseCommitted {
    SlabHandle request{};
    bool durable = false;
    bool v6 = false; ///< it answers a Lease6Commit
};

/// Control to every worker: a new site. The old one is freed when the last worker lets go.
using SnapshotRef = std::shared_ptr<const Snapshot>;

using ControlMessage =
    std::variant<std::monostate, LeaseCommitted, NodeBoot, std::unique_ptr<DynamicReply>,
                 SnapshotRef, std::unique_ptr<HandedDatagram>>;

} // namespace muster
