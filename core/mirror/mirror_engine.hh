// SPDX-License-Identifier: Apache-2.0
// The policy of the mirrors' cache: what is asked for upstream, who waits for it, what is kept.
#pragma once

#include "core/base/result.hh"
#include "core/base/time.hh"
#include "core/mirror/mirror_metrics.hh"
#include "core/mirror/mirror_path.hh"
#include "core/mirror/object_lru.hh"
#include "core/mirror/object_record.hh"
#include "core/mirror/upstream_answer.hh"
#include "core/port/content_request.hh"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace muster {

/// Names a fetch; none is given twice.
enum class FetchId : std::uint64_t {};

struct MirrorLimits {
    std::uint64_t bytes_max = std::uint64_t{20} << 30U; ///< of all that is kept
    std::size_t fetches_max = 32;      ///< under way at once; further ones wait their turn
    std::size_t waiting_max = 65'536;  ///< requests that wait, of all workers
    std::size_t refusals_max = 10'000; ///< remembered
    unsigned attempts_max = 5;         ///< without a byte of progress between them
    unsigned stale_attempts_max = 2;   ///< the same where an old version can be given instead
    Duration retry_first = 250ms;      ///< before the second attempt; doubles
    Duration retry_max = 4s;
    Duration refusal_time = 5s; ///< how long the upstream's "not there" is believed
    Duration failure_time = 1s; ///< how long nobody is tried again after the last attempt
    /// A client that asks for an old version waits so long for the upstream to vouch for it.
    Duration stale_wait = 3s;
    Duration stale_retry = 10s; ///< how long an upstream that failed is left alone meanwhile
};

/// Whom to answer.
struct MirrorAsker {
    std::uint8_t worker = 0;
    Ticket ticket{};
};

/// A file of the cache for a client; it may still be arriving.
struct MirrorGrant {
    ObjectId object{};
    UnixTime checked{}; ///< when the upstream last vouched for it
    bool stale = false;
    std::uint64_t size = 0; ///< of all of it
};

/// Ask an upstream.
struct UpstreamRequest {
    FetchId fetch{};
    std::string url;
    std::string ca; ///< as in MirrorPlan
    std::string if_none_match;
    std::string if_modified_since;
    std::uint64_t from = 0; ///< above 0: only what follows, if it is still `if_range`
    std::string if_range;
};

/// What to do with the body of an upstream's answer.
struct BodyOrder {
    enum class Kind : std::uint8_t {
        store,  ///< behind what `object` has, all but the first `skip` bytes
        ignore, ///< nobody wants it; the transfer may be cut off
    };
    Kind kind = Kind::ignore;
    ObjectId object{};
    bool create = false;                  ///< the object is new
    std::uint64_t skip = 0;               ///< bytes of the body that the file has already
    std::uint64_t have = 0;               ///< bytes that are in the file
    const ObjectRecord* record = nullptr; ///< of the object; until the next call
    std::optional<std::uint64_t> limit;   ///< bytes of the body that may come, `skip` included
};

/// How a transfer ended.
enum class UpstreamEnd : std::uint8_t {
    complete,    ///< all that was announced has come
    timeout,     ///< nothing came for too long
    unreachable, ///< no name, no route, refused
    broken,      ///< the connection ended early, or what came was no HTTP
    untrusted,   ///< its certificate is not good, or TLS failed
    redirects,   ///< too many, or to where one may not go
    no_room,     ///< our disk took no more
};

/// What the engine wants done. Whoever runs it carries it out in this order and clears it.
struct MirrorEffects {
    struct Reply {
        MirrorAsker asker;
        Result<MirrorGrant, OpenError> grant;
    };
    struct Commit {
        ObjectId object{};
        ObjectRecord record;
    };
    struct Check {
        ObjectId object{};
        UnixTime at{};
    };
    struct Note {
        bool warning = false;
        std::string text;
    };
    std::vector<Reply> replies;
    std::vector<Commit> commits;    ///< whole: to be kept; on_committed() tells how it went
    std::vector<ObjectId> endings;  ///< no more bytes will come: who reads it has had all there is
    std::vector<ObjectId> parks;    ///< the same, but the file stays for a later attempt
    std::vector<ObjectId> removals; ///< off the disk; who reads it may go on
    std::vector<Check> checks;      ///< the upstream vouched for it
    std::vector<UpstreamRequest> requests;
    std::vector<Note> notes;

    void clear();
};

/// One for all workers: identical misses become one fetch. Facts in, effects out; time is an
/// argument.
///
/// An object is a file of one version of one URL. While it arrives, everybody who asks gets it as
/// it is; when a transfer breaks, it is continued with Range and If-Range if the upstream gave a
/// strong validator, so that nobody who reads it notices. Else it ends there, and only those whom
/// nothing was given to yet get what the next attempt brings.
///
/// Thread: its owner's; metrics() any.
class MirrorEngine {
public:
    explicit MirrorEngine(const MirrorLimits& limits) : limits_(limits), lru_(limits.bytes_max) {}

    /// The paths that may be asked for. Files of mirrors that are gone stay until others need the
    /// room.
    void set_mirrors(std::vector<MirrorPlan> mirrors) { mirrors_ = std::move(mirrors); }

    /// What the last run left, before anything else; the least recently used first. Of two files
    /// of one URL (a crash came between a new version and the end of the old one) the newer stays.
    void restore(ObjectId id, ObjectRecord record, UnixTime checked, MirrorEffects& out);
    /// A file that had not arrived wholly; false: it cannot be continued, remove it.
    [[nodiscard]] bool restore_part(ObjectId id, ObjectRecord record, std::uint64_t received);

    /// All is restored: what is more than fits goes.
    void restored(MirrorEffects& out) { make_room(out); }

    /// A client wants `target` (mirror_target()).
    void on_ask(const MirrorAsker& asker, const std::string& target, const Now& now,
                MirrorEffects& out);
    /// The head of an answer is there, after redirects.
    [[nodiscard]] BodyOrder on_answer(FetchId id, const UpstreamAnswer& answer, const Now& now,
                                      MirrorEffects& out);
    /// So many bytes more are in the object's file.
    void on_stored(FetchId id, std::uint64_t bytes, MirrorEffects& out);
    void on_end(FetchId id, UpstreamEnd end, std::string_view why, const Now& now,
                MirrorEffects& out);
    /// False: the file could not be made durable, so it is gone.
    void on_committed(ObjectId id, bool durable, const Now& now, MirrorEffects& out);

    void expire(const Now& now, MirrorEffects& out);
    [[nodiscard]] Instant next_deadline() const noexcept;

    /// Of a whole object; null: it is gone.
    [[nodiscard]] const ObjectRecord* find_record(ObjectId id) const {
        const auto found = objects_.find(id);
        return found == objects_.end() ? nullptr : &found->second.record;
    }

    [[nodiscard]] const MirrorMetrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] MirrorMetrics& metrics() noexcept { return metrics_; }
    [[nodiscard]] std::uint64_t bytes_used() const noexcept { return lru_.used(); }
    [[nodiscard]] std::size_t object_count() const noexcept { return objects_.size(); }

private:
    struct Object {
        ObjectRecord record;
        UnixTime checked;
        Instant retry_at; ///< the upstream is not asked again before
    };
    /// A file that waits to be continued.
    struct Part {
        ObjectId object{};
        ObjectRecord record;
        std::uint64_t received = 0;
        std::uint64_t room = 0;
    };
    struct Refusal {
        OpenError error{};
        Instant until;
    };
    struct Fetch {
        enum class State : std::uint8_t { queued, running, resting };

        std::string url;
        std::string ca;
        State state = State::queued;
        bool settled = false; ///< everybody is answered: its end tells nothing new
        bool storing = false; ///< the body of this attempt goes into `object`
        bool retries = false; ///< this attempt's answer was one that may pass
        bool given = false;   ///< somebody was given `object`
        bool kept = true;     ///< false: larger than the whole cache, gone when it has been read
        bool sized = false;   ///< its length is known
        unsigned attempt = 0;
        std::optional<ObjectId> old;              ///< the version to revalidate
        std::optional<ObjectId> object;           ///< what arrives
        ObjectRecord record;                      ///< its
        std::uint64_t received = 0;               ///< bytes of it on disk
        std::uint64_t room = 0;                   ///< reserved for it
        OpenError error = OpenError::bad_gateway; ///< of the last attempt
        Instant rests_until = Instant::never();
        Instant stale_at = Instant::never(); ///< who waits then gets `old`
        std::vector<MirrorAsker> waiting;
    };
    using Fetches = std::map<FetchId, Fetch>;

    [[nodiscard]] bool is_fresh(const Object& object, const MirrorPlan& plan, MirrorKind kind,
                                const Now& now) const noexcept;
    [[nodiscard]] const Refusal* refusal_of(const std::string& url, const Now& now);
    void begin_fetch(const MirrorAsker& asker, const MirrorPlan& plan, const std::string& url,
                     std::optional<ObjectId> old, const Now& now, MirrorEffects& out);
    void start_queued(MirrorEffects& out);
    void start(FetchId id, Fetch& fetch, MirrorEffects& out);
    void forget(Fetches::iterator at, MirrorEffects& out);

    [[nodiscard]] BodyOrder take_body(Fetch& fetch, const UpstreamAnswer& answer, const Now& now,
                                      MirrorEffects& out);
    [[nodiscard]] BodyOrder continue_object(Fetch& fetch, std::uint64_t skip, const Now& now,
                                            MirrorEffects& out);
    [[nodiscard]] BodyOrder begin_object(Fetch& fetch, const UpstreamAnswer& answer, const Now& now,
                                         MirrorEffects& out);
    void settle(Fetch& fetch);
    [[nodiscard]] Object* old_of(const Fetch& fetch);
    [[nodiscard]] static bool is_resumable(const Fetch& fetch);
    [[nodiscard]] static bool same_version(const Fetch& fetch, const UpstreamAnswer& answer);
    void drop_object(Fetch& fetch, MirrorEffects& out);
    void complete(Fetch& fetch, const Now& now, MirrorEffects& out);
    void attempt_failed(Fetches::iterator at, std::string_view why, const Now& now,
                        MirrorEffects& out);
    void give_up(Fetches::iterator at, std::string_view why, const Now& now, MirrorEffects& out);

    [[nodiscard]] std::uint64_t size_of(const Fetch& fetch, ObjectId id) const;
    void grant_all(Fetch& fetch, ObjectId id, UnixTime checked, bool stale, MirrorEffects& out);
    void refuse_all(Fetch& fetch, OpenError error, MirrorEffects& out);
    void remember_refusal(const std::string& url, OpenError error, Instant until);
    void remove_object(ObjectId id, MirrorEffects& out);
    void make_room(MirrorEffects& out);
    void reserve(Fetch& fetch, std::uint64_t room, MirrorEffects& out);
    void update_gauges() noexcept;

    MirrorLimits limits_;
    std::vector<MirrorPlan> mirrors_;
    ObjectLru lru_;
    std::unordered_map<ObjectId, Object> objects_;     ///< whole ones
    std::unordered_map<std::string, ObjectId> by_url_; ///< of those
    std::unordered_map<std::string, Part> parts_;      ///< by URL, not being fetched
    std::unordered_map<std::string, FetchId> fetch_by_url_;
    Fetches fetches_;
    std::deque<FetchId> queue_;
    std::size_t running_ = 0;
    std::size_t waiting_ = 0;
    std::unordered_map<std::string, Refusal> refusals_;
    std::deque<std::string> refusal_order_;
    std::uint64_t last_object_ = 0;
    std::uint64_t last_fetch_ = 0;
    MirrorMetrics metrics_;
};

} // namespace muster
