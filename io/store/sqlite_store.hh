// SPDX-License-Identifier: Apache-2.0
// The store in a folder: SQLite with a write-ahead log, one transaction a batch.
#pragma once

#include "core/store/store.hh"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

struct sqlite3;
struct sqlite3_stmt;

namespace muster {

/// Keeps `FOLDER/muster.db`, with `FOLDER/muster.lock` beside it so that one process has it.
///
/// A commit returns when the log is on disk (synchronous=FULL: one flush a batch). Moving the log
/// into the database is done by a thread of its own, off the reply path; only when the log has
/// grown far beyond what that thread keeps up with does a commit do it.
///
/// Thread: load() and commit() are called by one thread.
class SqliteStore final : public Store {
public:
    /// Pages (of 4 KiB) in the log from which the thread moves them, and from which a commit does.
    static constexpr int checkpoint_pages = 1'000;
    static constexpr int checkpoint_pages_max = 25'000;
    static constexpr int schema_version = 4;

    /// Opens the store, creating folder and database where they are missing.
    /// Errors: locked -- another process has the folder; version -- written by a newer muster;
    ///         corrupt -- the database is damaged; full, unusable -- as the system says.
    [[nodiscard]] static Result<std::unique_ptr<SqliteStore>, StoreError> open(std::string folder);
    ~SqliteStore() override;

    [[nodiscard]] Result<StoredState, StoreError> load() override;
    [[nodiscard]] Result<void, StoreError> commit(const Batch& batch) override;

private:
    struct Close {
        void operator()(sqlite3* database) const noexcept;
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    using Database = std::unique_ptr<sqlite3, Close>;
    using Statement = std::unique_ptr<sqlite3_stmt, Close>;
    struct Statements {
        Statement begin;
        Statement commit;
        Statement rollback;
        Statement put_lease;
        Statement put_lease6;
        Statement put_node;
        Statement remove_node;
        Statement put_event;
        Statement trim_events;
        Statement put_flight;
        Statement trim_flights;
        Statement put_api_token;
        Statement remove_api_token;
    };

    explicit SqliteStore(std::string folder) : folder_(std::move(folder)) {}

    [[nodiscard]] Result<void, StoreError> lock_folder();
    [[nodiscard]] Result<void, StoreError> connect();
    [[nodiscard]] Result<void, StoreError> check_and_migrate();
    [[nodiscard]] Result<void, StoreError> prepare();
    [[nodiscard]] Result<Statement, StoreError> statement(const char* sql);
    [[nodiscard]] Result<void, StoreError> execute(const char* sql);
    [[nodiscard]] Result<void, StoreError> write(const Batch& batch);
    [[nodiscard]] bool write_flights(const std::vector<StoredFlight>& flights) noexcept;
    [[nodiscard]] bool write_api_tokens(const Batch& batch) noexcept;
    [[nodiscard]] bool run(const Statement& statement) noexcept;
    template <class Take>
    [[nodiscard]] Result<void, StoreError> for_each_row(const char* sql, const Take& take);
    [[nodiscard]] Result<void, StoreError> load_leases(StoredState& state);
    [[nodiscard]] Result<void, StoreError> load_leases6(StoredState& state);
    [[nodiscard]] Result<void, StoreError> load_nodes(StoredState& state);
    [[nodiscard]] Result<void, StoreError> load_events(StoredState& state);
    [[nodiscard]] Result<void, StoreError> load_flights(StoredState& state);
    [[nodiscard]] Result<void, StoreError> load_api_tokens(StoredState& state);
    [[nodiscard]] StoreError error(int code) const;
    [[nodiscard]] StoreError damaged(const std::string& what) const;
    [[nodiscard]] std::string path() const { return folder_ + "/muster.db"; }

    static int on_log_grown(void* self, sqlite3* database, const char* name, int pages) noexcept;
    void keep_log_short(const std::stop_token& stop);

    std::string folder_;
    int lock_ = -1;
    Database database_;
    Statements statements_;
    bool reopen_ = false; ///< after an I/O error the connection is not trusted any more
    int log_pages_ = 0;

    std::mutex mutex_;            ///< guards `log_is_long_`
    std::mutex checkpoint_mutex_; ///< held while the log is moved
    std::condition_variable_any wake_;
    bool log_is_long_ = false;
    std::jthread checkpointer_; ///< last: it ends before what it uses goes
};

} // namespace muster
