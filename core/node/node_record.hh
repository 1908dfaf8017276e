// SPDX-License-Identifier: Apache-2.0
// All that is kept of a machine: what it is, where its install stands, what was seen of it.
#pragma once

#include "core/base/result.hh"
#include "core/node/boot_timeline.hh"
#include "core/node/install_state.hh"
#include "core/site/site.hh"

namespace muster {

/// Who says that this node exists.
enum class NodeOrigin : std::uint8_t {
    site,       ///< the site folder: a reload replaces its spec
    api,        ///< an operator, by the API: its spec is in the store
    discovered, ///< the machine itself, by asking; or a node that the site no longer lists
};
[[nodiscard]] std::string_view to_text(NodeOrigin origin) noexcept;

using Uuid = std::array<std::uint8_t, 16>;

struct NodeRecord {
    NodeSpec spec;
    NodeOrigin origin = NodeOrigin::discovered;
    std::uint64_t revision = 0; ///< counts changes; a store that is shared compares it
    Install install;

    std::vector<MacAddress> learned_macs; ///< of a node that the site names by NodeMatch
    std::optional<Uuid> uuid;             ///< option 97, as on the wire
    std::string circuit_id;               ///< option 82.1: the port it was last seen at
    std::string remote_id;                ///< option 82.2: the switch, the same
    std::optional<std::uint16_t> arch;    ///< option 93
    Ipv4Address address;                  ///< the last one it was seen with

    std::uint64_t bytes_served = 0;   ///< in this attempt
    std::uint64_t loading_bytes = 0;  ///< of kernel and initrd, since its script was served
    std::uint64_t expected_bytes = 0; ///< of kernel and initrd; 0: unknown
    std::vector<BootTimeline> boots;  ///< the latest attempts, oldest first
    std::map<std::string, unsigned> answers_fetched; ///< in this attempt, by name

    [[nodiscard]] const std::string& name() const noexcept { return spec.name; }
    /// Its link addresses: those of the spec, then learned ones.
    [[nodiscard]] std::vector<MacAddress> macs() const;
    [[nodiscard]] bool has_mac(const MacAddress& mac) const noexcept;
    /// Somebody said that this link address is the node's: it was not just seen.
    [[nodiscard]] bool lists_mac(const MacAddress& mac) const noexcept;
    /// The keys by which its match finds it (NodeAlias::key()).
    [[nodiscard]] std::vector<std::string> aliases() const;
    /// The running or latest attempt; null before the first.
    [[nodiscard]] BootTimeline* latest_boot() noexcept {
        return boots.empty() ? nullptr : &boots.back();
    }
    [[nodiscard]] const BootTimeline* latest_boot() const noexcept {
        return boots.empty() ? nullptr : &boots.back();
    }
};

inline constexpr std::size_t boots_kept_max = 4;
inline constexpr std::size_t macs_per_node_max = 16;

/// How many attempts since the last order, the latest that ended first, came no further than their
/// boot loader: it was fetched, or was to be fetched by HTTP boot, and the kernel never was.
[[nodiscard]] unsigned attempts_stuck_in_loader(const NodeRecord& node) noexcept;

/// What is shown as its progress: of loading, then as the installer reports.
[[nodiscard]] std::uint8_t stage_percent(const NodeRecord& node) noexcept;

/// Text for a store: a JSON object, which later versions may add keys to.
[[nodiscard]] std::string write_node_record(const NodeRecord& node);
/// Errors: what about the text is wrong, for a person.
[[nodiscard]] Result<NodeRecord, std::string> read_node_record(std::string_view text);

/// The usual text of a UUID, what read_uuid() of core/site/scalar.hh reads; the first three fields
/// are little-endian in option 97 (SMBIOS), and big-endian in the text.
[[nodiscard]] std::string uuid_text(const Uuid& uuid);

} // namespace muster
