// SPDX-License-Identifier: Apache-2.0
// The mirrors' thread: joins the cache's policy with libcurl and with files.
#pragma once

#include "core/metrics/exposition.hh"
#include "core/mirror/mirror_engine.hh"
#include "io/mirror/mirror_file.hh"
#include "io/mirror/mirror_port.hh"
#include "io/mirror/mirror_store.hh"
#include "io/mirror/upstream_client.hh"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace muster {

struct MirrorOptions {
    std::string folder;
    MirrorLimits limits;
    UpstreamLimits upstream;
    /// Where lines for the log go: a warning or not, and the text. Called by the mirror's thread.
    std::function<void(bool, const std::string&)> log;
};

/// One for all workers. What may wait for a disk (flushing a whole file, removing a large one) is
/// done by a second thread, so that transfers go on meanwhile.
class MirrorThread : private UpstreamSink {
public:
    explicit MirrorThread(MirrorOptions options);
    ~MirrorThread() override;

    /// Before start(), once a worker. `worker` is what wakes it.
    [[nodiscard]] MirrorPort& add_worker(const Wake& worker);
    /// Reads the cache if there are mirrors, then answers.
    void start(std::vector<MirrorPlan> mirrors);
    /// Any thread: other mirrors from now on.
    void set_mirrors(std::vector<MirrorPlan> mirrors);
    /// Ends all transfers; what has arrived is kept for the next run.
    void stop();
    /// Any thread.
    void report(Exposition& exposition) const { report_mirror(engine_.metrics(), exposition); }

private:
    struct OpenObject {
        std::shared_ptr<MirrorFile> file;
        ObjectRecord record;
        std::shared_ptr<const MirrorContent> content; ///< as it was given last
        bool busy = false;                            ///< arriving, or on its way to the disk
        Instant used;
        UnixTime noted; ///< when its last use was written down
    };

    BodyOrder on_answer(FetchId fetch, const UpstreamAnswer& answer) override;
    bool on_body(FetchId fetch, ObjectId object, Bytes bytes) override;
    void on_end(FetchId fetch, UpstreamEnd end, std::string_view why) override;

    void run();
    void open_cache();
    void take_orders();
    void take_asks();
    void apply();
    void reply(const MirrorEffects::Reply& reply);
    [[nodiscard]] std::shared_ptr<const MirrorContent> content_of(const MirrorGrant& grant);
    void commit(const MirrorEffects::Commit& commit);
    void close_idle();
    void park_all();
    [[nodiscard]] bool tell_growth();

    // The second thread.
    void run_disk();
    void post(std::function<void()> work);

    MirrorOptions options_;
    MirrorStore store_;
    MirrorEngine engine_;
    MirrorEffects out_;
    UpstreamClient upstream_;
    std::vector<std::unique_ptr<MirrorPort>> ports_;
    std::unordered_map<ObjectId, OpenObject> open_;
    Wake wake_;
    Now now_{};
    bool usable_ = false; ///< the folder is open
    bool grown_ = false;
    Instant told_;
    Instant next_sweep_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;

    std::mutex orders_mutex_;
    std::vector<std::function<void()>> orders_; ///< for the mirror's thread, by others

    std::mutex disk_mutex_;
    std::condition_variable disk_wake_;
    std::deque<std::function<void()>> disk_work_;
    bool disk_ends_ = false;
    std::thread disk_thread_;
};

} // namespace muster
