// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/client_classes.hh"

#include <algorithm>

namespace muster {

namespace {

bool any_pattern(const std::vector<std::string>& patterns, std::string_view text) noexcept {
    return std::any_of(patterns.begin(), patterns.end(), [text](const std::string& pattern) {
        return matches_pattern(pattern, text);
    });
}

/// Option 77 as bare text, which is what iPXE sends, or as the list of RFC 3004 section 4.
bool in_user_class(const std::vector<std::string>& patterns, Bytes value) noexcept {
    if (any_pattern(patterns, as_text(value))) {
        return true;
    }
    ByteReader reader{value};
    while (const auto size = reader.u8()) {
        const auto instance = reader.take(*size);
        if (!instance) {
            return false;
        }
        if (any_pattern(patterns, as_text(*instance))) {
            return true;
        }
    }
    return false;
}

bool has_prefix(const MacAddress& mac, const MacPrefix& prefix) noexcept {
    return std::equal(prefix.mac.octets.begin(), prefix.mac.octets.begin() + prefix.size,
                      mac.octets.begin());
}

/// What a class can ask about beside the identity.
struct ShownDhcp {
    const DhcpMessage& message;

    [[nodiscard]] bool vendor_class(const std::vector<std::string>& patterns) const noexcept {
        const auto value = message.find(DhcpOptionCode::vendor_class);
        return value && any_pattern(patterns, as_text(*value));
    }
    [[nodiscard]] bool user_class(const std::vector<std::string>& patterns) const noexcept {
        const auto value = message.find(DhcpOptionCode::user_class);
        return value && in_user_class(patterns, *value);
    }
};
struct ShownDhcp6 {
    const Dhcp6Message& message;

    [[nodiscard]] bool vendor_class(const std::vector<std::string>& patterns) const noexcept {
        return any_class_text(message.vendor_class,
                              [&](std::string_view text) { return any_pattern(patterns, text); });
    }
    [[nodiscard]] bool user_class(const std::vector<std::string>& patterns) const noexcept {
        return any_class_text(message.user_class,
                              [&](std::string_view text) { return any_pattern(patterns, text); });
    }
};

template <class Shown>
bool in_class(const ClientClass& wanted, const Shown& shown, const MacAddress& mac,
              const DhcpClientIdentity& client) noexcept {
    if (!wanted.architectures.empty() &&
        std::find_first_of(client.archs.begin(), client.archs.begin() + client.arch_count,
                           wanted.architectures.begin(), wanted.architectures.end()) ==
            client.archs.begin() + client.arch_count) {
        return false;
    }
    if (!wanted.vendor_classes.empty() && !shown.vendor_class(wanted.vendor_classes)) {
        return false;
    }
    if (!wanted.user_classes.empty() && !shown.user_class(wanted.user_classes)) {
        return false;
    }
    return wanted.mac_prefixes.empty() ||
           std::any_of(wanted.mac_prefixes.begin(), wanted.mac_prefixes.end(),
                       [&](const MacPrefix& prefix) { return has_prefix(mac, prefix); });
}

template <class Shown>
ClassMask classes_of(std::span<const ClientClass> classes, const Shown& shown,
                     const MacAddress& mac, const DhcpClientIdentity& client) noexcept {
    ClassMask mask = 0;
    for (std::size_t i = 0; i < std::min(classes.size(), client_classes_max); ++i) {
        mask |= in_class(classes[i], shown, mac, client) ? ClassMask{1} << i : 0;
    }
    return mask;
}

} // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) noexcept {
    // Greedy with one place to go back to: the last star. That is enough, since what a star
    // before it took could not be better chosen.
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t retry = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

ClassMask find_classes(std::span<const ClientClass> classes, const DhcpMessage& message,
                       const DhcpClientIdentity& client) noexcept {
    return classes.empty() ? 0
                           : classes_of(classes, ShownDhcp{message}, message.header.mac(), client);
}

ClassMask find_classes(std::span<const ClientClass> classes, const Dhcp6Message& message,
                       const MacAddress& mac, const DhcpClientIdentity& client) noexcept {
    return classes_of(classes, ShownDhcp6{message}, mac, client);
}

} // namespace muster
