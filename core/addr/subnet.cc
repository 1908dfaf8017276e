// SPDX-License-Identifier: Apache-2.0
#include "core/addr/subnet.hh"

#include <charconv>

namespace muster {

std::optional<Subnet> read_subnet(std::string_view text) noexcept {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto network = read_ipv4_address(text.substr(0, slash));
    unsigned length = 0;
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), length);
    if (!network || error != std::errc{} || end != digits.end() || length > 32) {
        return std::nullopt;
    }
    const Subnet subnet{*network, static_cast<std::uint8_t>(length)};
    if ((to_number(*network) & ~subnet.mask_number()) != 0) {
        return std::nullopt;
    }
    return subnet;
}

std::optional<AddressRange> read_address_range(std::string_view text) noexcept {
    const auto dash = text.find('-');
    const auto first = read_ipv4_address(text.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : read_ipv4_address(text.substr(dash + 1));
    if (!first || !last || *last < *first) {
        return std::nullopt;
    }
    return AddressRange{*first, *last};
}

std::string to_text(const Subnet& subnet) {
    return to_text(subnet.network) + "/" + std::to_string(subnet.prefix_length);
}

} // namespace muster
