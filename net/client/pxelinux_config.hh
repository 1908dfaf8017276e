// SPDX-License-Identifier: Apache-2.0
// A configuration file of PXELINUX: directives that are lines, labels, a default and time-outs.
#pragma once

#include "core/base/time.hh"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

struct PxelinuxLabel {
    enum class Kind : std::uint8_t { kernel, local, config };
    std::string name;
    Kind kind = Kind::kernel;
    std::string file{};                ///< kernel, or configuration
    std::optional<std::string> append; ///< nullopt: the global one
    std::vector<std::string> initrds{};
};

struct PxelinuxConfig {
    std::string start{}; ///< DEFAULT: a label, or a kernel and its arguments
    std::string on_timeout{};
    std::string append{};
    bool prompt = false; ///< waits at its prompt even with nobody there
    Duration timeout{};  ///< at the prompt; 0: for ever
    std::vector<PxelinuxLabel> labels{};

    [[nodiscard]] const PxelinuxLabel* find(std::string_view name) const noexcept;
};

[[nodiscard]] PxelinuxConfig read_pxelinux_config(std::string_view text);

} // namespace muster
