// SPDX-License-Identifier: Apache-2.0
#include "core/metrics/exposition.hh"

#include <fmt/format.h>

namespace muster {

std::string exposition_label(std::string_view key, std::string_view value) {
    return fmt::format("{}=\"{}\"", key, value);
}

void Exposition::add(Kind kind, std::string_view name, std::string_view labels,
                     std::string_view help, double value) {
    auto it = families_.find(name);
    if (it == families_.end()) {
        it = families_.emplace(std::string{name}, Family{kind, std::string{help}, {}}).first;
    }
    auto& samples = it->second.samples;
    const auto sample = samples.find(labels);
    if (sample == samples.end()) {
        samples.emplace(std::string{labels}, value);
    } else {
        sample->second += value;
    }
}

std::string Exposition::text() const {
    std::string out;
    for (const auto& [name, family] : families_) {
        fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, family.help,
                       name, family.kind == Kind::counter ? "counter" : "gauge");
        for (const auto& [labels, value] : family.samples) {
            if (labels.empty()) {
                fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
            } else {
                fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", name, labels, value);
            }
        }
    }
    return out;
}

} // namespace muster
