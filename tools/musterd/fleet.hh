// SPDX-License-Identifier: Apache-2.0
// The fast-path threads: one engine, one ring, one mailbox each.
#pragma once

#include "core/store/store.hh"
#include "io/mirror/mirror_thread.hh"
#include "io/worker/mailbox.hh"
#include "io/worker/worker.hh"
#include "net/engine.hh"

#include "tools/musterd/sockets.hh"

#include <memory>
#include <thread>
#include <vector>

namespace muster {

class Fleet {
public:
    /// Makes engines and mailboxes; nothing runs yet. Leases go to worker 0.
    Fleet(const Options& options, const std::vector<InterfaceInfo>& interfaces,
          const StoredState& stored, std::uint32_t lease_room, unsigned workers,
          const Wake& control);
    ~Fleet();

    [[nodiscard]] std::vector<Mailbox*> mailboxes();
    /// Before start(): each worker's answers go to its ring of `log`.
    void log_to(AccessLog& log);
    /// Before start(): each worker remembers packets, in so many bytes.
    void remember_packets(std::size_t capacity, const Options& options);
    /// What they remember. Any thread; lives as long as this.
    [[nodiscard]] std::vector<const PacketLog*> packets() const;
    /// Before start(): `mirrors` answers for the site's mirrors.
    void mirror_by(MirrorThread& mirrors);
    /// Before start(), where there are HTTPS sockets. `server` has a certificate and outlives this.
    void use_tls(TlsServer& server);
    /// Before start(): worker 0 moves UDP over IPv4 by `port`, which outlives this.
    void move_by(BurstPort& port);
    /// Starts the threads; the first error of any of them.
    [[nodiscard]] Result<void, SysError> start(std::vector<WorkerSockets> sockets, bool pin);
    /// Whether all have turned since the last call. Wakes them, so that an idle one has by the
    /// next. One thread.
    [[nodiscard]] bool is_moving();
    /// Drains and joins.
    void stop();
    /// Any thread.
    void report(Exposition& exposition) const;

private:
    struct Member;
    void report_tls(Exposition& exposition) const;

    TlsServer* tls_ = nullptr;
    std::vector<std::unique_ptr<Member>> members_;
};

} // namespace muster
