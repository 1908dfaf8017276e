// SPDX-License-Identifier: Apache-2.0
// The store on a real file system: what is acknowledged is there after kill -9, a full disk is
// survived, damage and a second user are refused in words.
#include "io/store/sqlite_store.hh"

#include "core/addr/subnet.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

namespace muster {
namespace {

namespace fs = std::filesystem;

LeaseRecord lease_of(std::uint32_t n) {
    LeaseRecord lease;
    lease.address = from_number(0x0A000000 + n);
    lease.mac = {{2, 0, static_cast<std::uint8_t>(n >> 24U), static_cast<std::uint8_t>(n >> 16U),
                  static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
    lease.state = n % 2 == 0 ? LeaseRecord::State::bound : LeaseRecord::State::released;
    lease.expires = UnixTime{1'700'000'000'000 + n};
    const std::string name = "host" + std::to_string(n);
    std::copy(name.begin(), name.end(), lease.hostname.begin());
    return lease;
}

NodeRecord node_of(std::string name) {
    NodeRecord node;
    node.spec.name = std::move(name);
    node.spec.macs = {MacAddress{{2, 0, 0, 0, 0, 1}}};
    node.install.state = InstallState::installing;
    node.install.token = {{1, 2, 3}};
    node.install.token_use = TokenUse::open;
    node.revision = 3;
    return node;
}

Event event_of(std::uint64_t id) {
    return {.id = id,
            .at = UnixTime{5},
            .kind = EventKind::state_changed,
            .node = "r1n01",
            .message = "it's \"quoted\""};
}

struct SqliteStoreTest : testing::Test {
    fs::path folder;

    void SetUp() override {
        std::string name = fs::temp_directory_path() / "muster-store-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder = fs::path{name} / "data/of/muster";
    }
    void TearDown() override { fs::remove_all(folder.parent_path().parent_path().parent_path()); }

    [[nodiscard]] std::unique_ptr<SqliteStore> open() const {
        auto store = SqliteStore::open(folder);
        if (!store) {
            ADD_FAILURE() << store.error().text;
            return nullptr;
        }
        return std::move(*store);
    }
    [[nodiscard]] StoreError refusal() const {
        auto store = SqliteStore::open(folder);
        if (!store) {
            return store.error();
        }
        auto state = (*store)->load();
        EXPECT_FALSE(state.has_value());
        return state ? StoreError{} : state.error();
    }
    void run_sql(const char* sql) const {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open((folder / "muster.db").c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(database);
    }
};

TEST_F(SqliteStoreTest, KeepsEverythingOverAReopen) {
    Batch batch;
    batch.leases = {lease_of(1), lease_of(2)};
    batch.nodes = {node_of("r1n01"), node_of("r1n02")};
    batch.events = {event_of(1), event_of(2)};
    {
        const auto store = open();
        ASSERT_TRUE(store->commit(batch).has_value());
    }
    const auto store = open();
    const auto state = store->load();
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->leases, batch.leases);
    EXPECT_EQ(state->events, batch.events);
    ASSERT_EQ(state->nodes.size(), 2U);
    EXPECT_EQ(write_node_record(state->nodes[0]), write_node_record(batch.nodes[0]));
}

Lease6Record lease6_of(std::uint8_t n) {
    Lease6Record lease;
    lease.address = Ipv6Address{{0xFD, 0, 0, 0x79, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n}};
    lease.mac = {{2, 0, 0, 0, 0, n}};
    lease.expires = UnixTime{1'700'000'000'000 + n};
    lease.iaid = 0xFFFFFFFFU - n;
    lease.duid = Duid{std::vector<std::byte>(duid_size_max, std::byte{n})};
    lease.hostname[0] = 'h';
    return lease;
}

TEST_F(SqliteStoreTest, KeepsIpv6LeasesOverAReopen) {
    Batch batch;
    batch.leases6 = {lease6_of(1), lease6_of(2), lease6_of(2)};
    batch.leases6[2].state = LeaseRecord::State::released;
    batch.leases6[2].duid = {};
    ASSERT_TRUE(open()->commit(batch).has_value());
    const auto state = open()->load();
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->leases6, (std::vector{batch.leases6[0], batch.leases6[2]}));
}

TEST_F(SqliteStoreTest, KeepsTheFlightRecorderOverAReopen) {
    FlightEntry entry;
    entry.id = 7;
    entry.boot = 2;
    entry.kind = FlightKind::payload;
    entry.end = FlightEnd::broken_off;
    entry.at = UnixTime{1'700'000'000'000};
    entry.last = UnixTime{1'700'000'000'900};
    entry.count = 3;
    entry.bytes = std::uint64_t{5} << 32U;
    entry.text = "/files/linux";
    Batch batch;
    batch.flights = {{"n1", entry}, {"n2", entry}, {"n1", entry}};
    batch.flights[1].entry.id = 8;
    batch.flights[2].entry.count = 4; // the same one again
    ASSERT_TRUE(open()->commit(batch).has_value());
    const auto state = open()->load();
    ASSERT_TRUE(state.has_value());
    ASSERT_EQ(state->flights.size(), 2U);
    EXPECT_EQ(state->flights[0].node, "n1");
    EXPECT_EQ(state->flights[0].entry, batch.flights[2].entry);
    EXPECT_EQ(state->flights[1].entry, batch.flights[1].entry);
}

TEST_F(SqliteStoreTest, KeepsApiTokensOverAReopen) {
    const auto token = [](std::string name, ApiRole role) {
        return ApiTokenRecord{.name = std::move(name),
                              .role = role,
                              .digest = sha256(to_text(role)),
                              .made = UnixTime{1'700'000'000'000}};
    };
    Batch batch;
    batch.api_tokens = {token("a", ApiRole::admin), token("b", ApiRole::view),
                        token("c", ApiRole::operate)};
    ASSERT_TRUE(open()->commit(batch).has_value());
    Batch later;
    later.removed_api_tokens = {"b"};
    ASSERT_TRUE(open()->commit(later).has_value());
    const auto state = open()->load();
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->api_tokens, (std::vector{batch.api_tokens[0], batch.api_tokens[2]}));
}

TEST_F(SqliteStoreTest, ATokenThatCannotBeReadIsDamageAndNotAnOpenDoor) {
    ASSERT_NE(open(), nullptr);
    run_sql("INSERT INTO api_token VALUES('a', 'admin', x'0102', 5)");
    EXPECT_EQ(refusal().kind, StoreError::Kind::corrupt);
    run_sql("UPDATE api_token SET digest=zeroblob(32), role='root'");
    EXPECT_EQ(refusal().kind, StoreError::Kind::corrupt);
}

TEST_F(SqliteStoreTest, AFileOfVersionOneGetsWhatItLacks) {
    Batch batch;
    batch.leases = {lease_of(1)};
    ASSERT_TRUE(open()->commit(batch).has_value());
    run_sql("DROP TABLE lease6; DROP TABLE flight; DROP TABLE api_token; PRAGMA user_version=1");
    batch.leases6 = {lease6_of(1)};
    batch.leases.clear();
    ASSERT_TRUE(open()->commit(batch).has_value());
    const auto state = open()->load();
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->leases.size(), 1U) << "what was there stays";
    EXPECT_EQ(state->leases6, batch.leases6);
}

TEST_F(SqliteStoreTest, TheLastOfAKeyCountsAndRemovedNodesGo) {
    const auto store = open();
    Batch batch;
    batch.leases = {lease_of(1), lease_of(1)};
    batch.leases[1].state = LeaseRecord::State::declined;
    batch.nodes = {node_of("a"), node_of("b")};
    ASSERT_TRUE(store->commit(batch).has_value());
    batch.clear();
    batch.removed_nodes = {"a", "never there"};
    ASSERT_TRUE(store->commit(batch).has_value());
    const auto state = store->load();
    ASSERT_TRUE(state.has_value());
    ASSERT_EQ(state->leases.size(), 1U);
    EXPECT_EQ(state->leases[0].state, LeaseRecord::State::declined);
    ASSERT_EQ(state->nodes.size(), 1U);
    EXPECT_EQ(state->nodes[0].name(), "b");
}

TEST_F(SqliteStoreTest, OldEventsGo) {
    const auto store = open();
    Batch batch;
    batch.events = {event_of(1), event_of(2), event_of(3)};
    ASSERT_TRUE(store->commit(batch).has_value());
    batch.events = {event_of(events_kept_max + 2)};
    ASSERT_TRUE(store->commit(batch).has_value());
    const auto state = store->load();
    ASSERT_TRUE(state.has_value());
    ASSERT_EQ(state->events.size(), 2U);
    EXPECT_EQ(state->events[0].id, 3U);
}

TEST_F(SqliteStoreTest, TheLogIsKeptShort) {
    const auto store = open();
    const fs::path log = folder / "muster.db-wal";
    Batch batch;
    for (std::uint32_t n = 0; n < 50'000; ++n) {
        batch.leases.push_back(lease_of(n));
    }
    ASSERT_TRUE(store->commit(batch).has_value());
    batch.leases.resize(250);
    std::uintmax_t largest = 0;
    for (std::uint32_t i = 0; i < 150; ++i) {
        for (std::uint32_t n = 0; n < 250; ++n) {
            batch.leases[n] = lease_of(n * 200 + i); // each on a page of its own
        }
        ASSERT_TRUE(store->commit(batch).has_value());
        largest = std::max(largest, fs::file_size(log));
    }
    constexpr std::uintmax_t page_size = 4'096 + 24;
    EXPECT_LT(largest, page_size * (SqliteStore::checkpoint_pages_max + 1'000));
}

TEST_F(SqliteStoreTest, TheLogIsAsLongAsItGetsFromTheStart) {
    const fs::path log = folder / "muster.db-wal";
    auto store = open();
    const std::uintmax_t before = fs::file_size(log);
    Batch batch;
    for (std::uint32_t n = 0; n < 1'000; ++n) {
        batch.leases = {lease_of(n)};
        ASSERT_TRUE(store->commit(batch).has_value());
    }
    EXPECT_EQ(fs::file_size(log), before) << "flushes write no lengths";
    // What a crash leaves: the log with its zeros, beside the database.
    fs::copy(folder, folder.string() + ".crashed");
    store.reset();
    const auto after = SqliteStore::open(folder.string() + ".crashed");
    ASSERT_TRUE(after.has_value()) << after.error().text;
    EXPECT_EQ((*after)->load()->leases.size(), 1'000U);
    EXPECT_EQ(fs::file_size(folder.string() + ".crashed/muster.db-wal"), before);
    fs::remove_all(folder.string() + ".crashed");
}

TEST_F(SqliteStoreTest, ASecondOneIsRefusedByName) {
    const auto first = open();
    const StoreError second = refusal();
    EXPECT_EQ(second.kind, StoreError::Kind::locked);
    EXPECT_NE(second.text.find(std::to_string(getpid())), std::string::npos) << second.text;
}

TEST_F(SqliteStoreTest, ANewerVersionIsRefused) {
    open().reset();
    run_sql("PRAGMA user_version=99");
    const StoreError error = refusal();
    EXPECT_EQ(error.kind, StoreError::Kind::version);
    EXPECT_NE(error.text.find("99"), std::string::npos) << error.text;
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsRefused) {
    fs::create_directories(folder);
    std::ofstream{folder / "muster.db"} << std::string(10'000, 'x');
    const StoreError error = refusal();
    EXPECT_EQ(error.kind, StoreError::Kind::corrupt);
    EXPECT_NE(error.text.find("muster.db is damaged"), std::string::npos) << error.text;
}

TEST_F(SqliteStoreTest, DamagedPagesAreRefused) {
    {
        const auto store = open();
        Batch batch;
        for (std::uint32_t n = 0; n < 5'000; ++n) {
            batch.leases.push_back(lease_of(n));
        }
        ASSERT_TRUE(store->commit(batch).has_value());
    }
    const auto size = fs::file_size(folder / "muster.db");
    ASSERT_GT(size, 100'000U);
    std::fstream file{folder / "muster.db", std::ios::in | std::ios::out | std::ios::binary};
    for (std::uintmax_t at = 20'000; at < 60'000; at += 4) {
        file.seekp(static_cast<std::streamoff>(at));
        file.write("\xDE\xAD\xBE\xEF", 4);
    }
    file.close();
    EXPECT_EQ(refusal().kind, StoreError::Kind::corrupt);
}

TEST_F(SqliteStoreTest, ARecordThatIsNoneIsRefusedWithItsName) {
    open().reset();
    run_sql("INSERT INTO node VALUES('r1n01', 1, 'nonsense')");
    const StoreError error = refusal();
    EXPECT_EQ(error.kind, StoreError::Kind::corrupt);
    EXPECT_NE(error.text.find("r1n01"), std::string::npos) << error.text;
}

TEST_F(SqliteStoreTest, AFolderThatCannotBeMadeIsSaid) {
    const auto store = SqliteStore::open("/proc/nowhere/muster");
    ASSERT_FALSE(store.has_value());
    EXPECT_NE(store.error().text.find("/proc/nowhere/muster"), std::string::npos);
}

/// While it lives, files may not grow beyond `size`: what a full disk does to a writer.
class FullDisk {
public:
    explicit FullDisk(rlim_t size) {
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limit{size, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

TEST_F(SqliteStoreTest, AFullDiskRefusesBatchesAndNothingElse) {
    auto store = open();
    Batch batch;
    batch.leases = {lease_of(1)};
    ASSERT_TRUE(store->commit(batch).has_value());
    std::uint32_t refused = 0;
    {
        const FullDisk full{100}; // the log is longer than what is in it
        for (std::uint32_t n = 100; n < 110; ++n) {
            batch.leases = {lease_of(n)};
            const auto committed = store->commit(batch);
            if (!committed) {
                ++refused;
                EXPECT_EQ(committed.error().kind, StoreError::Kind::full);
                EXPECT_NE(committed.error().text.find("muster.db"), std::string::npos);
            }
        }
        EXPECT_EQ(refused, 10U);
    }
    batch.leases = {lease_of(2)};
    const auto again = store->commit(batch);
    EXPECT_TRUE(again.has_value()) << again.error().text;
    store.reset();
    store = open();
    const auto state = store->load();
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->leases, (std::vector{lease_of(1), lease_of(2)})) << "all of it or nothing";
}

TEST_F(SqliteStoreTest, ABatchTooLargeForTheDiskDoesNotBlockSmallOnes) {
    const auto store = open();
    Batch batch;
    for (std::uint32_t n = 0; n < 10'000; ++n) {
        batch.leases.push_back(lease_of(n));
    }
    {
        const FullDisk full{200'000};
        EXPECT_FALSE(store->commit(batch).has_value());
        batch.leases.resize(3);
        EXPECT_TRUE(store->commit(batch).has_value());
    }
    EXPECT_EQ(store->load()->leases.size(), 3U);
}

// A disk that is really full: ENOSPC, which SQLite calls SQLITE_FULL. In a mount namespace of its
// own, so that nothing stays mounted.
TEST_F(SqliteStoreTest, SpaceThatReturnsIsUsedAtOnce) {
    fs::create_directories(folder);
    ASSERT_EQ(unshare(CLONE_NEWNS), 0) << "needs root";
    ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=1m"), 0);
    {
        const auto store = open();
        Batch batch;
        batch.leases = {lease_of(1)};
        ASSERT_TRUE(store->commit(batch).has_value());
        std::ofstream{folder / "ballast"} << std::string(2'000'000, 'x'); // as much as fits
        for (std::uint32_t n = 2; n < 50; ++n) {
            batch.leases = {lease_of(n)};
            const auto committed = store->commit(batch);
            if (!committed) {
                EXPECT_EQ(committed.error().kind, StoreError::Kind::full);
                EXPECT_TRUE(committed.error().text.starts_with("no space left"))
                    << committed.error().text;
                break;
            }
            ASSERT_LT(n, 49U) << "the disk was never full";
        }
        EXPECT_EQ(store->load()->leases.front(), lease_of(1)) << "what was kept can be read";
        fs::remove(folder / "ballast");
        const auto again = store->commit(batch);
        EXPECT_TRUE(again.has_value()) << again.error().text;
    }
    EXPECT_TRUE(open()->load().has_value());
    umount(folder.c_str());
}

/// Commits leases 0, 1, 2, … in batches, and says each batch that is durable on `pipe`.
[[noreturn]] void write_until_killed(const fs::path& folder, std::uint32_t first, int pipe) {
    auto store = SqliteStore::open(folder);
    if (!store) {
        _exit(1);
    }
    std::minstd_rand random{first + 1}; // NOLINT: the same run each time
    for (std::uint32_t n = first;;) {
        Batch batch;
        const auto count = static_cast<std::uint32_t>(1 + random() % 200);
        for (std::uint32_t i = 0; i < count; ++i) {
            batch.leases.push_back(lease_of(n++));
        }
        batch.events = {event_of(n)};
        if (!(*store)->commit(batch) || write(pipe, &n, sizeof n) != sizeof n) {
            _exit(1);
        }
    }
}

TEST_F(SqliteStoreTest, WhatWasAcknowledgedIsThereAfterKill) {
    std::minstd_rand random{7}; // NOLINT: the same run each time
    std::uint32_t written = 0;
    for (int round = 0; round < 12; ++round) {
        std::array<int, 2> ends{};
        ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
        const pid_t child = fork();
        if (child == 0) {
            write_until_killed(folder, written, ends[1]);
        }
        close(ends[1]);
        std::uint32_t acknowledged = written;
        ASSERT_EQ(read(ends[0], &acknowledged, sizeof acknowledged),
                  static_cast<ssize_t>(sizeof acknowledged));
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 60'000});
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        for (std::uint32_t n = 0; read(ends[0], &n, sizeof n) == sizeof n;) {
            acknowledged = n; // said before the kill, though read after it
        }
        close(ends[0]);

        const auto store = open();
        const auto state = store->load();
        ASSERT_TRUE(state.has_value());
        const auto there = static_cast<std::uint32_t>(state->leases.size());
        EXPECT_GE(there, acknowledged) << "round " << round;
        // One batch more may be durable, though not acknowledged, but whole: its event says where
        // it ends.
        EXPECT_EQ(state->events.back().id, there) << "half a batch";
        EXPECT_EQ(state->leases.back(), lease_of(there - 1));
        written = there;
    }
    EXPECT_GT(written, 1'000U);
}

} // namespace
} // namespace muster
