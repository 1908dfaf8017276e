// SPDX-License-Identifier: Apache-2.0
// A node record in memory and as the JSON text that stores keep.
#include "core/node/node_record.hh"

#include "core/node/node_alias.hh"
#include "core/site/scalar.hh"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster {
namespace {

using Json = nlohmann::json;

/// Text from machines may be anything; JSON wants UTF-8.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json write_install(const Install& install) {
    Json json{{"state", to_text(install.state)},
              {"attempt", install.attempt},
              {"tries", install.tries},
              {"token", to_text(install.token)},
              {"token_use", to_text(install.token_use)},
              {"answered", install.answered},
              {"started", install.started},
              {"percent", install.percent},
              {"since_ms", install.since.ms},
              {"deadline_ms", install.deadline.ms},
              {"message", install.message}};
    if (install.order_waits) {
        json["order_waits"] = true;
    }
    if (install.was_installed) {
        json["was_installed"] = true;
    }
    return json;
}

template <class T>
T required(const std::optional<T>& value, std::string_view what) {
    if (!value) {
        throw std::invalid_argument{fmt::format("bad {}", what)};
    }
    return *value;
}

/// An integer that T can hold; the library's own conversion takes any number and cuts it.
template <class T>
T integer_of(const Json& json) {
    if (json.is_number_unsigned() && std::in_range<T>(json.get<std::uint64_t>())) {
        return static_cast<T>(json.get<std::uint64_t>());
    }
    if (json.is_number_integer() && !json.is_number_unsigned() &&
        std::in_range<T>(json.get<std::int64_t>())) {
        return static_cast<T>(json.get<std::int64_t>());
    }
    throw std::invalid_argument{fmt::format("bad number {}", json.dump())};
}

Token token_of(const Json& json) {
    return read_token(json.get<std::string>()).value_or(Token{}); // the empty one is not readable
}

Install read_install(const Json& json) {
    Install install;
    install.state =
        required(read_install_state(json.at("state").get<std::string>()), "install state");
    install.attempt = integer_of<std::uint32_t>(json.at("attempt"));
    install.tries = integer_of<std::uint32_t>(json.at("tries"));
    install.token = token_of(json.at("token"));
    install.token_use =
        required(read_token_use(json.at("token_use").get<std::string>()), "token use");
    install.answered = json.at("answered").get<bool>();
    install.started = json.at("started").get<bool>();
    install.percent = integer_of<std::uint8_t>(json.at("percent"));
    install.since.ms = integer_of<std::int64_t>(json.at("since_ms"));
    install.deadline.ms = integer_of<std::int64_t>(json.at("deadline_ms"));
    install.message = json.at("message").get<std::string>();
    install.order_waits = json.value("order_waits", false);
    install.was_installed = json.value("was_installed", false);
    return install;
}

Json write_macs(const std::vector<MacAddress>& macs) {
    Json list = Json::array();
    for (const MacAddress& mac : macs) {
        list.push_back(to_text(mac));
    }
    return list;
}

std::vector<MacAddress> read_macs(const Json& json) {
    std::vector<MacAddress> macs;
    for (const Json& item : json) {
        macs.push_back(required(read_mac_address(item.get<std::string>()), "MAC address"));
    }
    return macs;
}

/// `[code, "0x…", always]` each, as encoded: how they were written in YAML is of no use here.
Json write_options(const DhcpOptionSet& options) {
    Json list = Json::array();
    for (const DhcpOptionSet::Entry& entry : options.entries()) {
        std::string value = "0x";
        for (const std::byte octet : entry.value) {
            value += fmt::format("{:02x}", std::to_integer<unsigned>(octet));
        }
        list.push_back(Json::array({entry.code, value, entry.always}));
    }
    return list;
}

DhcpOptionSet read_options(const Json& json) {
    DhcpOptionSet options;
    for (const Json& item : json) {
        const auto text = item.at(1).get<std::string>();
        const std::string octets = text == "0x" ? "" : required(read_hex(text), "option");
        const Bytes bytes = as_bytes(octets);
        options.set(integer_of<std::uint8_t>(item.at(0)), {bytes.begin(), bytes.end()},
                    item.at(2).get<bool>());
    }
    return options;
}

/// An identifier that is there perhaps, in the text of identifier_text().
std::string read_id(const Json& json, const char* key) {
    const auto text = json.contains(key) ? json[key].get<std::string>() : std::string{};
    return text.empty() ? text : required(read_identifier(text), key);
}

Json write_spec(const NodeSpec& spec) {
    Json json{
        {"name", spec.name},           {"macs", write_macs(spec.macs)},
        {"profile", spec.profile},     {"tags", spec.tags},
        {"variables", spec.variables}, {"circuit_id", identifier_text(spec.match.circuit_id)}};
    if (spec.match.uuid) {
        json["match_uuid"] = uuid_text(*spec.match.uuid);
    }
    if (spec.address) {
        json["reserved"] = to_text(*spec.address);
    }
    if (spec.address6) {
        json["reserved6"] = to_text(*spec.address6);
    }
    if (!spec.match.client_id.empty()) {
        json["client_id"] = identifier_text(spec.match.client_id);
    }
    if (!spec.match.remote_id.empty()) {
        json["remote_id"] = identifier_text(spec.match.remote_id);
    }
    if (!spec.options.empty()) {
        json["options"] = write_options(spec.options);
    }
    if (!spec.options6.empty()) {
        json["options6"] = write_options(spec.options6);
    }
    return json;
}

NodeSpec read_spec(const Json& json) {
    NodeSpec spec;
    spec.name = json.at("name").get<std::string>();
    spec.macs = read_macs(json.at("macs"));
    spec.profile = json.at("profile").get<std::string>();
    spec.tags = json.at("tags").get<std::vector<std::string>>();
    spec.variables = json.at("variables");
    spec.match.circuit_id = read_id(json, "circuit_id");
    spec.match.remote_id = read_id(json, "remote_id");
    spec.match.client_id = read_id(json, "client_id");
    if (json.contains("options")) {
        spec.options = read_options(json["options"]);
    }
    if (json.contains("options6")) {
        spec.options6 = read_options(json["options6"]);
    }
    if (json.contains("match_uuid")) {
        spec.match.uuid = required(read_uuid(json["match_uuid"].get<std::string>()), "UUID");
    }
    if (json.contains("reserved6")) {
        spec.address6 =
            required(read_ipv6_address(json["reserved6"].get<std::string>()), "address");
    }
    if (json.contains("reserved")) {
        spec.address = required(read_ipv4_address(json["reserved"].get<std::string>()), "address");
    }
    return spec;
}

Json write_boot(const BootTimeline& boot) {
    Json marks = Json::object();
    for (const BootMark mark : boot_marks) {
        if (boot.at(mark) != UnixTime{}) {
            marks[std::string{to_text(mark)}] = boot.at(mark).ms;
        }
    }
    Json waited = Json::object();
    for (const BootWait wait : boot_waits) {
        if (boot.waited_for(wait) != Duration{}) {
            waited[std::string{to_text(wait)}] =
                std::chrono::duration_cast<std::chrono::microseconds>(boot.waited_for(wait))
                    .count();
        }
    }
    return {{"attempt", boot.attempt},
            {"token", to_text(boot.token)},
            {"marks_ms", marks},
            {"waited_us", waited}};
}

BootTimeline read_boot(const Json& json) {
    BootTimeline boot;
    boot.attempt = integer_of<std::uint32_t>(json.at("attempt"));
    boot.token = token_of(json.at("token"));
    for (const BootMark mark : boot_marks) {
        if (const auto at = json.at("marks_ms").find(to_text(mark)); at != json["marks_ms"].end()) {
            boot.set(mark, UnixTime{integer_of<std::int64_t>(*at)});
        }
    }
    const auto waited = json.find("waited_us"); // records of earlier versions have none
    for (const BootWait wait : boot_waits) {
        if (waited == json.end() || !waited->contains(to_text(wait))) {
            continue;
        }
        constexpr auto longest =
            std::chrono::duration_cast<std::chrono::microseconds>(BootTimeline::waited_max);
        const auto us = integer_of<std::int64_t>((*waited)[std::string{to_text(wait)}]);
        boot.add(wait, std::chrono::microseconds{std::clamp<std::int64_t>(us, 0, longest.count())});
    }
    return boot;
}

NodeOrigin read_origin(std::string_view text) {
    for (const NodeOrigin origin : {NodeOrigin::site, NodeOrigin::api, NodeOrigin::discovered}) {
        if (to_text(origin) == text) {
            return origin;
        }
    }
    throw std::invalid_argument{"bad origin"};
}

} // namespace

std::string_view to_text(NodeOrigin origin) noexcept {
    switch (origin) {
    case NodeOrigin::site:
        return "site";
    case NodeOrigin::api:
        return "api";
    case NodeOrigin::discovered:
        return "discovered";
    }
    __builtin_unreachable();
}

std::vector<MacAddress> NodeRecord::macs() const {
    std::vector<MacAddress> all = spec.macs;
    for (const MacAddress& mac : learned_macs) {
        if (std::find(all.begin(), all.end(), mac) == all.end()) {
            all.push_back(mac);
        }
    }
    return all;
}

bool NodeRecord::has_mac(const MacAddress& mac) const noexcept {
    return std::find(spec.macs.begin(), spec.macs.end(), mac) != spec.macs.end() ||
           std::find(learned_macs.begin(), learned_macs.end(), mac) != learned_macs.end();
}

bool NodeRecord::lists_mac(const MacAddress& mac) const noexcept {
    return origin != NodeOrigin::discovered &&
           std::find(spec.macs.begin(), spec.macs.end(), mac) != spec.macs.end();
}

std::vector<std::string> NodeRecord::aliases() const {
    std::vector<std::string> keys;
    const NodeMatch& match = spec.match;
    if (match.uuid) {
        keys.emplace_back(NodeAlias::of_uuid(*match.uuid).key());
    }
    if (!match.client_id.empty()) {
        keys.emplace_back(NodeAlias::of_client_id(match.client_id).key());
    }
    if (match.has_port()) {
        keys.emplace_back(NodeAlias::of_port(match.circuit_id, match.remote_id).key());
    }
    return keys;
}

unsigned attempts_stuck_in_loader(const NodeRecord& node) noexcept {
    // IANA processor architectures of HTTP boot: firmware that cannot fetch a URL asks nobody.
    const bool by_http = node.arch && *node.arch >= 15 && *node.arch <= 20;
    const std::size_t of_order = std::min<std::size_t>(node.install.tries, node.boots.size());
    unsigned stuck = 0;
    for (std::size_t back = attempt_runs(node.install.state) ? 1 : 0; back < of_order; ++back) {
        const BootTimeline& boot = node.boots[node.boots.size() - 1 - back];
        const bool in_loader = by_http || boot.at(BootMark::loader) != UnixTime{};
        const bool further =
            boot.at(BootMark::kernel) != UnixTime{} || boot.at(BootMark::answers) != UnixTime{} ||
            boot.at(BootMark::started) != UnixTime{} || boot.at(BootMark::installed) != UnixTime{};
        if (!in_loader || further) {
            break;
        }
        ++stuck;
    }
    return stuck;
}

std::uint8_t stage_percent(const NodeRecord& node) noexcept {
    switch (node.install.state) {
    case InstallState::loading:
        if (node.expected_bytes == 0) {
            return 0;
        }
        return static_cast<std::uint8_t>(std::min<std::uint64_t>(
            node.loading_bytes / std::max<std::uint64_t>(node.expected_bytes / 100, 1), 100));
    case InstallState::installing:
        return node.install.percent;
    case InstallState::installed:
        return 100;
    case InstallState::failed:
        return node.install.percent; // how far it got
    case InstallState::new_node:
    case InstallState::ready:
    case InstallState::booting:
    case InstallState::ignored:
        return 0;
    }
    __builtin_unreachable();
}

std::string write_node_record(const NodeRecord& node) {
    Json json{{"spec", write_spec(node.spec)},
              {"origin", to_text(node.origin)},
              {"revision", node.revision},
              {"install", write_install(node.install)},
              {"learned_macs", write_macs(node.learned_macs)},
              {"address", to_text(node.address)},
              {"bytes_served", node.bytes_served},
              {"loading_bytes", node.loading_bytes},
              {"expected_bytes", node.expected_bytes}};
    if (node.uuid) {
        json["uuid"] = uuid_text(*node.uuid);
    }
    if (node.arch) {
        json["arch"] = *node.arch;
    }
    if (!node.circuit_id.empty()) {
        json["circuit_id"] = identifier_text(node.circuit_id);
    }
    if (!node.remote_id.empty()) {
        json["remote_id"] = identifier_text(node.remote_id);
    }
    if (!node.answers_fetched.empty()) {
        json["answers_fetched"] = node.answers_fetched;
    }
    Json& boots = json["boots"] = Json::array();
    for (const BootTimeline& boot : node.boots) {
        boots.push_back(write_boot(boot));
    }
    return dump(json);
}

Result<NodeRecord, std::string> read_node_record(std::string_view text) {
    try {
        const Json json = Json::parse(text);
        NodeRecord node;
        node.spec = read_spec(json.at("spec"));
        node.origin = read_origin(json.at("origin").get<std::string>());
        node.revision = integer_of<std::uint64_t>(json.at("revision"));
        node.install = read_install(json.at("install"));
        node.learned_macs = read_macs(json.at("learned_macs"));
        node.address =
            required(read_ipv4_address(json.at("address").get<std::string>()), "address");
        node.bytes_served = integer_of<std::uint64_t>(json.at("bytes_served"));
        node.loading_bytes = integer_of<std::uint64_t>(json.at("loading_bytes"));
        node.expected_bytes = integer_of<std::uint64_t>(json.at("expected_bytes"));
        if (json.contains("uuid")) {
            node.uuid = required(read_uuid(json["uuid"].get<std::string>()), "UUID");
        }
        if (json.contains("arch")) {
            node.arch = integer_of<std::uint16_t>(json["arch"]);
        }
        if (json.contains("answers_fetched")) {
            for (const auto& [name, count] : json["answers_fetched"].items()) {
                node.answers_fetched[name] = integer_of<unsigned>(count);
            }
        }
        node.circuit_id = read_id(json, "circuit_id");
        node.remote_id = read_id(json, "remote_id");
        for (const Json& boot : json.at("boots")) {
            node.boots.push_back(read_boot(boot));
        }
        return node;
    } catch (const std::exception& error) {
        return std::unexpected(std::string{error.what()});
    }
}

namespace {

/// Where each octet of the text stands on the wire.
constexpr std::array<std::size_t, 16> uuid_order = {3, 2, 1,  0,  5,  4,  7,  6,
                                                    8, 9, 10, 11, 12, 13, 14, 15};

} // namespace

std::string uuid_text(const Uuid& uuid) {
    std::string text;
    for (std::size_t i = 0; i < uuid_order.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text += '-';
        }
        text += fmt::format("{:02x}", uuid[uuid_order[i]]);
    }
    return text;
}

} // namespace muster
