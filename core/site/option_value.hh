// SPDX-License-Identifier: Apache-2.0
// The value of one DHCP option: from YAML to the octets that go out.
#pragma once

#include "core/site/dhcp_option_table.hh"
#include "core/site/dhcp_options.hh"
#include "core/site/yaml_reader.hh"

namespace muster {

struct OptionValue {
    std::vector<std::byte> octets;
    bool always = false;
};

/// Reads a value of a type: a scalar, a list or a mapping as the type wants it, `0x…` for the
/// octets themselves, or the long form `{value: …, type: …, always: …}`.
///
/// Returns: nullopt after a problem, which has been reported at its place. Without a type the
///          value has to say one, or be octets.
[[nodiscard]] std::optional<OptionValue> read_option_value(const YamlValue& value,
                                                           std::string_view what,
                                                           std::optional<DhcpOptionType> type);

/// A decimal number, or a hexadecimal one behind `0x`.
[[nodiscard]] std::optional<std::int64_t> read_option_integer(std::string_view text);

} // namespace muster
