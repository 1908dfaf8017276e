// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/report.hh"

#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace muster::load {
namespace {

using Json = nlohmann::ordered_json;

constexpr double cpu_share_limit = 0.9;
constexpr std::int64_t lateness_limit_ns = 20'000'000;
/// Machines of a storm have timers of seconds.
constexpr std::int64_t storm_lateness_limit_ns = 250'000'000;
constexpr std::size_t reasons_shown = 5;

double to_ms(std::int64_t ns) noexcept {
    return std::round(static_cast<double>(ns) / 1e3) / 1e3;
}

double rounded(double value) noexcept {
    return std::round(value * 1e3) / 1e3;
}

double per_second(std::uint64_t count, double seconds) noexcept {
    return seconds > 0 ? rounded(static_cast<double>(count) / seconds) : 0;
}

Json quantiles(const Histogram& histogram) {
    return {{"p50", to_ms(histogram.quantile(0.5))},
            {"p99", to_ms(histogram.quantile(0.99))},
            {"max", to_ms(histogram.max())}};
}

void add_own_keys(Json& json, const Outcome& outcome) {
    const Figures& f = outcome.figures;
    switch (outcome.options.kind) {
    case Kind::dhcp:
        json["exchanges"] = f.exchanges;
        json["exchanges_per_second"] = per_second(f.exchanges, outcome.seconds);
        json["retransmissions"] = f.retransmissions;
        json["duplicate_addresses"] = f.duplicate_addresses;
        json["latency_ms"] = quantiles(f.latency);
        break;
    case Kind::tftp:
        json["transfers"] = f.transfers;
        json["bytes"] = f.bytes;
        json["bytes_per_second"] = per_second(f.bytes, outcome.seconds);
        json["retransmissions"] = f.retransmissions;
        json["completion_ms"] = quantiles(f.latency);
        break;
    case Kind::multicast:
        json["transfers"] = f.transfers;
        json["bytes"] = f.bytes;
        json["wire_bytes"] = outcome.received_bytes;
        json["completion_ms"] = quantiles(f.latency);
        break;
    case Kind::http:
        json["requests"] = f.requests;
        json["bytes"] = outcome.received_bytes;
        json["bytes_per_second"] = per_second(outcome.received_bytes, outcome.seconds);
        json["requests_per_second"] = per_second(f.requests, outcome.seconds);
        json["latency_ms"] = quantiles(f.latency);
        break;
    case Kind::storm: {
        json["installed"] = f.installed;
        json["lost"] = f.lost;
        Json waited = Json::object();
        for (std::size_t i = 0; i < client_wait_count; ++i) {
            waited[std::string{to_text(static_cast<ClientWait>(i))}] = to_ms(f.waited[i].count());
        }
        json["waited_ms_by_cause"] = std::move(waited);
        json["time_to_loader_ms"] = quantiles(f.to_loader);
        json["time_to_kernel_ms"] = quantiles(f.to_kernel);
        json["time_to_installed_ms"] = quantiles(f.to_installed);
        break;
    }
    }
}

std::string number_text(std::uint64_t number) {
    std::string digits = fmt::format("{}", number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) {
        digits.insert(at - 3, ",");
    }
    return digits;
}

std::string time_text(std::int64_t ns) {
    const double ms = static_cast<double>(ns) / 1e6;
    if (ms < 10) {
        return fmt::format("{:.2f} ms", ms);
    }
    return ms < 10'000 ? fmt::format("{:.0f} ms", ms) : fmt::format("{:.1f} s", ms / 1e3);
}

std::string line(std::string_view name, const std::string& value) {
    return fmt::format("  {:<18}{}\n", name, value);
}

std::string quantiles_line(std::string_view name, const Histogram& histogram) {
    return line(name, fmt::format("p50 {}, p99 {}, max {}", time_text(histogram.quantile(0.5)),
                                  time_text(histogram.quantile(0.99)), time_text(histogram.max())));
}

std::string rate_line(std::string_view name, std::uint64_t count, double seconds) {
    return line(name, fmt::format("{} ({}/s)", number_text(count),
                                  number_text(static_cast<std::uint64_t>(
                                      std::llround(per_second(count, seconds))))));
}

std::string bytes_line(std::uint64_t bytes, double seconds) {
    const auto rate = static_cast<std::uint64_t>(per_second(bytes, seconds));
    return line("bytes", fmt::format("{} ({}/s)", cli::bytes_text(bytes), cli::bytes_text(rate)));
}

std::string own_lines(const Outcome& outcome) {
    const Figures& f = outcome.figures;
    switch (outcome.options.kind) {
    case Kind::dhcp:
        return rate_line("exchanges", f.exchanges, outcome.seconds) +
               quantiles_line("latency", f.latency) +
               line("sent again", number_text(f.retransmissions)) +
               line("addresses twice", number_text(f.duplicate_addresses));
    case Kind::tftp:
        return rate_line("transfers", f.transfers, outcome.seconds) +
               bytes_line(f.bytes, outcome.seconds) + quantiles_line("completion", f.latency) +
               line("sent again", number_text(f.retransmissions));
    case Kind::multicast:
        return rate_line("transfers", f.transfers, outcome.seconds) +
               bytes_line(f.bytes, outcome.seconds) +
               line("on the wire", cli::bytes_text(outcome.received_bytes)) +
               quantiles_line("completion", f.latency);
    case Kind::http:
        return rate_line("requests", f.requests, outcome.seconds) +
               bytes_line(outcome.received_bytes, outcome.seconds) +
               quantiles_line("latency", f.latency) +
               line("TCP", outcome.congestion_control.empty() ? "no connection"
                                                              : outcome.congestion_control);
    case Kind::storm: {
        std::string out = line("installed", number_text(f.installed)) +
                          line("lost", number_text(f.lost)) +
                          quantiles_line("until loader", f.to_loader) +
                          quantiles_line("until kernel", f.to_kernel) +
                          quantiles_line("until installed", f.to_installed) + "  waited\n";
        for (std::size_t i = 0; i < client_wait_count; ++i) {
            const auto machines = std::max<std::int64_t>(1, outcome.options.clients);
            out += line(fmt::format("  {}", to_text(static_cast<ClientWait>(i))),
                        time_text(f.waited[i].count() / machines) + " a machine");
        }
        return out;
    }
    }
    __builtin_unreachable();
}

} // namespace

std::string_view Outcome::limit() const noexcept {
    if (client_cpu_share >= cpu_share_limit) {
        return "it had no time left";
    }
    if (overruns > 0) {
        return "it was too slow to take all frames";
    }
    const bool storm = options.kind == Kind::storm;
    if (figures.lateness.quantile(0.99) > (storm ? storm_lateness_limit_ns : lateness_limit_ns)) {
        return "it began machines late";
    }
    return {};
}

std::string json_text(const Outcome& outcome) {
    Json json = Json::object();
    json["command"] = to_text(outcome.options.kind);
    json["clients"] = outcome.options.clients;
    json["seconds"] = rounded(outcome.seconds);
    json["failed"] = outcome.figures.failed;
    json["seed"] = outcome.options.seed;
    json["server_cpu_seconds"] =
        outcome.watched ? Json(rounded(outcome.server_cpu_seconds)) : Json();
    json["server_peak_rss_bytes"] = outcome.watched ? Json(outcome.server_peak_bytes) : Json();
    add_own_keys(json, outcome);
    json["client_limited"] = !outcome.limit().empty();
    json["client_cpu_share"] = rounded(outcome.client_cpu_share);
    return json.dump() + '\n';
}

std::string report_text(const Outcome& outcome) {
    const Figures& f = outcome.figures;
    std::string out = fmt::format("{}: {} {} in {:.1f} s{}\n", to_text(outcome.options.kind),
                                  number_text(outcome.options.clients),
                                  outcome.options.kind == Kind::storm ? "machines" : "clients",
                                  outcome.seconds, outcome.simulated ? ", simulated" : "");
    out += own_lines(outcome) + line("failed", number_text(f.failed));
    if (outcome.watched) {
        out += line("server", fmt::format("{:.2f} s CPU, {} at most", outcome.server_cpu_seconds,
                                          cli::bytes_text(outcome.server_peak_bytes)));
    }
    if (!outcome.simulated) {
        const std::string_view limit = outcome.limit();
        out += line("this generator",
                    fmt::format("{:.0f} % of a core{}{}", outcome.client_cpu_share * 100,
                                limit.empty() ? "" : "; the limit may be here: ", limit));
    }
    return out;
}

std::string remarks_text(const Outcome& outcome) {
    std::string out;
    const auto remark = [&out](const std::string& text) {
        out += fmt::format("muster-load: {}\n", cli::printable(text));
    };
    if (!outcome.given_up.empty()) {
        remark(outcome.given_up);
    }
    if (!outcome.advice.empty()) {
        remark(outcome.advice);
    }
    // Other programs may have filled it: of a run that went well it is nobody's business.
    if (outcome.neighbour_overflows > 0 && outcome.figures.failed > 0) {
        remark("this kernel's table of link addresses was full, so packets were dropped; if the "
               "server runs here too, raise net.ipv4.neigh.default.gc_thresh3 above the number of "
               "machines");
    }
    std::vector<std::pair<std::uint64_t, std::string>> reasons;
    for (const auto& [reason, count] : outcome.figures.reasons) {
        reasons.emplace_back(count, reason);
    }
    std::sort(reasons.rbegin(), reasons.rend());
    for (std::size_t i = 0; i < std::min(reasons.size(), reasons_shown); ++i) {
        remark(fmt::format("failed {} times: {}", number_text(reasons[i].first),
                           reasons[i].second.empty() ? "no reason given" : reasons[i].second));
    }
    if (reasons.size() > reasons_shown) {
        remark(fmt::format("and for {} other reasons", reasons.size() - reasons_shown));
    }
    return out;
}

} // namespace muster::load
