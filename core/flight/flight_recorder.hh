// SPDX-License-Identifier: Apache-2.0
// The flight recorder: of every node a bounded ring of what it did and was told, for its last
// boots. Kept in the store a few seconds later than noted; nothing but explanations rests on it.
#pragma once

#include "core/flight/flight_entry.hh"
#include "core/port/messages.hh"

#include <absl/container/flat_hash_map.h>

#include <span>
#include <vector>

namespace muster {

/// Entries of one node; of many nodes fewer, so that all are at most `flight_entries_max`.
inline constexpr std::size_t flight_per_node_max = 128;
inline constexpr std::size_t flight_per_node_min = 16;
inline constexpr std::size_t flight_entries_max = 1'000'000;
inline constexpr std::uint32_t flight_boots_kept = 4;

class FlightRecorder {
public:
    /// What a store had, in any order.
    void load(std::vector<StoredFlight> stored);

    /// A DHCP message of the node and what it was answered. The OFFER to firmware that has
    /// gone beyond DHCP since, or was silent for minutes, begins its next boot.
    void on_seen(std::string_view node, const MachineSeen& seen, UnixTime at);
    /// `kind`: loader, payload or file. Transfers of other files are one entry for each folder.
    void on_transfer(std::string_view node, FlightKind kind, const TransferSample& sample,
                     UnixTime at);
    /// Counts on if the latest entry of the node is of this kind and its text begins with `same`
    /// (empty: whatever it is); its text is the new one, then.
    void note(std::string_view node, FlightKind kind, std::string_view same, std::string text,
              UnixTime at);

    void rename(std::string_view from, std::string_view to);
    void forget(std::string_view node);

    /// Oldest first. Valid until the next call of what is not const.
    [[nodiscard]] std::span<const FlightEntry> of(std::string_view node) const noexcept;

    // Keeping it.
    [[nodiscard]] bool has_unsaved() const noexcept { return !unsaved_.empty(); }
    /// At most `max` entries that changed since they were last taken.
    [[nodiscard]] std::vector<StoredFlight> take_unsaved(std::size_t max);
    /// What take_unsaved() gave is durable, or was refused and will be given again.
    void saved(bool durable);

private:
    struct Ring {
        std::vector<FlightEntry> entries; ///< oldest first
        std::uint32_t boot = 0;
        bool queued = false;           ///< in `unsaved_`
        std::uint64_t saved_below = 1; ///< no entry with a smaller id has changed
    };
    using Rings = absl::flat_hash_map<std::string, Ring>;

    Ring& ring_of(std::string_view node);
    FlightEntry& add(Ring& ring, FlightKind kind, std::string text, UnixTime at);
    void touch(std::string_view node, Ring& ring, const FlightEntry& entry);
    void trim(Ring& ring) const;
    static bool begins_boot(const Ring& ring, bool ipxe, UnixTime at) noexcept;

    Rings rings_;
    std::vector<std::string> unsaved_;                            ///< nodes with entries to keep
    std::vector<std::pair<std::string, std::uint64_t>> in_batch_; ///< node, the id they began at
    std::uint64_t next_id_ = 1;
};

/// `PXE ROM, x64 UEFI`: what kind of program asked.
[[nodiscard]] std::string client_text(DhcpClientKind kind, std::uint16_t arch);

} // namespace muster
