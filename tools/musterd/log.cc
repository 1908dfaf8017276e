// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/log.hh"

#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <map>

namespace muster {
namespace {

/// The message as a JSON string, so that quotes in it cannot break the line.
class JsonMessage final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& out) override {
        const std::string text =
            nlohmann::json(std::string{message.payload.data(), message.payload.size()})
                .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        out.append(text.data(), text.data() + text.size());
    }
    [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
        return std::make_unique<JsonMessage>();
    }
};

spdlog::level::level_enum level_of(EventKind kind) {
    switch (kind) {
    case EventKind::attempt_failed:
    case EventKind::token_refused:
    case EventKind::content_missing:
    case EventKind::render_failed:
    case EventKind::limit_reached:
    case EventKind::address_in_use:
        return spdlog::level::warn;
    case EventKind::store_failed:
        return spdlog::level::err;
    case EventKind::node_added:
    case EventKind::node_changed:
    case EventKind::node_removed:
    case EventKind::state_changed:
    case EventKind::order:
    case EventKind::site_loaded:
    case EventKind::store_recovered:
        return spdlog::level::info;
    }
    return spdlog::level::info;
}

} // namespace

void open_log(const std::string& level, bool json) {
    auto logger = spdlog::stderr_color_mt("musterd");
    if (json) {
        auto formatter =
            std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
        formatter->add_flag<JsonMessage>('*').set_pattern(
            R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
        logger->set_formatter(std::move(formatter));
    } else {
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
    }
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

void log_event(const Event& event) {
    const auto level = level_of(event.kind);
    if (event.node.empty()) {
        spdlog::log(level, "{}: {}", to_text(event.kind), event.message);
    } else {
        spdlog::log(level, "{} {}: {}", event.node, to_text(event.kind), event.message);
    }
}

std::string summary_of(const Control& control) {
    const Ledger& ledger = control.ledger();
    std::map<std::string_view, std::size_t> states;
    for (const auto& [name, node] : ledger.nodes().all()) {
        ++states[to_text(node.install.state)];
    }
    std::string text;
    for (const auto& [state, count] : states) {
        text += fmt::format(", {} {}", count, state);
    }
    return fmt::format("{} nodes{}; {} leases", ledger.nodes().size(), text,
                       ledger.leases().size());
}

void log_summary(const Control& control) {
    spdlog::info("summary: {}", summary_of(control));
}

} // namespace muster
