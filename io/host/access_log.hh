// SPDX-License-Identifier: Apache-2.0
// The access log: workers drop records into rings, one thread writes them down.
#pragma once

#include "core/mem/spsc_ring.hh"
#include "core/metrics/counter.hh"
#include "core/port/access_record.hh"
#include "io/host/fd.hh"
#include "io/host/sys_error.hh"

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace muster {

enum class AccessFormat : std::uint8_t { text, json };

/// One line with its line feed. `node`: whose address asked; empty: none that is known.
///
/// text:  TIME NODE CLIENT "METHOD TARGET" STATUS BYTES SECONDS "AGENT", with `-` for what is not
///        there, `+` behind BYTES of an answer that broke off; control characters, quotes,
///        backslashes and bytes above 126 as \xNN, so that a client cannot forge a line
/// json:  an object with time, node, client, method, path, status, bytes, seconds, complete, agent
///
/// The token of an answer or report is left out (`*`): who reads the log must not be able to
/// report an install.
[[nodiscard]] std::string access_line(const AccessRecord& record, std::string_view node,
                                      AccessFormat format);

using AccessRing = SpscRing<std::unique_ptr<AccessRecord>>;

/// Writes to a file, or to standard output (`-`), about five times a second.
class AccessLog {
public:
    /// Names the nodes behind addresses, in their order; called in the log's thread.
    using Names = std::function<std::vector<std::string>(const std::vector<IpAddress>&)>;

    AccessLog(std::string path, AccessFormat format, unsigned workers);
    ~AccessLog();
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    /// Opens the file (appends). Errors: as open(2).
    [[nodiscard]] Result<void, SysError> open();
    void start(Names names);
    /// Writes what is there, and ends the thread.
    void stop();
    /// Any thread: opens the file anew, as after a rotation.
    void reopen() noexcept { reopen_.store(true, std::memory_order_relaxed); }

    /// The ring of one worker, which alone may push; a record that finds it full is lost.
    [[nodiscard]] AccessRing& ring(unsigned worker) noexcept { return *rings_[worker]; }
    /// Lines that could not be written (disk full). Any thread.
    [[nodiscard]] const Counter& failed() const noexcept { return failed_; }

private:
    void run(const std::stop_token& stopping);
    void write_batch();
    void name_all(const std::vector<std::unique_ptr<AccessRecord>>& batch);
    void write_text(std::string_view text, std::size_t lines);

    std::string path_;
    AccessFormat format_;
    std::vector<std::unique_ptr<AccessRing>> rings_;
    Fd file_;
    Names names_;
    absl::flat_hash_map<IpAddress, std::string> known_; ///< names, asked for anew now and then
    unsigned turns_ = 0;                                ///< since `known_` was emptied
    std::atomic<bool> reopen_{false};
    Counter failed_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;
};

} // namespace muster
