// SPDX-License-Identifier: Apache-2.0
// Collects readings of counters and writes them as Prometheus text (exposition format 0.0.4).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace muster {

/// `key="value"`, as Exposition::add() takes it. `value` is written as it is: no quotes in it.
[[nodiscard]] std::string exposition_label(std::string_view key, std::string_view value);

/// Gathers samples of one scrape. Readings of the same name and labels are summed, so every
/// worker reports its own counters and the scrape shows the whole.
class Exposition {
public:
    enum class Kind : std::uint8_t { counter, gauge };

    /// `name` without labels, e.g. `muster_dhcp_drops_total`; `labels` as they stand between the
    /// braces, e.g. `reason="truncated"`, or empty. `help` of the first reading of a name counts.
    void add(Kind kind, std::string_view name, std::string_view labels, std::string_view help,
             double value);
    void count(std::string_view name, std::string_view labels, std::string_view help,
               std::uint64_t value) {
        add(Kind::counter, name, labels, help, static_cast<double>(value));
    }
    void gauge(std::string_view name, std::string_view labels, std::string_view help,
               std::uint64_t value) {
        add(Kind::gauge, name, labels, help, static_cast<double>(value));
    }
    [[nodiscard]] std::string text() const;

private:
    struct Family {
        Kind kind{};
        std::string help;
        std::map<std::string, double, std::less<>> samples;
    };
    std::map<std::string, Family, std::less<>> families_;
};

} // namespace muster
