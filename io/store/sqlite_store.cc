// SPDX-License-Identifier: Apache-2.0
// Opens the store and commits batches. Reading it, and what is wrong with it, is sqlite_load.cc.
#include "io/store/sqlite_store.hh"

#include "core/addr/subnet.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace muster {
namespace {

/// Of the log from the start, and what it is cut back to: twice what the thread lets it grow to.
constexpr off_t log_size = 8 << 20;
constexpr int busy_timeout_ms = 2'000; ///< for an operator who looks into the database

/// `mkdir -p`. False, with errno set, when the folder cannot be made.
bool make_folder(const std::string& folder) {
    for (std::size_t slash = folder.find('/', 1);; slash = folder.find('/', slash + 1)) {
        const std::string part = folder.substr(0, slash);
        if (mkdir(part.c_str(), 0750) != 0 && errno != EEXIST) {
            return false;
        }
        if (slash == std::string::npos) {
            return true;
        }
    }
}

/// Makes the log `size` bytes long, of zeros that SQLite takes for the end of a log. What is
/// written in place later needs no new length and no new blocks, so that a flush writes data alone:
/// without it each one writes the file's inode, too. Blocks are written and not only reserved: a
/// reserved one changes the file's extents when it is first used.
///
/// Nothing depends on it, so what goes wrong is left as it was.
void extend_log(const std::string& path, off_t size) noexcept {
    const int log = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (log < 0) {
        return;
    }
    constexpr std::size_t chunk = std::size_t{1} << 20;
    constexpr unsigned spare = 16; // as many times the size have to be free
    struct stat info {};
    struct statvfs room {};
    if (fstat(log, &info) == 0 && fstatvfs(log, &room) == 0 &&
        room.f_bavail * room.f_frsize / spare >= static_cast<unsigned long>(size)) {
        const std::vector<char> zeros(chunk);
        off_t at = info.st_size;
        while (at < size) {
            const auto part = std::min(chunk, static_cast<std::size_t>(size - at));
            const ssize_t written = pwrite(log, zeros.data(), part, at);
            if (written <= 0) {
                (void)!ftruncate(log, info.st_size);
                break;
            }
            at += written;
        }
        (void)fdatasync(log);
    }
    close(log);
}

// Not called bind: for a std::string, std::bind would be the better match, and do nothing.
void bind_value(sqlite3_stmt* statement, int at, std::int64_t value) noexcept {
    sqlite3_bind_int64(statement, at, value);
}
void bind_value(sqlite3_stmt* statement, int at, std::string_view text) noexcept {
    sqlite3_bind_text64(statement, at, text.empty() ? "" : text.data(), // a null pointer is NULL
                        text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

template <std::size_t count>
void bind_octets(sqlite3_stmt* statement, int at,
                 const std::array<std::uint8_t, count>& octets) noexcept {
    sqlite3_bind_blob(statement, at, octets.data(), static_cast<int>(count), SQLITE_STATIC);
}

template <class Record>
std::string_view hostname_of(const Record& lease) noexcept {
    const std::string_view all{lease.hostname.data(), lease.hostname.size()};
    return all.substr(0, all.find('\0'));
}

} // namespace

void SqliteStore::Close::operator()(sqlite3* database) const noexcept {
    sqlite3_close_v2(database);
}
void SqliteStore::Close::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Result<std::unique_ptr<SqliteStore>, StoreError> SqliteStore::open(std::string folder) {
    std::unique_ptr<SqliteStore> store{new SqliteStore{std::move(folder)}};
    if (auto locked = store->lock_folder(); !locked) {
        return std::unexpected(std::move(locked.error()));
    }
    if (auto connected = store->connect(); !connected) {
        return std::unexpected(std::move(connected.error()));
    }
    if (auto good = store->check_and_migrate(); !good) {
        return std::unexpected(std::move(good.error()));
    }
    if (auto prepared = store->prepare(); !prepared) {
        return std::unexpected(std::move(prepared.error()));
    }
    extend_log(store->path() + "-wal", log_size);
    store->checkpointer_ = std::jthread{[self = store.get()](const std::stop_token& stop) {
        self->keep_log_short(stop);
    }};
    return store;
}

SqliteStore::~SqliteStore() {
    if (checkpointer_.joinable()) {
        checkpointer_.request_stop();
        checkpointer_.join();
    }
    statements_ = {};
    database_.reset();
    if (lock_ >= 0) {
        close(lock_);
    }
}

Result<void, StoreError> SqliteStore::lock_folder() {
    using Kind = StoreError::Kind;
    if (!make_folder(folder_)) {
        return std::unexpected(StoreError{
            errno == ENOSPC ? Kind::full : Kind::unusable,
            fmt::format("cannot create the data folder {}: {}", folder_, std::strerror(errno))});
    }
    const std::string lock_path = folder_ + "/muster.lock";
    lock_ = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (lock_ < 0) {
        return std::unexpected(StoreError{
            Kind::unusable, fmt::format("cannot open {}: {}; is the data folder owned by "
                                        "the user that musterd runs as?",
                                        lock_path, std::strerror(errno))});
    }
    if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
        std::array<char, 16> owner{};
        const ssize_t size = pread(lock_, owner.data(), owner.size() - 1, 0);
        const std::string pid{owner.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
        return std::unexpected(
            StoreError{Kind::locked,
                       fmt::format("the data folder {} is in use by another musterd (process {}); "
                                   "stop it, or give this one another folder",
                                   folder_, pid.empty() ? "unknown" : pid)});
    }
    // Who holds it, for the message above. Only a comfort, so a full disk does not matter.
    const std::string pid = std::to_string(getpid());
    if (ftruncate(lock_, 0) != 0 || pwrite(lock_, pid.data(), pid.size(), 0) < 0) {
        return {};
    }
    return {};
}

Result<void, StoreError> SqliteStore::connect() {
    statements_ = {};
    sqlite3* raw = nullptr;
    const int code =
        sqlite3_open_v2(path().c_str(), &raw,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(raw);
    if (code != SQLITE_OK) {
        return std::unexpected(error(code));
    }
    sqlite3_extended_result_codes(raw, 1);
    sqlite3_busy_timeout(raw, busy_timeout_ms);
    for (const char* const pragma :
         {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=0",
          "PRAGMA foreign_keys=ON", "PRAGMA journal_size_limit=16777216"}) {
        if (auto done = execute(pragma); !done) {
            return done;
        }
    }
    sqlite3_wal_hook(raw, &SqliteStore::on_log_grown, this);
    reopen_ = false;
    return {};
}

Result<void, StoreError> SqliteStore::prepare() {
    struct Line {
        Statement Statements::*where;
        const char* sql;
    };
    constexpr std::array lines = {
        Line{&Statements::begin, "BEGIN IMMEDIATE"},
        Line{&Statements::commit, "COMMIT"},
        Line{&Statements::rollback, "ROLLBACK"},
        Line{&Statements::put_lease, "INSERT OR REPLACE INTO lease VALUES(?,?,?,?,?)"},
        Line{&Statements::put_lease6, "INSERT OR REPLACE INTO lease6 VALUES(?,?,?,?,?,?,?)"},
        Line{&Statements::put_node, "INSERT OR REPLACE INTO node VALUES(?,?,?)"},
        Line{&Statements::remove_node, "DELETE FROM node WHERE name=?"},
        Line{&Statements::put_event, "INSERT OR REPLACE INTO event VALUES(?,?,?,?,?)"},
        Line{&Statements::trim_events, "DELETE FROM event WHERE id<=?"},
        Line{&Statements::put_flight, "INSERT OR REPLACE INTO flight VALUES(?,?,?,?,?,?,?,?,?,?)"},
        Line{&Statements::trim_flights, "DELETE FROM flight WHERE id<=?"},
        Line{&Statements::put_api_token, "INSERT OR REPLACE INTO api_token VALUES(?,?,?,?)"},
        Line{&Statements::remove_api_token, "DELETE FROM api_token WHERE name=?"},
    };
    for (const Line& line : lines) {
        auto made = statement(line.sql);
        if (!made) {
            return std::unexpected(std::move(made.error()));
        }
        statements_.*line.where = std::move(*made);
    }
    return {};
}

Result<SqliteStore::Statement, StoreError> SqliteStore::statement(const char* sql) {
    sqlite3_stmt* raw = nullptr;
    const int code =
        sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    Statement made{raw};
    if (code != SQLITE_OK) {
        return std::unexpected(error(code));
    }
    return made;
}

Result<void, StoreError> SqliteStore::execute(const char* sql) {
    const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return std::unexpected(error(code));
    }
    return {};
}

Result<void, StoreError> SqliteStore::commit(const Batch& batch) {
    if (reopen_) {
        // After a failed write or flush the system may have dropped pages that SQLite believes to
        // be on disk. A fresh connection reads from the files what is really there.
        if (auto connected = connect(); !connected) {
            reopen_ = true;
            return connected;
        }
        if (auto prepared = prepare(); !prepared) {
            reopen_ = true;
            return prepared;
        }
    }
    auto written = write(batch);
    if (!written) {
        if (sqlite3_get_autocommit(database_.get()) == 0) {
            run(statements_.rollback) || (reopen_ = true);
        }
        return written;
    }
    if (log_pages_ > checkpoint_pages_max) {
        // SQLite refuses a second checkpoint beside a running one without asking any busy handler,
        // and under load the thread's nearly always runs: so wait for its end.
        const std::lock_guard guard{checkpoint_mutex_};
        sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr,
                                  nullptr); // failing does no harm: the log grows on
        log_pages_ = 0;
    }
    return {};
}

bool SqliteStore::run(const Statement& statement) noexcept {
    const int code = sqlite3_step(statement.get());
    sqlite3_reset(statement.get());
    return code == SQLITE_DONE;
}

Result<void, StoreError> SqliteStore::write(const Batch& batch) {
    const auto failed = [this] {
        const int code = sqlite3_extended_errcode(database_.get());
        StoreError why = error(code);
        reopen_ = (code & 0xFF) == SQLITE_IOERR || (code & 0xFF) == SQLITE_CANTOPEN;
        return std::unexpected(std::move(why));
    };
    if (!run(statements_.begin)) {
        return failed();
    }
    for (const LeaseRecord& lease : batch.leases) {
        sqlite3_stmt* const put = statements_.put_lease.get();
        bind_value(put, 1, to_number(lease.address));
        bind_octets(put, 2, lease.mac.octets);
        bind_value(put, 3, static_cast<std::int64_t>(lease.state));
        bind_value(put, 4, lease.expires.ms);
        bind_value(put, 5, hostname_of(lease));
        if (!run(statements_.put_lease)) {
            return failed();
        }
    }
    for (const Lease6Record& lease : batch.leases6) {
        sqlite3_stmt* const put = statements_.put_lease6.get();
        bind_octets(put, 1, lease.address.octets);
        bind_octets(put, 2, lease.mac.octets);
        bind_value(put, 3, static_cast<std::int64_t>(lease.state));
        bind_value(put, 4, lease.expires.ms);
        bind_value(put, 5, hostname_of(lease));
        bind_value(put, 6, static_cast<std::int64_t>(lease.iaid));
        const Bytes duid = lease.duid.bytes();
        sqlite3_bind_blob(put, 7, as_octets(duid), static_cast<int>(duid.size()), SQLITE_STATIC);
        if (!run(statements_.put_lease6)) {
            return failed();
        }
    }
    for (const std::string& name : batch.removed_nodes) {
        bind_value(statements_.remove_node.get(), 1, name);
        if (!run(statements_.remove_node)) {
            return failed();
        }
    }
    for (const NodeRecord& node : batch.nodes) {
        sqlite3_stmt* const put = statements_.put_node.get();
        const std::string text = write_node_record(node);
        bind_value(put, 1, node.name());
        bind_value(put, 2, static_cast<std::int64_t>(node.revision));
        bind_value(put, 3, text);
        if (!run(statements_.put_node)) {
            return failed();
        }
    }
    for (const Event& event : batch.events) {
        sqlite3_stmt* const put = statements_.put_event.get();
        bind_value(put, 1, static_cast<std::int64_t>(event.id));
        bind_value(put, 2, event.at.ms);
        bind_value(put, 3, to_text(event.kind));
        bind_value(put, 4, event.node);
        bind_value(put, 5, event.message);
        if (!run(statements_.put_event)) {
            return failed();
        }
    }
    if (!batch.events.empty() && batch.events.back().id > events_kept_max) {
        bind_value(statements_.trim_events.get(), 1,
                   static_cast<std::int64_t>(batch.events.back().id - events_kept_max));
        if (!run(statements_.trim_events)) {
            return failed();
        }
    }
    if (!write_flights(batch.flights) || !write_api_tokens(batch)) {
        return failed();
    }
    return run(statements_.commit) ? Result<void, StoreError>{} : failed();
}

bool SqliteStore::write_flights(const std::vector<StoredFlight>& flights) noexcept {
    std::uint64_t latest = 0;
    for (const auto& [node, entry] : flights) {
        sqlite3_stmt* const put = statements_.put_flight.get();
        bind_value(put, 1, static_cast<std::int64_t>(entry.id));
        bind_value(put, 2, node);
        bind_value(put, 3, static_cast<std::int64_t>(entry.boot));
        bind_value(put, 4, to_text(entry.kind));
        bind_value(put, 5, static_cast<std::int64_t>(entry.end));
        bind_value(put, 6, entry.at.ms);
        bind_value(put, 7, entry.last.ms);
        bind_value(put, 8, static_cast<std::int64_t>(entry.count));
        bind_value(put, 9, static_cast<std::int64_t>(entry.bytes));
        bind_value(put, 10, entry.text);
        if (!run(statements_.put_flight)) {
            return false;
        }
        latest = std::max(latest, entry.id);
    }
    if (latest > flight_kept_max) {
        bind_value(statements_.trim_flights.get(), 1,
                   static_cast<std::int64_t>(latest - flight_kept_max));
        return run(statements_.trim_flights);
    }
    return true;
}

bool SqliteStore::write_api_tokens(const Batch& batch) noexcept {
    for (const std::string& name : batch.removed_api_tokens) {
        bind_value(statements_.remove_api_token.get(), 1, name);
        if (!run(statements_.remove_api_token)) {
            return false;
        }
    }
    for (const ApiTokenRecord& token : batch.api_tokens) {
        sqlite3_stmt* const put = statements_.put_api_token.get();
        bind_value(put, 1, token.name);
        bind_value(put, 2, to_text(token.role));
        bind_octets(put, 3, token.digest);
        bind_value(put, 4, token.made.ms);
        if (!run(statements_.put_api_token)) {
            return false;
        }
    }
    return true;
}

/// Called by SQLite on the committing thread after each commit.
int SqliteStore::on_log_grown(void* self, sqlite3* /*database*/, const char* /*name*/,
                              int pages) noexcept {
    auto& store = *static_cast<SqliteStore*>(self);
    store.log_pages_ = pages;
    if (pages >= checkpoint_pages) {
        {
            const std::lock_guard guard{store.mutex_};
            store.log_is_long_ = true;
        }
        store.wake_.notify_one();
    }
    return SQLITE_OK;
}

void SqliteStore::keep_log_short(const std::stop_token& stop) {
    Database own; // its own connection: the other one is busy with commits
    while (!stop.stop_requested()) {
        {
            std::unique_lock guard{mutex_};
            if (!wake_.wait(guard, stop, [this] { return log_is_long_; })) {
                return;
            }
            log_is_long_ = false;
        }
        if (own == nullptr) {
            sqlite3* raw = nullptr;
            const int code = sqlite3_open_v2(path().c_str(), &raw,
                                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
            own.reset(raw);
            if (code != SQLITE_OK) {
                own.reset();
                continue;
            }
            sqlite3_exec(raw, "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr);
        }
        const std::lock_guard guard{checkpoint_mutex_};
        // PASSIVE waits for nobody and lets commits go on. If it fails (a full disk), the next
        // commit that finds the log long tries again.
        sqlite3_wal_checkpoint_v2(own.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    }
}

} // namespace muster
