// SPDX-License-Identifier: Apache-2.0
// The key `boot` of site.yaml: who may load when there are more machines than slots.
#include "core/site/loader.hh"
#include "core/site/loader_parts.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace muster {
namespace {

constexpr int priority_most = 1000;

bool is_tag(const YamlValue::Entry& entry) {
    if (is_plain_name(entry.name)) {
        return true;
    }
    entry.key.problem(
        fmt::format("'{}' is no tag (letters, digits, '.', '_' and '-')", entry.name));
    return false;
}

std::optional<int> read_priority(const YamlValue& value) {
    const auto text = value.text("priority");
    if (!text) {
        return std::nullopt;
    }
    int number = 0;
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc{} || stop != end || number < -priority_most || number > priority_most) {
        value.problem(fmt::format("priority '{}' is no number from -{} to {}", *text, priority_most,
                                  priority_most));
        return std::nullopt;
    }
    return number;
}

void read_relay_slots(const YamlValue& value, SiteDraft& draft) {
    for (const YamlValue::Entry& entry : value.entries("relays")) {
        const auto relay = read_ipv4_address(entry.name);
        if (!relay) {
            entry.key.problem(fmt::format("relay '{}' is no IPv4 address", entry.name));
            continue;
        }
        const auto& subnets = draft.site.subnets;
        const bool known = std::any_of(subnets.begin(), subnets.end(), [&](const SubnetPlan& plan) {
            return plan.subnet.contains(*relay) ||
                   std::find(plan.relays.begin(), plan.relays.end(), *relay) != plan.relays.end();
        });
        if (!known && draft.subnets_known) {
            entry.key.problem(fmt::format("relay {} is of no subnet", entry.name));
        }
        if (const auto slots = read_boot_slots(entry.value)) {
            draft.site.boot.relay_slots[*relay] = *slots;
        }
    }
}

void read_switch_slots(const YamlValue& value, SiteDraft& draft) {
    for (const YamlValue::Entry& entry : value.entries("switches")) {
        const auto remote_id = read_identifier(entry.name);
        if (!remote_id) {
            entry.key.problem(fmt::format(
                "switch '{}' is neither a text nor a hexadecimal value such as 0x0004000a",
                entry.name));
        } else if (const auto slots = read_boot_slots(entry.value)) {
            draft.site.boot.switch_slots[*remote_id] = *slots;
        }
    }
}

} // namespace

std::optional<unsigned> read_boot_slots(const YamlValue& value) {
    const auto slots = value.number("boot-slots", boot_slots_max);
    if (slots && *slots == 0) {
        value.problem("0 slots: no machine would ever load");
        return std::nullopt;
    }
    return slots;
}

void read_boot_order_yaml(const YamlValue& value, SiteDraft& draft) {
    const YamlMap map{value, "boot", {"priorities", "slots"}};
    if (const auto* priorities = map.find("priorities")) {
        for (const YamlValue::Entry& entry : priorities->entries("priorities")) {
            const auto priority = read_priority(entry.value);
            if (is_tag(entry) && priority) {
                draft.site.boot.priorities[entry.name] = *priority;
            }
        }
    }
    const auto* slots = map.find("slots");
    if (slots == nullptr) {
        return;
    }
    const YamlMap slots_map{*slots, "slots", {"tags", "relays", "switches"}};
    if (const auto* tags = slots_map.find("tags")) {
        for (const YamlValue::Entry& entry : tags->entries("tags")) {
            const auto number = read_boot_slots(entry.value);
            if (is_tag(entry) && number) {
                draft.site.boot.tag_slots[entry.name] = *number;
            }
        }
    }
    if (const auto* relays = slots_map.find("relays")) {
        read_relay_slots(*relays, draft);
    }
    if (const auto* switches = slots_map.find("switches")) {
        read_switch_slots(*switches, draft);
    }
}

} // namespace muster
