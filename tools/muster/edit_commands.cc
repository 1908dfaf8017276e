// SPDX-License-Identifier: Apache-2.0
// muster add, muster remove -- machines that come and go by hand.
#include "tools/muster/command.hh"
#include "tools/muster/node.hh"
#include "tools/muster/text.hh"
#include "tools/muster/values.hh"

#include <fmt/format.h>

namespace muster::cli {
namespace {

void add_node_options(po::options_description& options) {
    options.add_options()(
        "mac", po::value<std::vector<std::string>>()->value_name("MAC"),
        "Ethernet address, as 52:54:00:00:01:01. Required; may be given several times.")(
        "profile", po::value<std::string>()->value_name("PROFILE"),
        "What to install. Required.")("address", po::value<std::string>()->value_name("ADDRESS"),
                                      "IPv4 address reserved for it. Default: one of the pool.")(
        "tag", po::value<std::vector<std::string>>()->value_name("TAG"),
        "A tag to find it by; may be given several times.")(
        "variable", po::value<std::vector<std::string>>()->value_name("NAME=VALUE"),
        "A variable of its templates, text; may be given several times.");
}

Json node_of(const Session& session) {
    Json node = Json::object();
    Json macs = Json::array();
    for (const std::string& mac : session.values("mac")) {
        macs.push_back(read_mac(mac));
    }
    if (macs.empty()) {
        throw UsageError{"add: --mac MAC is missing"};
    }
    const auto profile = session.value("profile");
    if (!profile) {
        throw UsageError{"add: --profile PROFILE is missing"};
    }
    node["mac"] = std::move(macs);
    node["profile"] = *profile;
    if (const auto address = session.value("address")) {
        node["address"] = read_ipv4(*address);
    }
    node["tags"] = session.values("tag");
    node["variables"] = Json::object();
    for (const std::string& variable : session.values("variable")) {
        const auto [name, value] = read_variable(variable);
        node["variables"][name] = value;
    }
    return node;
}

const std::string& name_of(const Session& session) {
    const std::string& name = session.arguments().front();
    if (name.empty()) {
        throw UsageError{"the name of a node cannot be empty"};
    }
    return name;
}

Exit run_add(Session& session) {
    const std::string& name = name_of(session);
    const Json node = node_of(session);
    const Node known = read_node(require(session.api().put(api_path({"nodes", name}), node)));
    const std::string profile = printable(node["profile"].get<std::string>());
    // A machine that was known keeps its state: what was installed is not armed again by this.
    print(known.state == "ready" ? fmt::format("{}: ready; its next network boot installs {}\n",
                                               printable(name), profile)
                                 : fmt::format("{}: {}, profile {}\n", printable(name),
                                               printable(known.state), profile));
    return Exit::success;
}

Exit run_remove(Session& session) {
    const std::string& name = name_of(session);
    require(session.api().remove(api_path({"nodes", name})));
    print(fmt::format("{}: removed\n", printable(name)));
    return Exit::success;
}

} // namespace

const Command add_command{
    .name = "add",
    .arguments = "NAME --mac MAC... --profile PROFILE [--address ADDRESS]\n"
                 "                  [--tag TAG]... [--variable NAME=VALUE]...",
    .summary = "Add a machine, or change one that was added.",
    .details =
        "Tells muster of a machine: its next network boot installs the profile. A machine of "
        "that name is changed to what is given here, and keeps its state. Machines added this way "
        "are kept by "
        "musterd, beside those of the site's nodes.yaml.",
    .examples = "  muster add r1n01 --mac 52:54:00:00:01:01 --profile debian12 \\\n"
                "      --address 10.0.0.21 --tag rack1 --variable disk=/dev/vda",
    .argument = "NAME",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = add_node_options,
    .run = run_add,
};

const Command remove_command{
    .name = "remove",
    .arguments = "NODE",
    .summary = "Forget a machine.",
    .details =
        "Forgets a machine, its state and its timeline. What is on its disk stays. When it boots "
        "from the network again it is treated as the site's unknown-nodes says.",
    .examples = "  muster remove r1n01",
    .argument = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = nullptr,
    .run = run_remove,
};

} // namespace muster::cli
