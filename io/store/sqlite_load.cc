// SPDX-License-Identifier: Apache-2.0
// SqliteStore: what is in the database, whether it can be trusted, and errors in words.
#include "core/addr/subnet.hh"
#include "io/store/sqlite_store.hh"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace muster {
namespace {

/// What each version added to the one before; an older file gets the parts that it lacks.
constexpr std::array schema_parts = {
    R"sql(
CREATE TABLE lease(address INTEGER PRIMARY KEY, mac BLOB NOT NULL, state INTEGER NOT NULL,
                   expires_ms INTEGER NOT NULL, hostname TEXT NOT NULL) STRICT;
CREATE TABLE node(name TEXT PRIMARY KEY, revision INTEGER NOT NULL, record TEXT NOT NULL)
                  STRICT, WITHOUT ROWID;
CREATE TABLE event(id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
                   node TEXT NOT NULL, message TEXT NOT NULL) STRICT;
)sql",
    R"sql(
CREATE TABLE lease6(address BLOB PRIMARY KEY, mac BLOB NOT NULL, state INTEGER NOT NULL,
                    expires_ms INTEGER NOT NULL, hostname TEXT NOT NULL, iaid INTEGER NOT NULL,
                    duid BLOB NOT NULL) STRICT, WITHOUT ROWID;
)sql",
    R"sql(
CREATE TABLE flight(id INTEGER PRIMARY KEY, node TEXT NOT NULL, boot INTEGER NOT NULL,
                    kind TEXT NOT NULL, end INTEGER NOT NULL, at_ms INTEGER NOT NULL,
                    last_ms INTEGER NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
                    text TEXT NOT NULL) STRICT;
)sql",
    R"sql(
CREATE TABLE api_token(name TEXT PRIMARY KEY, role TEXT NOT NULL, digest BLOB NOT NULL,
                       made_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql"};

std::string_view column_text(sqlite3_stmt* statement, int at) noexcept {
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement, at));
    return text == nullptr
               ? std::string_view{}
               : std::string_view{text,
                                  static_cast<std::size_t>(sqlite3_column_bytes(statement, at))};
}

bool read_lease(sqlite3_stmt* row, LeaseRecord& lease) noexcept {
    const std::int64_t address = sqlite3_column_int64(row, 0);
    const std::int64_t state = sqlite3_column_int64(row, 2);
    if (address < 0 || address > UINT32_MAX || sqlite3_column_bytes(row, 1) != 6 || state < 0 ||
        state > static_cast<int>(LeaseRecord::State::declined)) {
        return false;
    }
    lease.address = from_number(static_cast<std::uint32_t>(address));
    std::memcpy(lease.mac.octets.data(), sqlite3_column_blob(row, 1), lease.mac.octets.size());
    lease.state = static_cast<LeaseRecord::State>(state);
    lease.expires.ms = sqlite3_column_int64(row, 3);
    const std::string_view hostname = column_text(row, 4);
    std::copy_n(hostname.begin(), std::min(hostname.size(), lease.hostname.size() - 1),
                lease.hostname.begin());
    return true;
}

bool read_lease6(sqlite3_stmt* row, Lease6Record& lease) noexcept {
    const std::int64_t state = sqlite3_column_int64(row, 2);
    const std::int64_t iaid = sqlite3_column_int64(row, 5);
    const auto duid_size = static_cast<std::size_t>(sqlite3_column_bytes(row, 6));
    if (sqlite3_column_bytes(row, 0) != 16 || sqlite3_column_bytes(row, 1) != 6 || state < 0 ||
        state > static_cast<int>(LeaseRecord::State::declined) || iaid < 0 || iaid > UINT32_MAX ||
        duid_size > duid_size_max) {
        return false;
    }
    std::memcpy(lease.address.octets.data(), sqlite3_column_blob(row, 0), 16);
    std::memcpy(lease.mac.octets.data(), sqlite3_column_blob(row, 1), lease.mac.octets.size());
    lease.state = static_cast<LeaseRecord::State>(state);
    lease.expires.ms = sqlite3_column_int64(row, 3);
    const std::string_view hostname = column_text(row, 4);
    std::copy_n(hostname.begin(), std::min(hostname.size(), lease.hostname.size() - 1),
                lease.hostname.begin());
    lease.iaid = static_cast<std::uint32_t>(iaid);
    lease.duid = Duid{{static_cast<const std::byte*>(sqlite3_column_blob(row, 6)), duid_size}};
    return true;
}

} // namespace

Result<void, StoreError> SqliteStore::check_and_migrate() {
    auto check = statement("PRAGMA quick_check(1)");
    if (!check) {
        return std::unexpected(std::move(check.error()));
    }
    if (const int code = sqlite3_step(check->get()); code != SQLITE_ROW) {
        return std::unexpected(error(code));
    }
    if (const std::string_view verdict = column_text(check->get(), 0); verdict != "ok") {
        return std::unexpected(damaged(std::string{verdict}));
    }
    check->reset();
    auto version = statement("PRAGMA user_version");
    if (!version) {
        return std::unexpected(std::move(version.error()));
    }
    if (const int code = sqlite3_step(version->get()); code != SQLITE_ROW) {
        return std::unexpected(error(code));
    }
    const int found = sqlite3_column_int(version->get(), 0);
    version->reset();
    if (found > schema_version) {
        return std::unexpected(StoreError{
            StoreError::Kind::version,
            fmt::format("{} was written by a newer muster (schema {}, this one knows {}); run that "
                        "one, or give another data folder",
                        path(), found, schema_version)});
    }
    if (found == schema_version) {
        return {};
    }
    static_assert(schema_parts.size() == schema_version);
    std::string parts;
    for (auto i = static_cast<std::size_t>(std::max(found, 0)); i < schema_parts.size(); ++i) {
        parts += schema_parts[i];
    }
    const std::string create =
        fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version={}; COMMIT", parts, schema_version);
    if (auto created = execute(create.c_str()); !created) {
        sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        return created;
    }
    return {};
}

Result<StoredState, StoreError> SqliteStore::load() {
    StoredState state;
    for (const auto& part :
         {&SqliteStore::load_leases, &SqliteStore::load_leases6, &SqliteStore::load_nodes,
          &SqliteStore::load_events, &SqliteStore::load_flights, &SqliteStore::load_api_tokens}) {
        if (auto loaded = (this->*part)(state); !loaded) {
            return std::unexpected(std::move(loaded.error()));
        }
    }
    return state;
}

/// Hands every row to `take`, which says what is wrong with one that cannot be taken.
template <class Take>
Result<void, StoreError> SqliteStore::for_each_row(const char* sql, const Take& take) {
    auto rows = statement(sql);
    if (!rows) {
        return std::unexpected(std::move(rows.error()));
    }
    int code = sqlite3_step(rows->get());
    for (; code == SQLITE_ROW; code = sqlite3_step(rows->get())) {
        if (const Result<void, std::string> taken = take(rows->get()); !taken) {
            return std::unexpected(damaged(taken.error()));
        }
    }
    return code == SQLITE_DONE ? Result<void, StoreError>{} : std::unexpected(error(code));
}

Result<void, StoreError> SqliteStore::load_leases(StoredState& state) {
    return for_each_row("SELECT address, mac, state, expires_ms, hostname FROM lease",
                        [&](sqlite3_stmt* row) -> Result<void, std::string> {
                            LeaseRecord lease;
                            if (!read_lease(row, lease)) {
                                return std::unexpected("a lease is no lease");
                            }
                            state.leases.push_back(lease);
                            return {};
                        });
}

Result<void, StoreError> SqliteStore::load_leases6(StoredState& state) {
    return for_each_row("SELECT address, mac, state, expires_ms, hostname, iaid, duid FROM lease6",
                        [&](sqlite3_stmt* row) -> Result<void, std::string> {
                            Lease6Record lease;
                            if (!read_lease6(row, lease)) {
                                return std::unexpected("an IPv6 lease is no lease");
                            }
                            state.leases6.push_back(lease);
                            return {};
                        });
}

Result<void, StoreError> SqliteStore::load_nodes(StoredState& state) {
    return for_each_row("SELECT name, record FROM node",
                        [&](sqlite3_stmt* row) -> Result<void, std::string> {
                            auto node = read_node_record(column_text(row, 1));
                            if (!node) {
                                return std::unexpected(
                                    fmt::format("node {}: {}", column_text(row, 0), node.error()));
                            }
                            state.nodes.push_back(std::move(*node));
                            return {};
                        });
}

Result<void, StoreError> SqliteStore::load_events(StoredState& state) {
    return for_each_row("SELECT id, at_ms, kind, node, message FROM event ORDER BY id",
                        [&](sqlite3_stmt* row) -> Result<void, std::string> {
                            const auto kind = read_event_kind(column_text(row, 2));
                            if (!kind) {
                                return {}; // of a later version: not worth refusing to serve
                            }
                            state.events.push_back(
                                {.id = static_cast<std::uint64_t>(sqlite3_column_int64(row, 0)),
                                 .at = UnixTime{sqlite3_column_int64(row, 1)},
                                 .kind = *kind,
                                 .node = std::string{column_text(row, 3)},
                                 .message = std::string{column_text(row, 4)}});
                            return {};
                        });
}

Result<void, StoreError> SqliteStore::load_flights(StoredState& state) {
    return for_each_row(
        "SELECT id, node, boot, kind, end, at_ms, last_ms, count, bytes, text FROM flight",
        [&](sqlite3_stmt* row) -> Result<void, std::string> {
            const auto kind = read_flight_kind(column_text(row, 3));
            const std::int64_t end = sqlite3_column_int64(row, 4);
            if (!kind || end < 0 || end > static_cast<int>(FlightEnd::broken_off)) {
                return {}; // of a later version: not worth refusing to serve
            }
            StoredFlight& flight = state.flights.emplace_back();
            flight.node = column_text(row, 1);
            FlightEntry& entry = flight.entry;
            entry.id = static_cast<std::uint64_t>(sqlite3_column_int64(row, 0));
            entry.boot = static_cast<std::uint32_t>(sqlite3_column_int64(row, 2));
            entry.kind = *kind;
            entry.end = static_cast<FlightEnd>(end);
            entry.at = UnixTime{sqlite3_column_int64(row, 5)};
            entry.last = UnixTime{sqlite3_column_int64(row, 6)};
            entry.count = static_cast<std::uint32_t>(sqlite3_column_int64(row, 7));
            entry.bytes = static_cast<std::uint64_t>(sqlite3_column_int64(row, 8));
            entry.text = column_text(row, 9);
            return {};
        });
}

/// One that cannot be read is an error: without it the API might be open to everyone.
Result<void, StoreError> SqliteStore::load_api_tokens(StoredState& state) {
    return for_each_row(
        "SELECT name, role, digest, made_ms FROM api_token",
        [&](sqlite3_stmt* row) -> Result<void, std::string> {
            ApiTokenRecord token;
            token.name = column_text(row, 0);
            const auto role = read_token_role(column_text(row, 1));
            if (!role ||
                static_cast<std::size_t>(sqlite3_column_bytes(row, 2)) != token.digest.size()) {
                return std::unexpected(fmt::format("token {} is no token", token.name));
            }
            token.role = *role;
            std::memcpy(token.digest.data(), sqlite3_column_blob(row, 2), token.digest.size());
            token.made.ms = sqlite3_column_int64(row, 3);
            state.api_tokens.push_back(std::move(token));
            return {};
        });
}

StoreError SqliteStore::error(int code) const {
    using Kind = StoreError::Kind;
    const char* const text =
        database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_.get());
    switch (code & 0xFF) {
    case SQLITE_FULL:
        return {Kind::full, fmt::format("no space left for {}: leases and node states cannot be "
                                        "kept until there is some",
                                        path())};
    case SQLITE_IOERR: {
        const int system = database_ == nullptr ? 0 : sqlite3_system_errno(database_.get());
        return {Kind::full, fmt::format("writing {} failed: {}{}{}; leases and node states cannot "
                                        "be kept until the disk works",
                                        path(), text, system == 0 ? "" : ", ",
                                        system == 0 ? "" : std::strerror(system))};
    }
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return damaged(text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return {Kind::locked, fmt::format("another process has {} locked", path())};
    default:
        return {Kind::unusable, fmt::format("cannot use {}: {}", path(), text)};
    }
}

StoreError SqliteStore::damaged(const std::string& what) const {
    return {StoreError::Kind::corrupt,
            fmt::format("{} is damaged ({}); put back a copy, or move it away to begin without "
                        "leases and node states",
                        path(), what)};
}

} // namespace muster
