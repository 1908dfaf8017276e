// SPDX-License-Identifier: Apache-2.0
// Identities of a machine beside its link address: its UUID, its DHCP client identifier, and the
// switch port that it is plugged into.
#pragma once

#include "core/base/bytes.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace muster {

/// The longest client, circuit or remote identifier that a node can be known by. Circuit
/// identifiers end at 63 characters (Broadband Forum TR-101), DUIDs with their IAID are shorter.
inline constexpr std::size_t identifier_size_max = 64;

/// An identifier that others chose, held in place. One that is too long is not held at all, for
/// its first part may be that of many machines.
class ShortIdentifier {
public:
    ShortIdentifier() = default;
    explicit ShortIdentifier(std::string_view octets) noexcept {
        if (octets.size() <= octets_.size()) {
            std::copy(octets.begin(), octets.end(), octets_.begin());
            size_ = static_cast<std::uint8_t>(octets.size());
        }
    }
    [[nodiscard]] std::string_view view() const noexcept { return {octets_.data(), size_}; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    std::uint8_t size_ = 0;
    std::array<char, identifier_size_max> octets_; // the first size_ are set
};

/// One identity as a key of a map, made without allocation.
///
/// Shape: kind (1 byte) | octets; of a port: size of the circuit id (1 byte) | circuit id |
///        remote id, either of which may be empty.
class NodeAlias {
public:
    static NodeAlias of_uuid(std::span<const std::uint8_t, 16> uuid) noexcept {
        NodeAlias alias{'u'};
        for (const std::uint8_t octet : uuid) {
            alias.put(static_cast<char>(octet));
        }
        return alias;
    }
    static NodeAlias of_client_id(std::string_view client_id) noexcept {
        NodeAlias alias{'c'};
        alias.put(client_id);
        return alias;
    }
    static NodeAlias of_port(std::string_view circuit_id, std::string_view remote_id) noexcept {
        NodeAlias alias{'p'};
        alias.put(static_cast<char>(circuit_id.size()));
        alias.put(circuit_id);
        alias.put(remote_id);
        return alias;
    }
    /// Borrows this.
    [[nodiscard]] std::string_view key() const noexcept { return {octets_.data(), size_}; }

private:
    explicit NodeAlias(char kind) noexcept { put(kind); }
    void put(char octet) noexcept {
        if (size_ < octets_.size()) {
            octets_[size_++] = octet;
        }
    }
    void put(std::string_view octets) noexcept {
        for (const char octet : octets.substr(0, identifier_size_max)) {
            put(octet);
        }
    }

    std::size_t size_ = 0;
    std::array<char, 2 + 2 * identifier_size_max> octets_; // the first size_ are set
};

/// What a message shows of a machine beside its link address and UUID. Empty: it shows none.
struct ShownIdentity {
    std::string_view client_id;  ///< option 61
    std::string_view circuit_id; ///< option 82.1
    std::string_view remote_id;  ///< option 82.2
};

/// Calls `use` with each alias that these identities can be known by, the surest first, until it
/// answers true: the UUID, the client id, then the port by both its names, or by either.
template <class Use>
bool any_alias(const std::uint8_t* uuid, const ShownIdentity& shown, Use use) {
    const auto fits = [](std::string_view id) {
        return id.size() <= identifier_size_max;
    };
    if (uuid != nullptr && use(NodeAlias::of_uuid(std::span<const std::uint8_t, 16>{uuid, 16}))) {
        return true;
    }
    if (!shown.client_id.empty() && fits(shown.client_id) &&
        use(NodeAlias::of_client_id(shown.client_id))) {
        return true;
    }
    const bool circuit = !shown.circuit_id.empty() && fits(shown.circuit_id);
    const bool remote = !shown.remote_id.empty() && fits(shown.remote_id);
    return (circuit && remote && use(NodeAlias::of_port(shown.circuit_id, shown.remote_id))) ||
           (circuit && use(NodeAlias::of_port(shown.circuit_id, {}))) ||
           (remote && use(NodeAlias::of_port({}, shown.remote_id)));
}

} // namespace muster
