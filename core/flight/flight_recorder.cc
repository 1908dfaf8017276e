// SPDX-License-Identifier: Apache-2.0
#include "core/flight/flight_recorder.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

/// A machine that is silent for so long was switched off, or hangs: what follows is another boot.
constexpr Duration silence_between_boots = std::chrono::minutes{5};
/// Firmware begins with 0 and waits 4 s for the first answer: more says that messages were lost.
constexpr std::uint16_t late_s = 8;
/// How far back a transfer is looked for. More than run at once in any boot loader.
constexpr std::size_t look_back = 24;

/// This Abseil was built for C++14, and looks up by its own views alone.
absl::string_view key(std::string_view node) noexcept {
    return {node.data(), node.size()};
}

/// What firmware does before it has anything: not what a boot has come to.
bool is_beginning(FlightKind kind) noexcept {
    return kind <= FlightKind::other_server || kind == FlightKind::power;
}

std::string ago_text(Duration time) {
    using namespace std::chrono;
    if (time < 2min) {
        return fmt::format("{} s", duration_cast<seconds>(time).count());
    }
    return time < 2h ? fmt::format("{} min", duration_cast<minutes>(time).count())
                     : fmt::format("{} h", duration_cast<hours>(time).count());
}

/// Nothing tells a server of a button or a fuse. What it knows is that firmware begins anew, and
/// what the machine was at: a report, or the middle of a transfer. None of the entries: empty.
std::string restart_text(std::span<const FlightEntry> entries, std::uint32_t boot, UnixTime at) {
    const FlightEntry* was_at = nullptr;
    for (const FlightEntry& entry : entries) {
        if (entry.boot != boot) {
            continue;
        }
        const bool runs = entry.end == FlightEnd::runs;
        const bool at_rest = was_at == nullptr || was_at->end != FlightEnd::runs;
        if (runs || (at_rest && (was_at == nullptr || entry.last >= was_at->last))) {
            was_at = &entry;
        }
    }
    if (was_at == nullptr) {
        return {};
    }
    return fmt::format("on again or reset, {} after {} {}{}", ago_text(at - was_at->last),
                       to_text(was_at->kind), was_at->text,
                       was_at->end == FlightEnd::runs ? ", in the middle of it" : "");
}

std::string_view arch_text(std::uint16_t arch) noexcept {
    switch (arch) { // IANA: Processor Architecture Types
    case 0:
        return "x86 BIOS";
    case 6:
        return "ia32 UEFI";
    case 7:
    case 9:
        return "x64 UEFI";
    case 10:
        return "arm32 UEFI";
    case 11:
        return "arm64 UEFI";
    case 15:
        return "ia32 UEFI HTTP";
    case 16:
        return "x64 UEFI HTTP";
    case 18:
        return "arm32 UEFI HTTP";
    case 19:
        return "arm64 UEFI HTTP";
    case 20:
        return "x86 BIOS HTTP";
    case 21:
        return "arm32 U-Boot";
    case 22:
        return "arm64 U-Boot";
    case 27:
        return "riscv64 UEFI";
    default:
        return {};
    }
}

std::string address_text(const MachineSeen& seen) {
    return seen.address6.is_unspecified() ? to_text(seen.address) : to_text(seen.address6);
}

/// `/files/debian12/pool/…`: what a thousand packages are noted under.
std::string noted_folder(std::string_view path) {
    std::size_t slash = 0;
    for (unsigned parts = 0; parts < 3; ++parts) {
        const auto next = path.find('/', slash + (parts == 0 ? 0 : 1));
        if (next == std::string_view::npos) {
            return std::string{path};
        }
        slash = next;
    }
    return std::string{path.substr(0, slash + 1)} + "…";
}

} // namespace

std::string client_text(DhcpClientKind kind, std::uint16_t arch) {
    std::string_view program = "a system";
    switch (kind) {
    case DhcpClientKind::pxe:
        program = "PXE ROM";
        break;
    case DhcpClientKind::http_boot:
        program = "HTTP boot ROM";
        break;
    case DhcpClientKind::ipxe:
        program = "iPXE";
        break;
    case DhcpClientKind::other:
        return std::string{program}; // its architecture is not told
    }
    const std::string_view name = arch_text(arch);
    return name.empty() ? fmt::format("{}, architecture {}", program, arch)
                        : fmt::format("{}, {}", program, name);
}

FlightRecorder::Ring& FlightRecorder::ring_of(std::string_view node) {
    return rings_[key(node)];
}

void FlightRecorder::load(std::vector<StoredFlight> stored) {
    std::sort(stored.begin(), stored.end(),
              [](const StoredFlight& a, const StoredFlight& b) { return a.entry.id < b.entry.id; });
    for (StoredFlight& flight : stored) {
        Ring& ring = ring_of(flight.node);
        next_id_ = std::max(next_id_, flight.entry.id + 1);
        ring.boot = std::max(ring.boot, flight.entry.boot);
        if (flight.entry.end == FlightEnd::runs) {
            flight.entry.end = FlightEnd::broken_off; // the server that sent it is gone
        }
        flight.entry.open = 0;
        ring.entries.push_back(std::move(flight.entry));
    }
    for (auto& [node, ring] : rings_) {
        trim(ring);
        ring.saved_below = next_id_;
    }
}

/// iPXE may be the card's own ROM, or what the ROM of this boot has just loaded; it asks again,
/// too, when it was told to wait.
bool FlightRecorder::begins_boot(const Ring& ring, bool ipxe, UnixTime at) noexcept {
    if (ring.boot == 0) {
        return true;
    }
    const auto latest =
        std::find_if(ring.entries.rbegin(), ring.entries.rend(), [&](const FlightEntry& e) {
            const bool before_script = e.kind == FlightKind::loader || e.kind == FlightKind::wait;
            return !is_beginning(e.kind) && !(ipxe && before_script);
        });
    const bool went_on = latest != ring.entries.rend() && latest->boot == ring.boot;
    return went_on || ring.entries.empty() || at - ring.entries.back().last > silence_between_boots;
}

void FlightRecorder::on_seen(std::string_view node, const MachineSeen& seen, UnixTime at) {
    Ring& ring = ring_of(node);
    if (!seen.other_server.is_unspecified()) {
        const std::string server = to_text(seen.other_server);
        return note(node, FlightKind::other_server, server, server, at);
    }
    if (seen.kind != DhcpClientKind::other && !seen.acknowledged &&
        begins_boot(ring, seen.kind == DhcpClientKind::ipxe, at)) {
        std::string restart = restart_text(ring.entries, ring.boot, at);
        ++ring.boot;
        trim(ring);
        if (!restart.empty()) {
            touch(node, ring, add(ring, FlightKind::power, std::move(restart), at));
        }
        if (seen.asked_for_s >= late_s) {
            touch(node, ring,
                  add(ring, FlightKind::late, fmt::format("{} s", seen.asked_for_s), at));
        }
    }
    const std::string who = client_text(seen.kind, seen.arch);
    if (seen.acknowledged) {
        return note(node, FlightKind::ack, who, fmt::format("{}: {}", who, address_text(seen)), at);
    }
    if (seen.left_alone) {
        return note(node, FlightKind::left_alone, who, who, at);
    }
    const char* const lack = seen.no_loader ? no_loader_text.data() : "";
    const bool proxy = seen.address.is_unspecified() && seen.address6.is_unspecified();
    note(node, FlightKind::offer, who,
         fmt::format("{}: {}{}", who, proxy ? "by proxy" : address_text(seen), lack), at);
}

void FlightRecorder::on_transfer(std::string_view node, FlightKind kind,
                                 const TransferSample& sample, UnixTime at) {
    using Phase = TransferSample::Phase;
    const std::string text = kind == FlightKind::file ? noted_folder(sample.path) : sample.path;
    Ring& ring = ring_of(node);
    FlightEntry* entry = nullptr;
    std::size_t looked = 0;
    for (auto it = ring.entries.rbegin();
         it != ring.entries.rend() && it->boot == ring.boot && looked < look_back; ++it, ++looked) {
        if (it->kind == kind && it->text == text) {
            entry = &*it;
            break;
        }
    }
    const bool begins = sample.phase == Phase::started || (sample.phase == Phase::completed &&
                                                           (entry == nullptr || entry->open == 0));
    if (entry == nullptr) {
        entry = &add(ring, kind, text, at);
    } else if (begins) {
        ++entry->count;
    }
    entry->bytes += sample.sent;
    entry->last = at;
    switch (sample.phase) {
    case Phase::started:
        entry->open = static_cast<std::uint16_t>(std::min<unsigned>(entry->open + 1U, 1'000));
        entry->end = FlightEnd::runs;
        break;
    case Phase::running:
        break;
    case Phase::completed:
    case Phase::aborted:
        if (entry->open > 0) {
            --entry->open;
        }
        entry->end = entry->open > 0                    ? FlightEnd::runs
                     : sample.phase == Phase::completed ? FlightEnd::done
                                                        : FlightEnd::broken_off;
        break;
    }
    touch(node, ring, *entry);
}

void FlightRecorder::note(std::string_view node, FlightKind kind, std::string_view same,
                          std::string text, UnixTime at) {
    Ring& ring = ring_of(node);
    if (!ring.entries.empty()) {
        FlightEntry& latest = ring.entries.back();
        if (latest.boot == ring.boot && latest.kind == kind && latest.text.starts_with(same)) {
            ++latest.count;
            latest.last = at;
            latest.text = std::move(text);
            return touch(node, ring, latest);
        }
    }
    touch(node, ring, add(ring, kind, std::move(text), at));
}

FlightEntry& FlightRecorder::add(Ring& ring, FlightKind kind, std::string text, UnixTime at) {
    trim(ring);
    FlightEntry& entry = ring.entries.emplace_back();
    entry.id = next_id_++;
    entry.boot = ring.boot;
    entry.kind = kind;
    entry.at = at;
    entry.last = at;
    entry.text = std::move(text);
    return entry;
}

/// Room for one more, and nothing of boots that are long past.
void FlightRecorder::trim(Ring& ring) const {
    const std::size_t room =
        std::clamp(flight_entries_max / std::max<std::size_t>(rings_.size(), 1),
                   flight_per_node_min, flight_per_node_max);
    auto& entries = ring.entries;
    auto keep = entries.begin();
    if (entries.size() >= room) {
        keep = entries.end() - static_cast<std::ptrdiff_t>(room * 3 / 4); // not one by one
    }
    while (keep != entries.end() && keep->boot + flight_boots_kept <= ring.boot) {
        ++keep;
    }
    entries.erase(entries.begin(), keep);
}

void FlightRecorder::touch(std::string_view node, Ring& ring, const FlightEntry& entry) {
    ring.saved_below = std::min(ring.saved_below, entry.id);
    if (!ring.queued) {
        ring.queued = true;
        unsaved_.emplace_back(node);
    }
}

void FlightRecorder::rename(std::string_view from, std::string_view to) {
    const auto it = rings_.find(key(from));
    if (it == rings_.end() || from == to) {
        return;
    }
    Ring ring = std::move(it->second);
    rings_.erase(it);
    ring.queued = false;
    if (!ring.entries.empty()) {
        const FlightEntry& first = ring.entries.front();
        touch(to, ring, first);
    }
    rings_.insert_or_assign(std::string{to}, std::move(ring));
}

void FlightRecorder::forget(std::string_view node) {
    rings_.erase(key(node));
}

std::span<const FlightEntry> FlightRecorder::of(std::string_view node) const noexcept {
    const auto it = rings_.find(key(node));
    return it == rings_.end() ? std::span<const FlightEntry>{} : it->second.entries;
}

std::vector<StoredFlight> FlightRecorder::take_unsaved(std::size_t max) {
    std::vector<StoredFlight> taken;
    while (!unsaved_.empty() && taken.size() < max) {
        const std::string node = std::move(unsaved_.back());
        unsaved_.pop_back();
        const auto it = rings_.find(key(node));
        if (it == rings_.end()) {
            continue; // forgotten, or renamed
        }
        Ring& ring = it->second;
        in_batch_.emplace_back(node, ring.saved_below);
        for (const FlightEntry& entry : ring.entries) {
            if (entry.id >= ring.saved_below) {
                taken.push_back({node, entry});
            }
        }
        ring.queued = false;
        ring.saved_below = next_id_;
    }
    return taken;
}

void FlightRecorder::saved(bool durable) {
    for (const auto& [node, from] : std::exchange(in_batch_, {})) {
        const auto it = durable ? rings_.end() : rings_.find(key(node));
        if (it == rings_.end()) {
            continue;
        }
        it->second.saved_below = std::min(it->second.saved_below, from);
        if (!std::exchange(it->second.queued, true)) {
            unsaved_.push_back(node);
        }
    }
}

} // namespace muster
