// SPDX-License-Identifier: Apache-2.0
#include "io/host/access_log.hh"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace muster {
namespace {

/// Records of one worker between two turns: at this rate per fifth of a second a log is of no use
/// to anybody, and losing lines is better than memory without bound.
constexpr std::size_t ring_capacity = 32'768;
constexpr std::chrono::milliseconds turn{200};
/// A machine may get another address, or a name: names are asked for again after so many turns.
constexpr unsigned turns_known = 25;
constexpr std::size_t batch_max = 4096;

void add_escaped(std::string& out, std::string_view text, AccessFormat format) {
    for (const char c : text) {
        const auto code = static_cast<unsigned char>(c);
        if (code >= ' ' && code < 0x7F && c != '"' && c != '\\') {
            out += c;
        } else {
            out += format == AccessFormat::text ? fmt::format("\\x{:02x}", code)
                                                : fmt::format("\\u{:04x}", code);
        }
    }
}

/// `/answers/TOKEN/NAME` without the token.
std::string without_token(std::string_view target) {
    for (const std::string_view root : {"/answers/", "/report/"}) {
        const auto at = target.find(root); // also behind `http://host`, or doubled slashes
        if (at != std::string_view::npos) {
            const auto from = at + root.size();
            const auto end = std::min(target.find('/', from), target.size());
            return std::string{target.substr(0, from)} + "*" + std::string{target.substr(end)};
        }
    }
    return std::string{target};
}

std::string time_text(UnixTime at) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(static_cast<std::time_t>(at.ms / 1000)), at.ms % 1000);
}

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

std::string text_line(const AccessRecord& record, std::string_view node) {
    const auto quoted = [](std::string& out, std::string_view text) {
        add_escaped(out, text, AccessFormat::text);
    };
    std::string line = time_text(record.at) + " ";
    quoted(line, node.empty() ? "-" : node);
    line += " " + to_text(record.client.address) + " \"";
    quoted(line, record.method);
    line += ' ';
    quoted(line, without_token(record.target));
    line += fmt::format("\" {} {}{} {:.3f} \"",
                        record.status == 0 ? std::string{"-"} : std::to_string(record.status),
                        record.bytes, record.complete ? "" : "+", seconds(record.duration));
    quoted(line, record.agent.empty() ? "-" : record.agent);
    return line + "\"\n";
}

std::string json_line(const AccessRecord& record, std::string_view node) {
    std::string line = "{\"time\":\"" + time_text(record.at) + "\"";
    const auto add = [&line](std::string_view name, std::string_view text) {
        line += fmt::format(",\"{}\":\"", name);
        add_escaped(line, text, AccessFormat::json);
        line += '"';
    };
    add("node", node);
    add("client", to_text(record.client.address));
    add("method", record.method);
    add("path", without_token(record.target));
    line += fmt::format(",\"status\":{},\"bytes\":{},\"seconds\":{:.6f},\"complete\":{}",
                        record.status, record.bytes, seconds(record.duration), record.complete);
    add("agent", record.agent);
    return line + "}\n";
}

} // namespace

std::string access_line(const AccessRecord& record, std::string_view node, AccessFormat format) {
    return format == AccessFormat::text ? text_line(record, node) : json_line(record, node);
}

AccessLog::AccessLog(std::string path, AccessFormat format, unsigned workers)
    : path_(std::move(path)), format_(format) {
    for (unsigned i = 0; i < workers; ++i) {
        rings_.push_back(std::make_unique<AccessRing>(ring_capacity));
    }
}

AccessLog::~AccessLog() {
    stop();
}

Result<void, SysError> AccessLog::open() {
    const int fd = path_ == "-"
                       ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                       : ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return sys_error("--access-log " + path_);
    }
    file_ = Fd{fd};
    return {};
}

void AccessLog::start(Names names) {
    names_ = std::move(names);
    thread_ = std::jthread{[this](const std::stop_token& stopping) {
        run(stopping);
    }};
}

void AccessLog::stop() {
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
    }
}

void AccessLog::run(const std::stop_token& stopping) {
    for (bool last = false; !last;) {
        {
            std::unique_lock lock{mutex_};
            wake_.wait_for(lock, stopping, turn, [] { return false; });
        }
        last = stopping.stop_requested(); // asked before the last batch is taken: nothing is left
        if (reopen_.exchange(false, std::memory_order_relaxed)) {
            (void)open(); // if it fails, the old file goes on
        }
        if (++turns_ >= turns_known) {
            turns_ = 0;
            known_.clear();
        }
        write_batch();
    }
}

void AccessLog::write_batch() {
    std::vector<std::unique_ptr<AccessRecord>> batch;
    for (bool more = true; more;) {
        more = false;
        batch.clear();
        for (const auto& ring : rings_) {
            std::unique_ptr<AccessRecord> record;
            std::size_t taken = 0;
            while (taken < batch_max && ring->pop(record)) {
                batch.push_back(std::move(record));
                ++taken;
            }
            more = more || taken == batch_max;
        }
        if (batch.empty()) {
            return;
        }
        name_all(batch);
        std::string text;
        for (const auto& record : batch) {
            text += access_line(*record, known_[record->client.address], format_);
        }
        write_text(text, batch.size());
    }
}

void AccessLog::name_all(const std::vector<std::unique_ptr<AccessRecord>>& batch) {
    std::vector<IpAddress> asked;
    for (const auto& record : batch) {
        if (known_.try_emplace(record->client.address).second) {
            asked.push_back(record->client.address);
        }
    }
    if (asked.empty() || !names_) {
        return;
    }
    const std::vector<std::string> names = names_(asked);
    for (std::size_t i = 0; i < asked.size() && i < names.size(); ++i) {
        known_[asked[i]] = names[i];
    }
}

void AccessLog::write_text(std::string_view text, std::size_t lines) {
    while (!text.empty()) {
        const ssize_t written = ::write(file_.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            failed_.add(lines);
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace muster
