// SPDX-License-Identifier: Apache-2.0
// DHCP options as a site sets them: encoded once when the site is read, copied by the fast path.
#pragma once

#include "core/base/bytes.hh"

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

namespace muster {

/// The longest value of one option. Above 255 bytes it goes out in parts (RFC 3396), and only to
/// clients that can join them.
inline constexpr std::size_t dhcp_option_value_max = 1024;

/// Values by option code; a code is there once.
///
/// Cost: find() is a bit test, and where the bit is set two population counts.
class DhcpOptionSet {
public:
    struct Entry {
        std::uint8_t code = 0;
        bool always = false;          ///< sent to clients that did not ask for it, too
        std::vector<std::byte> value; ///< empty: the option is not sent, whatever else says so
        friend bool operator==(const Entry&, const Entry&) = default;
    };

    /// Adds an option, or replaces the one of its code.
    void set(std::uint8_t code, std::vector<std::byte> value, bool always = false) {
        const std::size_t at = rank(code);
        if (!has(code)) {
            codes_[code / 64] |= std::uint64_t{1} << code % 64;
            entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(at), Entry{});
        }
        entries_[at] = {code, always, std::move(value)};
    }
    /// Takes from `other` what is not set here.
    void add_missing(const DhcpOptionSet& other) {
        for (const Entry& entry : other.entries_) {
            if (!has(entry.code)) {
                set(entry.code, entry.value, entry.always);
            }
        }
    }
    [[nodiscard]] bool has(std::uint8_t code) const noexcept {
        return (codes_[code / 64] >> code % 64 & 1U) != 0;
    }
    /// Null when the site says nothing about the option.
    [[nodiscard]] const Entry* find(std::uint8_t code) const noexcept {
        return has(code) ? &entries_[rank(code)] : nullptr;
    }
    /// In the order of their codes.
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    friend bool operator==(const DhcpOptionSet& a, const DhcpOptionSet& b) noexcept {
        return a.entries_ == b.entries_;
    }

private:
    /// How many codes below this one are set.
    [[nodiscard]] std::size_t rank(std::uint8_t code) const noexcept {
        int below = 0;
        for (std::size_t word = 0; word < code / 64U; ++word) {
            below += std::popcount(codes_[word]);
        }
        below += std::popcount(codes_[code / 64U] & ((std::uint64_t{1} << code % 64) - 1));
        return static_cast<std::size_t>(below);
    }

    std::array<std::uint64_t, 4> codes_{}; ///< a bit a code
    std::vector<Entry> entries_;
};

/// A set that many nodes share. Compared by what it holds.
struct SharedDhcpOptions {
    std::shared_ptr<const DhcpOptionSet> set; ///< null: none

    friend bool operator==(const SharedDhcpOptions& a, const SharedDhcpOptions& b) noexcept {
        return a.set == b.set || (a.set != nullptr && b.set != nullptr && *a.set == *b.set);
    }
};

} // namespace muster
