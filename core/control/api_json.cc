// SPDX-License-Identifier: Apache-2.0
#include "core/control/api_json.hh"

#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace muster {
namespace {

using Json = nlohmann::json;

constexpr std::size_t timeline_events_max = 100;

Json time_json(UnixTime time) {
    return time == UnixTime{} ? Json{} : Json(rfc3339_text(time));
}

std::string_view text_of(LoaderChoice loader) noexcept {
    switch (loader) {
    case LoaderChoice::automatic:
    case LoaderChoice::other_way: // no profile says so
        return "auto";
    case LoaderChoice::ipxe:
        return "ipxe";
    case LoaderChoice::grub:
        return "grub";
    case LoaderChoice::pxelinux:
        return "pxelinux";
    case LoaderChoice::shim_grub:
        return "shim-grub";
    }
    __builtin_unreachable();
}

std::string_view text_of(BootAction action) noexcept {
    switch (action) {
    case BootAction::install:
        return "install";
    case BootAction::boot_local:
        return "boot-local";
    case BootAction::hold:
        return "hold";
    case BootAction::ignore:
        return "ignore";
    }
    __builtin_unreachable();
}

std::string_view text_of(LeaseRecord::State state) noexcept {
    switch (state) {
    case LeaseRecord::State::bound:
        return "bound";
    case LeaseRecord::State::released:
        return "released";
    case LeaseRecord::State::declined:
        return "declined";
    }
    __builtin_unreachable();
}

std::int64_t seconds_of(Duration duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

/// Seconds with one decimal place, as people read them.
double rounded_seconds(Duration duration) {
    return std::round(std::chrono::duration<double>(duration).count() * 10) / 10;
}

template <class Address>
Json addresses_json(const std::vector<Address>& addresses) {
    Json list = Json::array();
    for (const Address& address : addresses) {
        list.push_back(to_text(address));
    }
    return list;
}

} // namespace

std::string rfc3339_text(UnixTime time) {
    using namespace std::chrono;
    const sys_time<milliseconds> at{milliseconds{time.ms}};
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss clock{at - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

Json seconds_json(const BootTimeline& boot) {
    Json json = Json::object();
    for (const BootMark mark : boot_marks) {
        if (boot.at(mark) != UnixTime{}) {
            json[std::string{to_text(mark)}] = rounded_seconds(boot.at(mark) - boot.begin());
        }
    }
    return json;
}

Json waited_json(const BootTimeline& boot) {
    using Microseconds = std::chrono::microseconds;
    Json json = Json::object();
    for (const BootWait wait : boot_waits) {
        const auto us = std::chrono::duration_cast<Microseconds>(boot.waited_for(wait)).count();
        json[std::string{to_text(wait)}] = static_cast<double>(us) / 1'000;
    }
    return json;
}

Json node_json(const NodeRecord& node, const Installs& installs, const Ledger& ledger) {
    const auto macs = node.macs();
    Json all_macs = Json::array();
    for (const MacAddress& mac : macs) {
        all_macs.push_back(to_text(mac));
    }
    Ipv4Address address = ledger.address_of(node);
    if (address.is_unspecified()) {
        address = node.spec.address.value_or(Ipv4Address{});
    }
    Ipv6Address address6 = ledger.address6_of(node);
    if (address6.is_unspecified()) {
        address6 = node.spec.address6.value_or(Ipv6Address{});
    }
    Json json{
        {"name", node.name()},
        {"mac", macs.empty() ? "" : to_text(macs.front())},
        {"macs", std::move(all_macs)},
        {"address", address.is_unspecified() ? "" : to_text(address)},
        {"address6", address6.is_unspecified() ? "" : to_text(address6)},
        {"profile", installs.profile_name_of(node)},
        {"state", to_text(node.install.state)},
        {"attempt", node.install.attempt},
        {"since", time_json(node.install.since)},
        {"since_ms", node.install.since.ms},
        {"deadline", node.install.order_waits ? Json{} : time_json(node.install.deadline)},
        {"install_at", node.install.order_waits ? time_json(node.install.deadline) : Json{}},
        {"stage_percent", stage_percent(node)},
        {"bytes_served", node.bytes_served},
        {"expected_bytes", node.expected_bytes},
        {"message", node.install.message},
        {"tags", node.spec.tags},
        {"variables", node.spec.variables},
        {"origin", to_text(node.origin)},
        {"reserved", node.spec.address ? Json(to_text(*node.spec.address)) : Json{}},
        {"reserved6", node.spec.address6 ? Json(to_text(*node.spec.address6)) : Json{}},
        {"uuid", node.uuid ? Json(uuid_text(*node.uuid)) : Json{}},
        {"arch", node.arch ? Json(*node.arch) : Json{}},
        {"circuit_id", node.circuit_id.empty() ? "" : identifier_text(node.circuit_id)},
        {"remote_id", node.remote_id.empty() ? "" : identifier_text(node.remote_id)},
        {"timeline",
         node.latest_boot() != nullptr ? seconds_json(*node.latest_boot()) : Json::object()},
    };
    return json;
}

Json node_brief_json(const NodeRecord& node, const Installs& installs, const Ledger& ledger) {
    Ipv4Address address = ledger.address_of(node);
    if (address.is_unspecified()) {
        address = node.spec.address.value_or(Ipv4Address{});
    }
    const auto& macs = node.spec.macs.empty() ? node.learned_macs : node.spec.macs;
    return {{"name", node.name()},
            {"revision", node.revision},
            {"mac", macs.empty() ? "" : to_text(macs.front())},
            {"address", address.is_unspecified() ? "" : to_text(address)},
            {"profile", installs.profile_name_of(node)},
            {"state", to_text(node.install.state)},
            {"attempt", node.install.attempt},
            {"since_ms", node.install.since.ms},
            {"stage_percent", stage_percent(node)},
            {"bytes_served", node.bytes_served},
            {"expected_bytes", node.expected_bytes},
            {"message", node.install.message},
            {"tags", node.spec.tags}};
}

Json timeline_json(const NodeRecord& node, const Ledger& ledger) {
    Json attempts = Json::array();
    for (const BootTimeline& boot : node.boots) {
        Json marks = Json::object();
        for (const BootMark mark : boot_marks) {
            if (boot.at(mark) != UnixTime{}) {
                marks[std::string{to_text(mark)}] = boot.at(mark).ms;
            }
        }
        attempts.push_back({{"attempt", boot.attempt},
                            {"began", time_json(boot.begin())},
                            {"marks", std::move(marks)},
                            {"seconds", seconds_json(boot)},
                            {"waited_ms_by_cause", waited_json(boot)}});
    }
    Json events = Json::array();
    const auto& all = ledger.events();
    for (auto it = all.rbegin(); it != all.rend() && events.size() < timeline_events_max; ++it) {
        if (it->node == node.name()) {
            events.push_back(event_json(*it));
        }
    }
    std::reverse(events.begin(), events.end());
    return {
        {"name", node.name()}, {"attempts", std::move(attempts)}, {"events", std::move(events)}};
}

Json event_json(const Event& event) {
    return {{"id", event.id},
            {"time", event.at.ms},
            {"event", to_text(event.kind)},
            {"node", event.node},
            {"message", event.message}};
}

template <class Record>
Json lease_of(const Record& lease, const Ledger& ledger) {
    const NodeRecord* const node = ledger.nodes().find(lease.mac);
    const std::string_view hostname{lease.hostname.data(), lease.hostname.size()};
    return {{"address", to_text(lease.address)},
            {"mac", to_text(lease.mac)},
            {"state", text_of(lease.state)},
            {"expires", lease.expires.ms},
            {"hostname", hostname.substr(0, hostname.find('\0'))},
            {"node", node == nullptr ? "" : node->name()}};
}

Json lease_json(const LeaseRecord& lease, const Ledger& ledger) {
    return lease_of(lease, ledger);
}

Json lease_json(const Lease6Record& lease, const Ledger& ledger) {
    Json json = lease_of(lease, ledger);
    std::string duid;
    for (const std::byte octet : lease.duid.bytes()) {
        duid += fmt::format("{:02x}", std::to_integer<unsigned>(octet));
    }
    json["duid"] = duid;
    json["iaid"] = lease.iaid;
    return json;
}

Json profile_json(const Profile& profile, const ContentIndex& content) {
    Json missing = Json::array();
    const auto look = [&](const std::string& path) {
        if (path.find("://") == std::string::npos && !content.size(path)) {
            missing.push_back(path);
        }
    };
    look(profile.kernel);
    std::for_each(profile.initrd.begin(), profile.initrd.end(), look);
    return {{"name", profile.name},
            {"kernel", profile.kernel},
            {"initrd", profile.initrd},
            {"cmdline", profile.cmdline},
            {"answers", profile.answers},
            {"loader", text_of(profile.loader)},
            {"variables", profile.variables},
            {"deadlines",
             {{"booting", seconds_of(profile.deadlines.booting)},
              {"installing", seconds_of(profile.deadlines.installing)}}},
            {"retries", profile.retries},
            {"missing", std::move(missing)}};
}

Json site_json(const Site& site) {
    Json subnets = Json::array();
    for (const SubnetPlan& plan : site.subnets) {
        Json pools = Json::array();
        for (const PoolPlan& pool : plan.pools) {
            pools.push_back(to_text(pool.range.first) + "-" + to_text(pool.range.last));
        }
        subnets.push_back({{"subnet", to_text(plan.subnet)},
                           {"pools", std::move(pools)},
                           {"router", plan.router ? Json(to_text(*plan.router)) : Json{}},
                           {"dns", addresses_json(plan.dns)},
                           {"domain", plan.domain},
                           {"lease", seconds_of(plan.lease)}});
    }
    for (const Subnet6Plan& plan : site.subnets6) {
        Json pools = Json::array();
        for (const Subnet6Plan::Pool& pool : plan.pools) {
            pools.push_back(to_text(pool.range.first) + "-" + to_text(pool.range.last));
        }
        subnets.push_back({{"subnet", to_text(plan.subnet)},
                           {"pools", std::move(pools)},
                           {"router", Json{}},
                           {"dns", addresses_json(plan.dns)},
                           {"domain", plan.domain},
                           {"lease", seconds_of(plan.lease)}});
    }
    Json profiles = Json::array();
    for (const auto& [name, profile] : site.profiles) {
        profiles.push_back(name);
    }
    return {{"folder", site.folder},
            {"server_address", site.server_address ? Json(to_text(*site.server_address)) : Json{}},
            {"subnets", std::move(subnets)},
            {"profiles", std::move(profiles)},
            {"nodes", site.nodes.size()},
            {"unknown_nodes",
             {{"action", text_of(site.unknown.action)}, {"profile", site.unknown.profile}}}};
}

std::string json_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace muster
