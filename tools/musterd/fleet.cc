// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/fleet.hh"

#include "io/host/process.hh"
#include "io/host/socket_address.hh"

#include <fmt/format.h>

#include <algorithm>
#include <future>

namespace muster {
namespace {

/// Places in each queue between a worker and control. A burst of DHCP requests that found none
/// would go unanswered, so this is the burst that control may be behind.
constexpr std::size_t mailbox_capacity = 8192;

/// Multicast groups at a time, per worker: one for every file and block size that is in use.
constexpr std::uint16_t multicast_groups = 64;

/// TFTP transfers at a time, per worker: half a kilobyte each.
constexpr std::uint32_t tftp_sessions = 32'768;

EngineOptions engine_options(const Options& options, const std::vector<InterfaceInfo>& interfaces,
                             std::uint32_t lease_room, unsigned worker, unsigned workers) {
    const bool first = worker == 0;
    EngineOptions engine;
    engine.dhcp_limits.leases_max = lease_room;
    engine.dhcp_limits.probes = true;
    engine.dhcp_limits.waits_for_store = options.store != "memory:";
    engine.dhcp = first && options.dhcp == "server";
    engine.dhcp_proxy = first && options.dhcp == "proxy";
    engine.dhcp6 = first && options.dhcp == "server" && options.dhcp6;
    engine.router_advertisements = first && options.router_advertisements;
    engine.interfaces = interfaces;
    engine.tftp_limits.sessions = tftp_sessions;
    engine.tftp_limits.blksize_max = options.tftp_blksize_max;
    engine.tftp_limits.windowsize_max = options.tftp_windowsize_max;
    engine.tftp_limits.single_port = options.tftp_single_port;
    engine.tftp_limits.ignore_case = options.tftp_ignore_case;
    engine.tftp_limits.transfer_sockets = tftp_transfer_sockets;
    // DPDK's port is worker 0's alone, so others have nothing to answer a group from.
    const bool alone = options.backend == "dpdk";
    if (options.tftp_multicast && (first || !alone)) {
        MulticastLimits& multicast = engine.tftp_limits.multicast;
        multicast.groups = multicast_groups;
        multicast.first_address = options.tftp_multicast->subnet.network;
        multicast.address_count =
            ~options.tftp_multicast->subnet.mask_number() + 1; // below 2^28 by read_options()
        multicast.first_port = options.tftp_multicast->first_port;
        multicast.worker = static_cast<std::uint8_t>(worker);
        multicast.workers = alone ? std::uint8_t{1} : static_cast<std::uint8_t>(workers);
    }
    engine.http_limits.access_log = !options.access_log.empty();
    return engine;
}

WorkerLimits worker_limits(const Options& options) {
    WorkerLimits limits;
    // Where descriptors are few, some stay for the files that connections ask for.
    constexpr std::uint64_t reserve = 1024;
    const std::uint64_t files = raise_file_limit();
    limits.connections_max = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
        files > reserve ? files - reserve : 0, 64, limits.connections_max));
    const std::string& how = options.http_send;
    limits.send = how == "sendfile"   ? SendHow::sendfile
                  : how == "splice"   ? SendHow::splice
                  : how == "zerocopy" ? SendHow::zerocopy
                  : how == "copy"     ? SendHow::copy
                                      : SendHow::automatic;
    return limits;
}

} // namespace

struct Fleet::Member {
    Member(const EngineOptions& options, const WorkerLimits& limits, WorkerId id,
           const Wake& control)
        : engine(options),
          mailbox(id, mailbox_capacity),
          worker(engine, mailbox, control, limits) {}

    void take(WorkerSockets& sockets) {
        DatagramIo& datagrams = worker.datagrams();
        for (std::size_t i = 0; i < sockets.interfaces.size(); ++i) {
            InterfaceSockets& of = sockets.interfaces[i];
            const auto index = static_cast<std::uint8_t>(i);
            if (of.dhcp.valid()) {
                datagrams.add(UdpService::dhcp, index, of.interface, std::move(of.dhcp));
                if (of.single_packets) {
                    datagrams.group(UdpService::dhcp, of.interface);
                }
            }
            if (of.dhcp_discovers.valid()) {
                datagrams.add_patient(UdpService::dhcp, of.interface, std::move(of.dhcp_discovers));
            }
            if (of.pxe.valid()) {
                datagrams.add(UdpService::pxe, index, of.interface, std::move(of.pxe));
            }
            if (of.dhcp6.valid()) {
                datagrams.add(UdpService::dhcp6, index, of.interface, std::move(of.dhcp6));
            }
            if (of.icmpv6.valid()) {
                datagrams.add(UdpService::icmpv6, index, of.interface, std::move(of.icmpv6));
            }
            if (of.tftp.valid()) {
                datagrams.add(UdpService::tftp, index, 0, std::move(of.tftp));
            }
            if (of.tftp6.valid()) {
                datagrams.add(UdpService::tftp, index, 0, std::move(of.tftp6));
            }
            if (of.http.valid()) {
                worker.streams().add_listener(std::move(of.http));
            }
            if (of.http6.valid()) {
                worker.streams().add_listener(std::move(of.http6));
            }
            if (of.https.valid()) {
                worker.streams().add_tls_listener(std::move(of.https));
            }
            if (of.https6.valid()) {
                worker.streams().add_tls_listener(std::move(of.https6));
            }
        }
        if (packets) {
            const auto note = [this](std::uint8_t i, bool ipv6, const Fd& socket) {
                packets->set_port(UdpService::tftp_transfer, i, ipv6,
                                  local_endpoint(socket.get()).port);
            };
            for (std::uint8_t i = 0; i < sockets.tftp_transfers.size(); ++i) {
                note(i, false, sockets.tftp_transfers[i]);
            }
            for (std::uint8_t i = 0; i < sockets.tftp_transfers6.size(); ++i) {
                note(i, true, sockets.tftp_transfers6[i]);
            }
        }
        for (std::size_t i = 0; i < sockets.tftp_transfers.size(); ++i) {
            datagrams.add(UdpService::tftp_transfer, static_cast<std::uint8_t>(i), 0,
                          std::move(sockets.tftp_transfers[i]));
        }
        for (std::size_t i = 0; i < sockets.tftp_transfers6.size(); ++i) {
            datagrams.add(UdpService::tftp_transfer, static_cast<std::uint8_t>(i), 0,
                          std::move(sockets.tftp_transfers6[i]));
        }
        datagrams.set_packet_socket(std::move(sockets.packet));
    }

    Engine engine;
    Mailbox mailbox;
    Worker<Engine> worker;
    std::uint64_t turns_seen = 0; ///< by is_moving()
    std::unique_ptr<PacketLog> packets;
    std::thread thread;
};

Fleet::Fleet(const Options& options, const std::vector<InterfaceInfo>& interfaces,
             const StoredState& stored, std::uint32_t lease_room, unsigned workers,
             const Wake& control) {
    for (unsigned i = 0; i < workers; ++i) {
        members_.push_back(std::make_unique<Member>(
            engine_options(options, interfaces, lease_room, i, workers), worker_limits(options),
            WorkerId{static_cast<std::uint8_t>(i)}, control));
    }
    members_.front()->engine.restore(stored.leases, stored.leases6, read_clock());
}

Fleet::~Fleet() {
    stop();
}

std::vector<Mailbox*> Fleet::mailboxes() {
    std::vector<Mailbox*> all;
    for (const auto& member : members_) {
        all.push_back(&member->mailbox);
    }
    return all;
}

void Fleet::log_to(AccessLog& log) {
    for (unsigned i = 0; i < members_.size(); ++i) {
        members_[i]->worker.log_to(&log.ring(i));
    }
}

void Fleet::mirror_by(MirrorThread& mirrors) {
    for (const auto& member : members_) {
        member->worker.mirror_by(&mirrors.add_worker(member->mailbox.wake_worker));
    }
}

void Fleet::remember_packets(std::size_t capacity, const Options& options) {
    for (const auto& member : members_) {
        member->packets = std::make_unique<PacketLog>(capacity);
        for (const bool ipv6 : {false, true}) {
            PacketLog& log = *member->packets;
            log.set_port(UdpService::dhcp, 0, ipv6, options.dhcp_port);
            log.set_port(UdpService::dhcp6, 0, ipv6, options.dhcp6_port);
            log.set_port(UdpService::pxe, 0, ipv6, options.pxe_port);
            log.set_port(UdpService::tftp, 0, ipv6, options.tftp_port);
        }
        member->worker.remember_in(member->packets.get());
    }
}

std::vector<const PacketLog*> Fleet::packets() const {
    std::vector<const PacketLog*> logs;
    for (const auto& member : members_) {
        if (member->packets) {
            logs.push_back(member->packets.get());
        }
    }
    return logs;
}

void Fleet::move_by(BurstPort& port) {
    members_.front()->worker.move_by(&port);
}

void Fleet::use_tls(TlsServer& server) {
    tls_ = &server;
    for (const auto& member : members_) {
        member->worker.streams().use_tls(server);
    }
}

Result<void, SysError> Fleet::start(std::vector<WorkerSockets> sockets, bool pin) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = *members_[i];
        std::promise<Result<void, SysError>> ready;
        std::future<Result<void, SysError>> outcome = ready.get_future();
        member.thread =
            std::thread{[&member, &of = sockets[i], pin, i, ready = std::move(ready)]() mutable {
                name_thread(fmt::format("muster-worker{}", i));
                if (pin) {
                    pin_to_core(static_cast<unsigned>(i));
                }
                // In this thread: the ring has a single issuer.
                auto opened = member.worker.open();
                if (!opened) {
                    ready.set_value(std::move(opened));
                    return;
                }
                // Before the site is there: with it come the addresses to ask about.
                member.worker.set_probe_sockets(std::move(of.probes));
                // "ready" is a promise: the first client finds its files, not a server that
                // does not know its site yet.
                member.worker.await_site();
                member.take(of);
                ready.set_value({});
                member.worker.run();
            }};
        if (auto started = outcome.get(); !started) {
            return started;
        }
    }
    return {};
}

bool Fleet::is_moving() {
    bool all = true;
    for (const auto& member : members_) {
        const std::uint64_t turns = member->worker.turns().read();
        all = all && turns != std::exchange(member->turns_seen, turns);
        member->mailbox.wake_worker.signal();
    }
    return all;
}

void Fleet::stop() {
    for (const auto& member : members_) {
        member->worker.stop();
    }
    for (const auto& member : members_) {
        if (member->thread.joinable()) {
            member->thread.join();
        }
    }
}

void Fleet::report(Exposition& exposition) const {
    using Kind = Exposition::Kind;
    const auto add = [&exposition](std::string_view name, std::string_view help,
                                   const Counter& counter) {
        exposition.add(Kind::counter, name, {}, help, static_cast<double>(counter.read()));
    };
    for (const auto& member : members_) {
        member->engine.report(exposition);
        const DatagramMetrics& udp = member->worker.datagrams().metrics();
        add("muster_io_datagrams_received_total", "Datagrams received.", udp.received);
        add("muster_io_datagrams_sent_total", "Datagrams sent.", udp.sent);
        add("muster_io_datagrams_failed_total", "Datagrams the kernel refused to send.",
            udp.send_failed);
        add("muster_io_datagrams_grouped_total",
            "Datagrams of those sent that left together with others in one call.", udp.grouped);
        add("muster_io_send_slots_exhausted_total",
            "Datagrams sent by a plain call since all send slots were in flight.",
            udp.slots_exhausted);
        add("muster_io_receive_overruns_total", "Receives that found no free buffer.",
            udp.receive_overruns);
        const StreamMetrics& tcp = member->worker.streams().metrics();
        add("muster_io_connections_accepted_total", "TCP connections accepted.", tcp.accepted);
        add("muster_io_connections_refused_total",
            "TCP connections closed at once since all slots were taken.", tcp.refused);
        add("muster_io_accepts_starved_total",
            "TCP accepts that the system had no descriptor or memory for.", tcp.starved);
        add("muster_io_stream_bytes_sent_total", "Bytes sent on TCP connections.", tcp.sent_bytes);
        add("muster_io_stream_cold_reads_total",
            "Pieces of files that were read from the disk before they could be sent.",
            tcp.cold_reads);
        add("muster_io_stream_files_changed_total",
            "Connections ended because their file was written to or cut meanwhile.", tcp.changed);
        add("muster_access_log_lost_total", "Lines of the access log that found no room.",
            member->worker.accesses_lost());
    }
    if (tls_ != nullptr) {
        report_tls(exposition);
    }
}

void Fleet::report_tls(Exposition& exposition) const {
    using Kind = Exposition::Kind;
    exposition.add(Kind::gauge, "muster_tls_certificate_expires_seconds", {},
                   "When the certificate expires, in seconds since 1970.",
                   static_cast<double>(tls_->expires()));
    for (const auto& member : members_) {
        const TlsMetrics& tls = member->worker.streams().tls_metrics();
        const auto add = [&exposition](std::string_view name, const std::string& labels,
                                       std::string_view help, std::uint64_t count) {
            exposition.add(Kind::counter, name, labels, help, static_cast<double>(count));
        };
        // Two threads: the parts may be a moment younger than the whole.
        const std::uint64_t all = tls.handshakes.read();
        const auto rest = [all](const Counter& part) {
            return all - std::min(all, part.read());
        };
        constexpr std::string_view versions = "TLS handshakes completed, by version.";
        add("muster_tls_handshakes_total", "version=\"1.2\"", versions, rest(tls.tls_1_3));
        add("muster_tls_handshakes_total", "version=\"1.3\"", versions, tls.tls_1_3.read());
        add("muster_tls_resumed_total", {}, "Of these, without a new key exchange.",
            tls.resumed.read());
        for (std::size_t i = 0; i < tls_failure_count; ++i) {
            add("muster_tls_handshake_failures_total",
                fmt::format("reason=\"{}\"", to_text(static_cast<TlsFailure>(i))),
                "TLS handshakes that came to nothing, by reason.", tls.failures[i].read());
        }
        add("muster_tls_broken_total", {},
            "TLS connections ended after their handshake since the client broke the rules.",
            tls.broken.read());
    }
}

} // namespace muster
