// SPDX-License-Identifier: Apache-2.0
// The packets of a world: a switch with the server on one port and a machine on each other.
//
// Question that the model answers: when does a datagram arrive, if it does? Each direction of the
// server's link and of each machine's is a queue of its own; what waits too long is dropped. TCP is
// not made of packets here (Streams) and does not fill these queues.
#pragma once

#include "core/mem/cache_line.hh"
#include "core/port/client.hh"
#include "core/port/datagram.hh"

#include "tools/simulator/frame_link.hh"
#include "tools/simulator/universe.hh"

#include <array>
#include <map>
#include <set>

namespace muster::sim {

class Machines;
class ServerHost;
class TftpCheck;

struct NetworkOptions {
    double server_rate = 25e9 / 8; ///< bytes a second, each direction
    double client_rate = 1e9 / 8;
    Duration latency = 50us;   ///< one way, with switches, stacks and interrupts
    Duration queue_max = 50ms; ///< what would wait longer in a queue is dropped
    Ipv4Address server_address{{10, 0, 0, 1}};
    MacAddress server_mac{{2, 0, 0, 0, 0, 1}};
    /// Every UDP datagram travels as the bytes of an Ethernet frame, which the server's frame hosts
    /// write and read, as a driver of NICs would have it; else as a kernel's sockets hand it over.
    bool frames = false;
    std::uint16_t vlan = 0; ///< of all frames; 0: no tag
};

/// What became of packets that did not arrive.
enum class PacketLoss : std::uint8_t {
    lost,         ///< by the fault of that name
    cut,          ///< the machine's link is cut, or its power off
    queue_full,   ///< a link was behind by more than queue_max
    damaged,      ///< refused by its checksum
    no_neighbour, ///< nobody has the address
    no_socket,    ///< nobody listens on the port
    server_down,  ///< no process
};
inline constexpr std::size_t packet_loss_count = 7;

struct DatagramCounts {
    std::uint64_t sent = 0;       ///< by server and machines
    std::uint64_t duplicated = 0; ///< by the fault of that name
    std::uint64_t delivered = 0;
    std::array<std::uint64_t, packet_loss_count> losses{};
    std::uint64_t in_flight = 0;
    std::uint64_t server_tx_bytes = 0; ///< on the wire
};

class Datagrams {
public:
    Datagrams(Universe& universe, const NetworkOptions& options)
        : universe_(universe), options_(options) {}
    void connect(ServerHost& server, Machines& machines, TftpCheck* check) noexcept {
        server_ = &server;
        machines_ = &machines;
        check_ = check;
    }

    /// The server's process has started, its workers with these ports. See FrameLink.
    void on_server_start(const InterfaceInfo& interface,
                         std::span<const std::vector<UdpPortRange>> workers);
    void on_server_death();
    /// At the end: what the server's frame hosts counted.
    void check() const;

    // What the server's engines and the machines send.
    void send(unsigned worker, std::uint16_t port, const TxDatagram& datagram, Bytes payload);
    void send(unsigned worker, std::uint16_t port, const TxBlocks& blocks);
    void send(const ClientTx& datagram, Bytes payload);
    void on_group(const ClientGroup& group);

    void on_event(const AgendaEvent& event);
    /// That event is soon to come: what it will look at had better be in the cache.
    void prefetch_packet(const AgendaEvent& event) const noexcept;
    void prefetch_machine(const AgendaEvent& event) const noexcept;
    void prefetch_engine(const AgendaEvent& event) const noexcept;

    [[nodiscard]] const DatagramCounts& counts() const noexcept { return counts_; }

private:
    /// Two cache lines, what most packets need in the first.
    struct alignas(cache_line_size) Packet {
        ClientProtocol protocol{};
        bool to_server = false;
        bool everybody = false; ///< broadcast: the fleet finds whose it is
        bool framed = false;    ///< payload is a frame
        bool damaged = false;
        bool unseen = false; ///< damaged, and the checksum fits
        bool small = false;  ///< the payload is in `few`: an ACK
        std::uint16_t blksize = 0;
        MachineIndex machine = 0;
        std::uint32_t size = 0; ///< of the payload
        ContentRef content;     ///< DATA: its bytes are fetched when it arrives
        std::uint64_t block = 0;
        std::array<std::byte, 8> few{};
        Endpoint source;
        Endpoint destination;
        std::uint64_t damage = 0; ///< where
        std::vector<std::byte> payload;

        /// As new, but for its memory and what is written of every packet.
        void clear() noexcept;
        void set_payload(Bytes bytes);
        [[nodiscard]] Bytes bytes() const noexcept {
            return small ? Bytes{few}.first(size) : Bytes{payload};
        }
    };

    [[nodiscard]] std::uint32_t claim();
    void release(std::uint32_t slot) noexcept;
    /// Sends what lies in the slot, with all that may happen to it on the way.
    void launch(std::uint32_t slot);
    void launch_once(std::uint32_t slot, bool again);
    [[nodiscard]] std::optional<Instant> arrival(const Packet& packet);
    void lose(std::uint32_t slot, PacketLoss why) noexcept;
    /// Of a machine's.
    void write_as_frame(Packet& packet);
    void damage_frame(Packet& packet) const;
    /// What left the server as a frame; `block`: of DATA, for the planted bugs.
    void send_frame(const std::optional<Bytes>& frame, bool link, std::uint64_t block);
    [[nodiscard]] Bytes write_data(const Packet& packet);
    void send_to_machine(Packet& packet, std::uint32_t slot, std::optional<MachineIndex> machine);
    void send_by_address(std::uint32_t slot);

    void arrive(std::uint32_t slot);
    /// The payload as the receiver's socket has it; nullopt: its checksum was wrong.
    [[nodiscard]] std::optional<Bytes> open(Packet& packet);
    void deliver_to_server(std::uint32_t slot, Bytes payload);
    void deliver_frame(std::uint32_t slot, Bytes payload);
    void deliver_to_machine(std::uint32_t slot, Bytes payload);
    void digest(const Packet& packet, Bytes payload);

    Universe& universe_;
    NetworkOptions options_;
    ServerHost* server_ = nullptr;
    Machines* machines_ = nullptr;
    TftpCheck* check_ = nullptr;
    std::unique_ptr<FrameLink> link_; ///< null: sockets
    std::vector<Packet> packets_;
    std::vector<std::uint32_t> free_;
    std::vector<std::byte> scratch_;
    std::ptrdiff_t scratch_used_ = 0; ///< bytes of it that may not be blank
    std::vector<std::byte> frame_;    ///< of a machine's, or DATA of the server's
    std::vector<std::byte> flipped_;  ///< of a planted bug
    Instant server_tx_free_;
    Instant server_rx_free_;
    std::uint16_t identification_ = 0;
    std::map<Endpoint, std::set<MachineIndex>> groups_;
    DatagramCounts counts_;
};

} // namespace muster::sim
