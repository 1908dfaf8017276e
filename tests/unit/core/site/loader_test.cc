// SPDX-License-Identifier: Apache-2.0
#include "core/site/loader.hh"

#include "tests/unit/core/site/memory_site_files.hh"

#include <gtest/gtest.h>

#include <initializer_list>

namespace muster {
namespace {

using Files = std::map<std::string, std::string>;
using Lines = std::vector<std::string>;

/// A small site without problems; tests replace files of it.
Files good() {
    return {
        {"site.yaml", "subnets:\n"
                      "  - subnet: 10.0.0.0/16\n"
                      "    pools: [10.0.1.0-10.0.1.255]\n"},
        {"profiles/deb.yaml", "kernel: deb/linux\ncmdline: \"quiet\"\n"},
        {"nodes.yaml", "- {name: n1, mac: 52:54:00:00:00:01, profile: deb, address: 10.0.0.1}\n"}};
}

Files with(const std::string& file, const std::string& text) {
    Files files = good();
    files[file] = text;
    return files;
}

Lines problems(const Files& files) {
    const auto site = load_site(MemorySiteFiles{files}, "/etc/muster");
    Lines lines;
    if (!site) {
        for (const SiteProblem& problem : site.error()) {
            lines.push_back(to_text(problem));
        }
    }
    return lines;
}

Site loaded(const Files& files) {
    auto site = load_site(MemorySiteFiles{files}, "/etc/muster");
    EXPECT_TRUE(site.has_value()) << (site ? "" : to_text(site.error().front()));
    return site ? std::move(*site) : Site{};
}

Files example() {
    return {{"site.yaml",
             "server:\n"
             "  address: 10.0.0.1            # what clients are told; default: the interface's\n"
             "subnets:\n"
             "  - subnet: 10.0.0.0/16\n"
             "    pools: [10.0.1.0-10.0.255.250]\n"
             "    router: 10.0.0.254\n"
             "    dns: [10.0.0.53]\n"
             "    domain: rack.example\n"
             "    lease: 1h\n"
             "    # relay: {giaddr: 10.0.0.254}\n"
             "unknown-nodes: {profile: debian12}     # or: ignore | boot-local | {hold: true}\n"
             "loaders: {}\n"
             "defaults: {variables: {timezone: Etc/UTC}}\n"},
            {"nodes.yaml", "- name: r1n01\n"
                           "  mac: [52:54:00:00:01:01]\n"
                           "  profile: debian12\n"
                           "  address: 10.0.0.21           # reservation, optional\n"
                           "  tags: [rack1, compute]\n"
                           "  variables: {disk: /dev/vda}\n"},
            {"profiles/debian12.yaml",
             "kernel: debian12/linux         # below files/, or http URL\n"
             "initrd: [debian12/initrd.gz]\n"
             "cmdline: \"auto=true priority=critical url={{answers_url}}/preseed.cfg\"\n"
             "answers: {preseed.cfg: debian-preseed.mustache}\n"
             "loader: auto                   # auto | ipxe | grub | pxelinux | shim-grub\n"
             "variables: {suite: bookworm}\n"
             "deadlines: {booting: 5m, installing: 45m}\n"
             "retries: 3\n"},
            {"templates/debian-preseed.mustache", "{{suite}} {{timezone}}\n"}};
}

TEST(SiteLoader, ReadsTheExampleOfTheInterfacesExactly) {
    const Site site = loaded(example());
    EXPECT_EQ(site.folder, "/etc/muster");
    EXPECT_EQ(site.server_address, (Ipv4Address{{10, 0, 0, 1}}));
    ASSERT_EQ(site.subnets.size(), 1U);
    const SubnetPlan& subnet = site.subnets[0];
    EXPECT_EQ(to_text(subnet.subnet), "10.0.0.0/16");
    ASSERT_EQ(subnet.pools.size(), 1U);
    EXPECT_EQ(to_text(subnet.pools[0].range.first), "10.0.1.0");
    EXPECT_EQ(to_text(subnet.pools[0].range.last), "10.0.255.250");
    EXPECT_EQ(subnet.router, (Ipv4Address{{10, 0, 0, 254}}));
    EXPECT_EQ(subnet.dns, (std::vector<Ipv4Address>{{{10, 0, 0, 53}}}));
    EXPECT_EQ(subnet.domain, "rack.example");
    EXPECT_EQ(subnet.lease, Duration{std::chrono::hours{1}});
    EXPECT_TRUE(subnet.relays.empty());
    EXPECT_EQ(site.unknown.action, BootAction::install);
    EXPECT_EQ(site.unknown.profile, "debian12");
    EXPECT_TRUE(site.loaders.empty());
    EXPECT_EQ(site.default_variables, (Variables{{"timezone", "Etc/UTC"}}));

    ASSERT_EQ(site.nodes.size(), 1U);
    const NodeSpec& node = site.nodes[0];
    EXPECT_EQ(node.name, "r1n01");
    EXPECT_EQ(node.macs, (std::vector<MacAddress>{{{0x52, 0x54, 0, 0, 1, 1}}}));
    EXPECT_FALSE(node.match.uuid.has_value());
    EXPECT_EQ(node.match.circuit_id, "");
    EXPECT_EQ(node.profile, "debian12");
    EXPECT_EQ(node.address, (Ipv4Address{{10, 0, 0, 21}}));
    EXPECT_EQ(node.tags, (std::vector<std::string>{"rack1", "compute"}));
    EXPECT_EQ(node.variables, (Variables{{"disk", "/dev/vda"}}));

    ASSERT_EQ(site.profiles.size(), 1U);
    const Profile& profile = site.profiles.at("debian12");
    EXPECT_EQ(profile.name, "debian12");
    EXPECT_EQ(profile.kernel, "debian12/linux");
    EXPECT_EQ(profile.initrd, (std::vector<std::string>{"debian12/initrd.gz"}));
    EXPECT_EQ(profile.cmdline, "auto=true priority=critical url={{answers_url}}/preseed.cfg");
    EXPECT_EQ(profile.answers,
              (std::map<std::string, std::string>{{"preseed.cfg", "debian-preseed.mustache"}}));
    EXPECT_EQ(profile.loader, LoaderChoice::automatic);
    EXPECT_EQ(profile.variables, (Variables{{"suite", "bookworm"}}));
    EXPECT_EQ(profile.deadlines.booting, Duration{std::chrono::minutes{5}});
    EXPECT_EQ(profile.deadlines.installing, Duration{std::chrono::minutes{45}});
    EXPECT_EQ(profile.retries, 3U);
    EXPECT_EQ(site.templates.at("debian-preseed.mustache"), "{{suite}} {{timezone}}\n");
}

TEST(SiteLoader, AnEmptySiteIsFine) {
    const Site site = loaded({{"site.yaml", ""}});
    EXPECT_TRUE(site.subnets.empty());
    EXPECT_TRUE(site.nodes.empty());
    EXPECT_EQ(site.unknown.action, BootAction::ignore);
    EXPECT_TRUE(problems({{"site.yaml", "# nothing yet\n"}, {"nodes.yaml", "\n"}}).empty());
}

TEST(SiteLoader, ReadsWhatUnknownNodesGet) {
    const auto unknown = [](const std::string& value) {
        return loaded(with("site.yaml",
                           "unknown-nodes: " + value + "\nsubnets: [{subnet: 10.0.0.0/8}]"))
            .unknown;
    };
    EXPECT_EQ(unknown("ignore").action, BootAction::ignore);
    EXPECT_EQ(unknown("boot-local").action, BootAction::boot_local);
    EXPECT_EQ(unknown("{hold: true}").action, BootAction::hold);
    EXPECT_EQ(unknown("{hold: false}").action, BootAction::ignore);
    EXPECT_EQ(unknown("{profile: deb}").action, BootAction::install);
    EXPECT_EQ(unknown("{profile: deb}").profile, "deb");
}

TEST(SiteLoader, ReadsTheLessCommonKeys) {
    const Site site = loaded(
        {{"site.yaml", "subnets:\n"
                       "  - {subnet: 10.0.0.0/24, pools: 10.0.0.7, dns: 10.0.0.2, lease: 1d,\n"
                       "     relay: {giaddr: 10.0.0.1}}\n"
                       "loaders: {ipxe.efi: /srv/ipxe.efi}\n"},
         {"profiles/a.yaml",
          "kernel: http://mirror.example/linux\n"
          "initrd: [a/initrd, \"http://mirror.example:8000/b?x=y\"]\n"
          "loader: shim-grub\nretries: 0\nanswers-fetches: 7\ndeadlines: {booting: 90s}\n"
          "cmdline: >\n  quiet\n  splash\n"},
         {"nodes.yaml", "- name: a\n  match: {uuid: 79000000-0000-4000-8000-000000000001}\n"
                        "  profile: a\n"},
         {"nodes/rack2.yaml", "- name: b\n  match: {circuit-id: \"rack1/port17\"}\n  profile: a\n"},
         {"nodes/deep/rack3.yaml", "- {name: c.example, mac: 525400000003, profile: a}\n"}});
    EXPECT_EQ(site.subnets.at(0).pools.at(0).range.count(), 1U);
    EXPECT_EQ(site.subnets.at(0).lease, Duration{std::chrono::hours{24}});
    EXPECT_EQ(site.subnets.at(0).relays, (std::vector<Ipv4Address>{{{10, 0, 0, 1}}}));
    EXPECT_EQ(site.loaders.at("ipxe.efi"), "/srv/ipxe.efi");
    const Profile& profile = site.profiles.at("a");
    EXPECT_EQ(profile.loader, LoaderChoice::shim_grub);
    EXPECT_EQ(profile.retries, 0U);
    EXPECT_EQ(profile.answers_fetches, 7U);
    EXPECT_EQ(profile.deadlines.booting, Duration{std::chrono::seconds{90}});
    EXPECT_EQ(profile.deadlines.installing, Duration{std::chrono::minutes{45}}) << "the default";
    EXPECT_EQ(profile.cmdline, "quiet splash\n");
    EXPECT_EQ(profile.initrd.at(1), "http://mirror.example:8000/b?x=y");
    ASSERT_EQ(site.nodes.size(), 3U);
    EXPECT_EQ(site.nodes[0].match.uuid, (std::array<std::uint8_t, 16>{0, 0, 0, 0x79, 0, 0, 0, 0x40,
                                                                      0x80, 0, 0, 0, 0, 0, 0, 1}));
    EXPECT_EQ(site.nodes[1].name, "c.example") << "nodes/ is read in the order of names";
    EXPECT_EQ(site.nodes[2].match.circuit_id, "rack1/port17");
}

TEST(SiteLoader, VariablesKeepTheTextThatStandsInTheFile) {
    const Site site = loaded(
        with("site.yaml",
             "subnets: [{subnet: 10.0.0.0/8}]\n"
             "defaults:\n  variables:\n    version: 12.10\n    mode: 0644\n    port: 8080\n"
             "    minus: -3\n    on: true\n    word: yes\n    quoted: \"true\"\n    none: ~\n"
             "    list: [a, {b: 1}]\n    block: |\n      5\n    big: 99999999999999999999\n"));
    EXPECT_EQ(site.default_variables, (Variables{{"version", "12.10"},
                                                 {"mode", "0644"},
                                                 {"port", 8080},
                                                 {"minus", -3},
                                                 {"on", true},
                                                 {"word", "yes"},
                                                 {"quoted", "true"},
                                                 {"none", nullptr},
                                                 {"list", {"a", {{"b", 1}}}},
                                                 {"block", "5\n"},
                                                 {"big", "99999999999999999999"}}));
}

TEST(SiteLoader, HiddenAndBackupFilesAreNoneOfTheSites) {
    Files files = good();
    files["profiles/.deb.yaml.swp"] = "rubbish: [";
    files["profiles/deb.yaml~"] = "rubbish: [";
    files["profiles/README"] = "rubbish: [";
    files["templates/.git/config"] = "{{#rubbish}}";
    files["nodes/old.yaml~"] = "rubbish";
    EXPECT_EQ(problems(files), Lines{});
    EXPECT_TRUE(loaded(files).templates.empty());
}

struct Case {
    const char* file;
    const char* text;
    Lines expected;
};

void expect(std::initializer_list<Case> cases) {
    for (const Case& one : cases) {
        EXPECT_EQ(problems(with(one.file, one.text)), one.expected) << one.text;
    }
}

const std::string subnet = "subnets: [{subnet: 10.0.0.0/16}]\n";

// -- files

TEST(SiteProblems, AMissingSiteIsToldAlone) {
    EXPECT_EQ(problems({}), (Lines{"site.yaml:1:1: cannot be read: No such file or directory"}));
    EXPECT_EQ(problems({{"nodes.yaml", "rubbish"}}),
              (Lines{"site.yaml:1:1: cannot be read: No such file or directory"}));
}

TEST(SiteProblems, FilesAndFoldersThatCannotBeRead) {
    Files all = good();
    all["templates/t"] = "x";
    all["nodes/a.yaml"] = "";
    MemorySiteFiles files{all};
    for (const char* path :
         {"site.yaml", "nodes.yaml", "profiles/deb.yaml", "templates", "nodes"}) {
        files.forbid(path);
    }
    const auto site = load_site(files, "/etc/muster");
    ASSERT_FALSE(site.has_value());
    Lines lines;
    for (const SiteProblem& problem : site.error()) {
        lines.push_back(to_text(problem, "/etc/muster"));
    }
    EXPECT_EQ(lines, (Lines{"/etc/muster/nodes:1:1: cannot be read: Permission denied",
                            "/etc/muster/nodes.yaml:1:1: cannot be read: Permission denied",
                            "/etc/muster/profiles/deb.yaml:1:1: cannot be read: Permission denied",
                            "/etc/muster/site.yaml:1:1: cannot be read: Permission denied",
                            "/etc/muster/templates:1:1: cannot be read: Permission denied"}));
}

TEST(SiteProblems, FileNames) {
    expect({
        {"profiles/x.yml", "", {"profiles/x.yml:1:1: is not read: its name must end with .yaml"}},
        {"nodes/x.yml", "", {"nodes/x.yml:1:1: is not read: its name must end with .yaml"}},
        {"profiles/a b.yaml",
         "",
         {"profiles/a b.yaml:1:1: 'a b' is no name of a profile (letters, digits, '.', '_' and "
          "'-'; profiles lie directly in profiles/)"}},
        {"profiles/a/b.yaml",
         "",
         {"profiles/a/b.yaml:1:1: 'a/b' is no name of a profile (letters, digits, '.', '_' and "
          "'-'; profiles lie directly in profiles/)"}},
        {"profiles/x.yaml", "", {"profiles/x.yaml:1:1: the profile is empty"}},
    });
}

// -- YAML

TEST(SiteProblems, Yaml) {
    expect({
        {"nodes.yaml",
         "- name: [a\n",
         {"nodes.yaml:2:1: not valid YAML: end of sequence flow not found"}},
        {"nodes.yaml",
         "- {a: 'b}\n",
         {"nodes.yaml:2:1: not valid YAML: end of map flow not found"}},
        {"nodes.yaml",
         "- *x\n",
         {"nodes.yaml:1:3: not valid YAML: the referenced anchor is not "
          "defined"}},
        {"nodes.yaml",
         "- {name: a, profile: deb, mac: 52:54:00:00:00:01}\n---\n- x\n",
         {"nodes.yaml:3:1: a second YAML document; only one is read"}},
        {"nodes.yaml", "name: x\n", {"nodes.yaml:1:1: the file is a mapping, a list is expected"}},
        {"nodes.yaml", "- x\n", {"nodes.yaml:1:3: node is a scalar, a mapping is expected"}},
        {"site.yaml", "- x\n", {"site.yaml:1:1: site.yaml is a list, a mapping is expected"}},
        {"profiles/deb.yaml",
         "text\n",
         {"profiles/deb.yaml:1:1: profile is a scalar, a mapping is expected"}},
    });
}

TEST(SiteProblems, KeysThatAreUnknownTwiceOrNoText) {
    expect({
        {"profiles/deb.yaml",
         "kernel: k\ncmd_line: x\n",
         {"profiles/deb.yaml:2:1: unknown key 'cmd_line' in profile; did you mean 'cmdline'?"}},
        {"profiles/deb.yaml",
         "kernel: k\nfoo: x\n",
         {"profiles/deb.yaml:2:1: unknown key 'foo' in profile; known are: answers, "
          "answers-fetches, boot-slots, cmdline, deadlines, initrd, kernel, loader, options, "
          "options6, "
          "retries, variables"}},
        {"profiles/deb.yaml",
         "kernel: k\nanswers-fetches: 0\n",
         {"profiles/deb.yaml:2:18: answers-fetches 0 lets no installer have its answers"}},
        {"profiles/deb.yaml",
         "kernel: k\nretries: 1\nkernel: j\n",
         {"profiles/deb.yaml:3:1: key 'kernel' is there twice, first at "
          "profiles/deb.yaml:1:1"}},
        {"profiles/deb.yaml",
         "kernel: k\n[a]: x\n",
         {"profiles/deb.yaml:2:1: a key of profile is a list, a text is expected"}},
        {"profiles/deb.yaml",
         "kernel: k\nvariables: {a: {b: 1, b: 2}}\n",
         {"profiles/deb.yaml:2:23: key 'b' is there twice, first at profiles/deb.yaml:2:17"}},
        {"site.yaml",
         "sever: {}\nsubnets:\n- {subnet: 10.0.0.0/8, pool: x, relay: {addr: 1}}\n",
         {"site.yaml:1:1: unknown key 'sever' in site.yaml; did you mean 'server'?",
          "site.yaml:3:24: unknown key 'pool' in subnet; did you mean 'pools'?",
          "site.yaml:3:40: relay has no key 'giaddr'",
          "site.yaml:3:41: unknown key 'addr' in relay; known are: giaddr"}},
    });
}

TEST(SiteProblems, WrongTypes) {
    expect({
        {"profiles/deb.yaml",
         "kernel: [a]\ninitrd: {a: b}\ncmdline: [x]\nanswers: x\nloader: [x]\nvariables: x\n"
         "deadlines: x\nretries: [1]\n",
         {"profiles/deb.yaml:1:9: kernel is a list, a text is expected",
          "profiles/deb.yaml:2:9: initrd is a mapping, a list is expected",
          "profiles/deb.yaml:3:10: cmdline is a list, a text is expected",
          "profiles/deb.yaml:4:10: answers is a scalar, a mapping is expected",
          "profiles/deb.yaml:5:9: loader is a list, a text is expected",
          "profiles/deb.yaml:6:12: variables is a scalar, a mapping is expected",
          "profiles/deb.yaml:7:12: deadlines is a scalar, a mapping is expected",
          "profiles/deb.yaml:8:10: retries is a list, a text is expected"}},
        {"nodes.yaml",
         "- {name: [a], mac: {b: c}, match: x, profile: [p], address: [[]], tags: {t: u}}\n",
         {"nodes.yaml:1:10: name is a list, a text is expected",
          "nodes.yaml:1:20: mac is a mapping, a list is expected",
          "nodes.yaml:1:35: match is a scalar, a mapping is expected",
          "nodes.yaml:1:47: profile is a list, a text is expected",
          "nodes.yaml:1:62: address is a list, a text is expected",
          "nodes.yaml:1:73: tags is a mapping, a list is expected"}},
        {"nodes.yaml",
         "- {name: \"a\\0b\", mac: 52:54:00:00:00:01, profile: deb}\n",
         {"nodes.yaml:1:10: name holds a NUL"}},
    });
}

// A broken site.yaml would else make every reservation and every template a problem too.
TEST(SiteProblems, MistakesAreNotToldAgainByWhatFollowsFromThem) {
    Files files = good();
    files["profiles/deb.yaml"] = "kernel: k\ncmdline: '{{a}}'\n";
    files["nodes.yaml"] = "- {name: n1, mac: 52:54:00:00:00:01, profile: deb, address: 10.0.0.1}\n";
    files["site.yaml"] = "defaults: {variables: {a: 1}}\nsubnets: [\n";
    EXPECT_EQ(problems(files),
              (Lines{"site.yaml:3:1: not valid YAML: end of sequence flow not found"}));
    files["site.yaml"] = "defaults: {variables: {a: 1}}\nsubnets: [{subnet: 10.0.0.0}]\n";
    EXPECT_EQ(problems(files),
              (Lines{"site.yaml:2:20: '10.0.0.0' is no subnet such as 10.0.0.0/16, "
                     "with the host part zero"}));
    files = good();
    files["profiles/deb.yaml"] = "kernel: [\n";
    EXPECT_EQ(problems(files),
              (Lines{"profiles/deb.yaml:2:1: not valid YAML: end of sequence flow not found"}));
}

// -- site.yaml

TEST(SiteProblems, Subnets) {
    expect({
        {"site.yaml",
         "server: {http-boot: ftp}\nsubnets:\n- {subnet: 10.0.0.0/16}\n",
         {"site.yaml:1:21: http-boot: 'ftp' is neither http nor https"}},
        {"site.yaml",
         "server: {address: 10.0.0}\nsubnets:\n- {subnet: 10.0.0.0/16, router: 10.0.0.256, dns: "
         "[x],"
         " domain: a_b, lease: 10}\n",
         {"site.yaml:1:19: server address '10.0.0' is no IPv4 address such as 10.0.0.1",
          "site.yaml:3:33: router '10.0.0.256' is no IPv4 address such as 10.0.0.1",
          "site.yaml:3:51: dns 'x' is no IPv4 address such as 10.0.0.1",
          "site.yaml:3:63: domain 'a_b' is no domain name",
          "site.yaml:3:75: lease '10' is no duration such as 30s, 5m, 2h30m or 1d"}},
        {"site.yaml",
         "subnets:\n- {subnet: 10.0.0.0/16, router: 10.1.0.1, lease: 29s}\n"
         "- {subnet: 11.0.0.0/16, lease: 366d}\n- {router: 1.2.3.4}\n",
         {"site.yaml:2:33: router 10.1.0.1 is not in its subnet 10.0.0.0/16",
          "site.yaml:2:50: lease must be from 30s to 365d",
          "site.yaml:3:32: lease must be from 30s to 365d",
          "site.yaml:4:3: subnet has no key 'subnet'"}},
        {"site.yaml",
         "subnets:\n- subnet: 10.0.0.0/16\n- subnet: 10.0.5.0/24\n- subnet: 10.9.9.9/8\n",
         {"site.yaml:3:11: subnet 10.0.5.0/24 overlaps subnet 10.0.0.0/16 (site.yaml:2:11)",
          "site.yaml:4:11: '10.9.9.9/8' is no subnet such as 10.0.0.0/16, with the host part "
          "zero"}},
        {"site.yaml",
         "subnets:\n- {subnet: 10.0.0.0/24, relay: {giaddr: 10.0.0.9}}\n"
         "- {subnet: 10.0.1.0/24, relay: {giaddr: 10.0.0.9}}\n",
         {"site.yaml:3:12: giaddr 10.0.0.9 is also that of subnet 10.0.0.0/24 (site.yaml:2:12); "
          "give both the same 'shared-network' if they are one network"}},
    });
}

TEST(SiteProblems, Pools) {
    const auto pools = [](const std::string& list, const std::string& rest = "") {
        return problems(with("site.yaml", rest +
                                              "subnets:\n- {subnet: 10.0.0.0/16, router: "
                                              "10.0.0.254, pools: [" +
                                              list + "]}\n"));
    };
    EXPECT_EQ(pools("10.0.1.0-10.0.1.9, 10.0.1.10-10.0.1.20, 10.0.2.0"), Lines{});
    EXPECT_EQ(pools("10.0.1.0-10.1.0.0"),
              (Lines{"site.yaml:2:53: pool 10.0.1.0-10.1.0.0 leaves its subnet 10.0.0.0/16"}));
    EXPECT_EQ(pools("9.0.0.0-10.0.1.0"),
              (Lines{"site.yaml:2:53: pool 9.0.0.0-10.0.1.0 leaves its subnet 10.0.0.0/16"}));
    EXPECT_EQ(pools("10.0.2.0-10.0.1.0"),
              (Lines{"site.yaml:2:53: pool '10.0.2.0-10.0.1.0' is no range such as "
                     "10.0.1.0-10.0.1.255, first address first"}));
    EXPECT_EQ(pools("10.0.1.0-10.0.1.9, 10.0.1.9-10.0.1.20"),
              (Lines{"site.yaml:2:72: pool 10.0.1.9-10.0.1.20 overlaps pool 10.0.1.0-10.0.1.9"}));
    EXPECT_EQ(pools("10.0.0.0-10.0.0.9"),
              (Lines{"site.yaml:2:53: pool 10.0.0.0-10.0.0.9 holds the network's own address "
                     "10.0.0.0"}));
    EXPECT_EQ(pools("10.0.255.0-10.0.255.255"),
              (Lines{"site.yaml:2:53: pool 10.0.255.0-10.0.255.255 holds the broadcast address "
                     "10.0.255.255"}));
    EXPECT_EQ(pools("10.0.0.200-10.0.1.0"),
              (Lines{"site.yaml:2:53: pool 10.0.0.200-10.0.1.0 holds the router 10.0.0.254"}));
    EXPECT_EQ(pools("10.0.1.0-10.0.1.9", "server: {address: 10.0.1.5}\n"),
              (Lines{"site.yaml:3:12: pool 10.0.1.0-10.0.1.9 holds the server's address "
                     "10.0.1.5"}));
}

TEST(SiteProblems, UnknownNodesAndLoaders) {
    const auto site = [](const std::string& text) {
        return problems(with("site.yaml", subnet + text));
    };
    EXPECT_EQ(site("unknown-nodes: ignored\n"),
              (Lines{"site.yaml:2:16: unknown-nodes 'ignored': {profile: NAME}, ignore, boot-local "
                     "or {hold: true} is expected; did you mean 'ignore'?"}));
    EXPECT_EQ(site("unknown-nodes: xyz\n"),
              (Lines{"site.yaml:2:16: unknown-nodes 'xyz': {profile: NAME}, ignore, boot-local or "
                     "{hold: true} is expected"}));
    EXPECT_EQ(site("unknown-nodes: {profile: deb, hold: true}\n"),
              (Lines{"site.yaml:2:16: unknown-nodes: {profile: NAME}, ignore, boot-local or {hold: "
                     "true} is expected"}));
    EXPECT_EQ(site("unknown-nodes: {}\n"),
              (Lines{"site.yaml:2:16: unknown-nodes: {profile: NAME}, ignore, boot-local or {hold: "
                     "true} is expected"}));
    EXPECT_EQ(site("unknown-nodes: {hold: yes}\n"),
              (Lines{"site.yaml:2:23: hold 'yes' is neither true nor false"}));
    EXPECT_EQ(site("unknown-nodes: {profile: debb}\n"),
              (Lines{"site.yaml:2:26: there is no profile 'debb'; did you mean 'deb'?"}));
    EXPECT_EQ(site("unknown-nodes: {profil: deb}\n"),
              (Lines{"site.yaml:2:16: unknown-nodes: {profile: NAME}, ignore, boot-local or {hold: "
                     "true} is expected",
                     "site.yaml:2:17: unknown key 'profil' in unknown-nodes; did you mean "
                     "'profile'?"}));
    EXPECT_EQ(site("loaders: {shim.efi: /x, ipxe.efi: ipxe.efi}\n"),
              (Lines{"site.yaml:2:11: unknown loader 'shim.efi'",
                     "site.yaml:2:35: loader ipxe.efi: 'ipxe.efi' is no absolute path"}));
}

TEST(SiteProblems, Variables) {
    const auto variables = [](const std::string& text) {
        return problems(with("site.yaml", subnet + "defaults: {variables: {" + text + "}}\n"));
    };
    EXPECT_EQ(variables("a-b_1: x"), Lines{});
    for (const std::string name : {"node", "server_url", "server_host", "files_url", "answers_url",
                                   "report_url", "attempt", "profile"}) {
        EXPECT_EQ(variables(name + ": x"), (Lines{"site.yaml:2:24: variable '" + name +
                                                  "' is muster's own and cannot be set"}));
    }
    for (const std::string name : {"1a", "a.b", "a b", "-a"}) {
        EXPECT_EQ(variables(name + ": x"),
                  (Lines{"site.yaml:2:24: '" + name +
                         "' is no name of a variable (letters, digits, '_' and '-', not beginning "
                         "with a digit)"}));
    }
    std::string deep = "x";
    for (unsigned i = 0; i < 18; ++i) {
        deep = "[" + deep + "]";
    }
    EXPECT_EQ(variables("a: " + deep).size(), 1U);
    EXPECT_NE(
        variables("a: " + deep).at(0).find("nested deeper than 16, or more than 10000 values"),
        std::string::npos);
}

// Aliases of aliases must not make a small file a large value.
TEST(SiteProblems, AliasesCannotBlowUp) {
    std::string text =
        subnet + "defaults:\n  variables:\n    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string last = "*a" + std::to_string(i - 1);
        text += "    a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " +
                last + ", " + last + ", " + last + "]\n";
    }
    const Lines lines = problems(with("site.yaml", text));
    ASSERT_FALSE(lines.empty());
    EXPECT_NE(lines.at(0).find("more than 10000 values"), std::string::npos) << lines.at(0);
}

// -- profiles

TEST(SiteProblems, KernelAndInitrdStayBelowFiles) {
    const auto kernel = [](const std::string& path) {
        return problems(with("profiles/deb.yaml", "kernel: " + path + "\n"));
    };
    const auto reason = [](const std::string& path, const std::string& text) {
        return Lines{"profiles/deb.yaml:1:9: kernel '" + path + "' " + text};
    };
    for (const char* fine :
         {"linux", "a/b/c", "a..b/linux-6.1+x~1", "http://h/x", "http://1.2.3.4:81/x"}) {
        EXPECT_EQ(kernel(fine), Lines{}) << fine;
    }
    EXPECT_EQ(kernel("/boot/linux"), reason("/boot/linux", "is absolute"));
    for (const char* path : {"..", "../x", "a/../x", "a/.."}) {
        EXPECT_EQ(kernel(path), reason(path, "leads out of the folder with '..'"));
    }
    for (const char* path : {"a//b", "./a", "a/./b"}) {
        EXPECT_EQ(kernel(path), reason(path, "has an empty or '.' part"));
    }
    EXPECT_EQ(kernel("a/"), reason("a/", "is a folder"));
    EXPECT_EQ(kernel("''"), reason("", "is empty"));
    EXPECT_EQ(kernel("-x"), reason("-x", "begins with '-', which boot loaders take for an option"));
    for (const char* path :
         {"a b", "a'b", "a\"b", "a,b", "a;b", "a$b", "a|b", "a\\b", "a%b", "a(b"}) {
        EXPECT_EQ(problems(with("profiles/deb.yaml", std::string{"kernel: |-\n  "} + path + "\n")),
                  reason(path,
                         "holds a character that boot loaders may misread (letters, digits and "
                         "._-+~/ are safe)"));
    }
    EXPECT_EQ(kernel("https://h/x"),
              reason("https://h/x",
                     "has a scheme that not every boot loader knows; only http:// is served"));
    EXPECT_EQ(kernel("http://h"),
              reason("http://h", "is no URL of the form http://HOST[:PORT]/PATH"));
    EXPECT_EQ(kernel("http:///x"),
              reason("http:///x", "is no URL of the form http://HOST[:PORT]/PATH"));
    EXPECT_EQ(kernel("http://h:0/x"), reason("http://h:0/x", "has a bad port number"));
    EXPECT_EQ(kernel("http://a_b/x"), reason("http://a_b/x", "has a bad host name"));
    EXPECT_EQ(kernel("http://h/a,b"),
              reason("http://h/a,b", "holds a character that boot loaders may misread (letters, "
                                     "digits and ._-+~/:%?&=@ are safe)"));
    const std::string longest(200, 'a');
    EXPECT_EQ(kernel(longest), Lines{});
    EXPECT_EQ(kernel(longest + "a"), reason(longest + "a", "is longer than 200 characters"));
    EXPECT_EQ(problems(with("profiles/deb.yaml", "kernel: k\ninitrd: [a, /b, ../c]\n")),
              (Lines{"profiles/deb.yaml:2:13: initrd '/b' is absolute",
                     "profiles/deb.yaml:2:17: initrd '../c' leads out of the folder with '..'"}));
}

TEST(SiteProblems, Profiles) {
    expect({
        {"profiles/deb.yaml",
         "loader: pxe\nretries: 101\ndeadlines: {booting: 0, installing: 5x, boot: 1s}\n",
         {"profiles/deb.yaml:1:1: profile has no key 'kernel'",
          "profiles/deb.yaml:1:9: unknown loader 'pxe'; did you mean 'ipxe'?",
          "profiles/deb.yaml:2:10: retries '101' is no number from 0 to 100",
          "profiles/deb.yaml:3:22: booting must be at least 1s",
          "profiles/deb.yaml:3:37: installing '5x' is no duration such as 30s, 5m, 2h30m or 1d",
          "profiles/deb.yaml:3:41: unknown key 'boot' in deadlines; known are: booting, "
          "installing"}},
        {"profiles/deb.yaml",
         "kernel: k\ninitrd: [a, b, c, d, e, f, g, h, i]\n",
         {"profiles/deb.yaml:2:9: more than 8 initrds"}},
        {"profiles/deb.yaml",
         "kernel: k\nanswers: {a/b: t, c: ../t, d: /t, e: gone}\n",
         {"profiles/deb.yaml:2:11: 'a/b' is no name of an answers file (letters, digits, '.', '_' "
          "and '-')",
          "profiles/deb.yaml:2:22: template '../t' leads out of the folder with '..'",
          "profiles/deb.yaml:2:31: template '/t' is absolute",
          "profiles/deb.yaml:2:38: there is no template 'gone' in templates/"}},
    });
    Files files = with("profiles/deb.yaml", "kernel: k\nanswers: {a: preseed.mustach}\n");
    files["templates/preseed.mustache"] = "";
    EXPECT_EQ(problems(files), (Lines{"profiles/deb.yaml:2:14: there is no template "
                                      "'preseed.mustach' in templates/; did you mean "
                                      "'preseed.mustache'?"}));
}

TEST(SiteProblems, CommandLinesAreTriedOut) {
    const auto cmdline = [](const std::string& yaml) {
        return problems(with("profiles/deb.yaml", "kernel: k\ncmdline: " + yaml + "\n"));
    };
    EXPECT_EQ(cmdline("'a {{node.name}} {{answers_url}} {{attempt}}'"), Lines{});
    EXPECT_EQ(cmdline("'{{#a}}'"),
              (Lines{"profiles/deb.yaml:2:10: cmdline: section 'a' is not closed"}));
    EXPECT_EQ(cmdline("'{{disk}}'"),
              (Lines{"profiles/deb.yaml:2:10: cmdline: 'disk' is not defined (for node n1)"}));
    EXPECT_EQ(cmdline("'{{#disk}}{{disk}}{{/disk}}'"), Lines{});
    EXPECT_EQ(
        cmdline("|\n  a\n  b"),
        (Lines{"profiles/deb.yaml:2:10: cmdline holds a line break (`>-` folds lines in YAML) "
               "(for node n1)"}));
    EXPECT_EQ(
        cmdline("a initrd=b"),
        (Lines{"profiles/deb.yaml:2:10: cmdline holds 'initrd=' (the key initrd of the profile "
               "names them) (for node n1)"}));
    const Lines too_long = cmdline(std::string(2000, 'a'));
    ASSERT_EQ(too_long.size(), 1U);
    EXPECT_NE(too_long[0].find("kernel, initrds and command line come to"), std::string::npos);
}

TEST(SiteProblems, AVariablesValueCannotBreakOutOfACommandLine) {
    Files files = with("profiles/deb.yaml", "kernel: k\ncmdline: 'disk={{disk}}'\n");
    const auto disk = [&files](const std::string& value) {
        files["nodes.yaml"] =
            "- {name: n1, mac: 52:54:00:00:00:01, profile: deb, variables: {disk: " + value +
            "}}\n";
        return problems(files);
    };
    EXPECT_EQ(disk("/dev/vda"), Lines{});
    for (const char* value :
         {"\"x\\nboot\"", "'x || boot'", "'x ; boot'", "'x && boot'", "'${net0/mac}'", "\"x'y\"",
          "'x\\y'", "'x #y'", "'x\"y'", "\"x\\ty\"", "'x initrd=/y'"}) {
        const Lines lines = disk(value);
        ASSERT_EQ(lines.size(), 1U) << value;
        EXPECT_TRUE(lines[0].starts_with("profiles/deb.yaml:2:10: cmdline holds ")) << lines[0];
        EXPECT_TRUE(lines[0].ends_with("(for node n1)")) << lines[0];
    }
}

TEST(SiteProblems, WhatManyNodesShareIsToldOnce) {
    Files files = with("profiles/deb.yaml", "kernel: k\ncmdline: 'disk={{disk}}'\n");
    files["nodes.yaml"] =
        "- {name: n1, mac: 52:54:00:00:00:01, profile: deb}\n"
        "- {name: n2, mac: 52:54:00:00:00:02, profile: deb, variables: {disk: a}}\n"
        "- {name: n3, mac: 52:54:00:00:00:03, profile: deb}\n"
        "- {name: n4, mac: 52:54:00:00:00:04, profile: deb}\n";
    EXPECT_EQ(problems(files), (Lines{"profiles/deb.yaml:2:10: cmdline: 'disk' is not defined (for "
                                      "node n1 and 2 more)"}));
    files["site.yaml"] = "unknown-nodes: {profile: deb}\n";
    files["nodes.yaml"] = "";
    EXPECT_EQ(problems(files), (Lines{"profiles/deb.yaml:2:10: cmdline: 'disk' is not defined (for "
                                      "unknown machines)"}));
}

TEST(SiteProblems, AnswersAreTriedOutForEachSetOfVariables) {
    Files files = with("profiles/deb.yaml", "kernel: k\nanswers: {preseed.cfg: p.mustache}\n");
    files["templates/p.mustache"] = "x\ny {{disk}}\n{{#raid}}{{raid.level}}{{/raid}}\n";
    files["nodes.yaml"] =
        "- {name: n1, mac: 52:54:00:00:00:01, profile: deb, variables: {disk: a}}\n"
        "- {name: n2, mac: 52:54:00:00:00:02, profile: deb, variables: {disk: b, raid: true}}\n"
        "- {name: n3, mac: 52:54:00:00:00:03, profile: deb, variables: {disk: a, raid: false}}\n"
        "- {name: n4, mac: 52:54:00:00:00:04, profile: deb}\n";
    EXPECT_EQ(
        problems(files),
        (Lines{"templates/p.mustache:2:3: 'disk' is not defined in preseed.cfg of profile deb "
               "(for node n4)",
               "templates/p.mustache:3:10: 'raid.level' is not defined in preseed.cfg of "
               "profile deb (for node n2)"}));
}

TEST(SiteProblems, TemplateSyntaxIsAProblemEvenIfNobodyUsesIt) {
    expect(
        {{"templates/a/b.mustache",
          "x\n{{#disk}}\n",
          {"templates/a/b.mustache:2:1: section 'disk' is not closed"}},
         {"templates/t", "{{> x}}", {"templates/t:1:1: partials ({{> name}}) are not supported"}}});
}

// -- nodes

TEST(SiteProblems, Nodes) {
    expect({
        {"nodes.yaml",
         "- {mac: 52:54:00:00:00:01, profile: deb}\n- {name: n2, profile: deb}\n"
         "- {name: n3, mac: 52:54:00:00:00:03}\n- {name: n4, match: {}, profile: deb}\n",
         {"nodes.yaml:1:3: node has no key 'name'",
          "nodes.yaml:2:3: node has neither mac nor match, so it cannot be recognised",
          "nodes.yaml:3:3: node has no key 'profile'",
          "nodes.yaml:4:21: match has none of uuid, client-id, circuit-id and remote-id"}},
        {"nodes.yaml",
         "- {name: n1, mac: [x, 00:00:00:00:00:00, 01:00:5e:00:00:01, ff:ff:ff:ff:ff:ff], profile: "
         "deb, tags: [a b]}\n",
         {"nodes.yaml:1:20: mac 'x' is no MAC address such as 52:54:00:12:34:56",
          "nodes.yaml:1:23: mac 00:00:00:00:00:00 is no address of one machine",
          "nodes.yaml:1:42: mac 01:00:5e:00:00:01 is no address of one machine",
          "nodes.yaml:1:61: mac ff:ff:ff:ff:ff:ff is no address of one machine",
          "nodes.yaml:1:102: 'a b' is no tag (letters, digits, '.', '_' and '-')"}},
        {"nodes.yaml",
         "- {name: n1, match: {uuid: x}, profile: deb}\n"
         "- {name: n2, match: {uuid: ffffffff-ffff-ffff-ffff-ffffffffffff}, profile: deb}\n",
         {"nodes.yaml:1:28: uuid 'x' is no UUID such as 79000000-0000-4000-8000-000000000000",
          "nodes.yaml:2:28: uuid ffffffff-ffff-ffff-ffff-ffffffffffff is one that many machines "
          "have"}},
        {"nodes.yaml",
         "- {name: n1, mac: 52:54:00:00:00:01, profile: dep}\n",
         {"nodes.yaml:1:47: there is no profile 'dep'; did you mean 'deb'?"}},
        {"nodes.yaml",
         "- {name: n1, mac: 52:54:00:00:00:01, profile: zzz}\n",
         {"nodes.yaml:1:47: there is no profile 'zzz'; known are: deb"}},
    });
}

TEST(SiteProblems, NamesAreHostNames) {
    for (const std::string name : {"-a", "a-", "a_b", "a..b", ".a", "a.", "a b", "\xc3\xa9"}) {
        EXPECT_EQ(problems(with("nodes.yaml", "- {name: \"" + name +
                                                  "\", mac: 52:54:00:00:00:01, profile: deb}\n")),
                  (Lines{"nodes.yaml:1:10: name '" + name +
                         "' is no host name (letters, digits and hyphens, at most 63 bytes)"}));
    }
}

TEST(SiteProblems, ReservationsLieInASubnetAndBelongToNobodyElse) {
    const auto node = [](const std::string& address) {
        return problems(
            {{"site.yaml", "server: {address: 10.0.0.2}\n"
                           "subnets: [{subnet: 10.0.0.0/24, router: 10.0.0.254}]\n"},
             {"profiles/deb.yaml", "kernel: k\n"},
             {"nodes.yaml",
              "- {name: a, mac: 52:54:00:00:00:01, profile: deb, address: " + address + "}\n"}});
    };
    EXPECT_EQ(node("10.0.0.21"), Lines{});
    EXPECT_EQ(node("10.0.1.21"), (Lines{"nodes.yaml:1:60: address 10.0.1.21 is in no subnet of "
                                        "site.yaml"}));
    EXPECT_EQ(node("10.0.0.254"), (Lines{"nodes.yaml:1:60: address 10.0.0.254 is the router's"}));
    EXPECT_EQ(node("10.0.0.2"), (Lines{"nodes.yaml:1:60: address 10.0.0.2 is the server's"}));
    for (const char* own : {"10.0.0.0", "10.0.0.255"}) {
        EXPECT_EQ(node(own), (Lines{std::string{"nodes.yaml:1:60: address "} + own +
                                    " is the network's own or the broadcast address"}));
    }
}

TEST(SiteProblems, WhatMustBeUniqueNamesTheOtherPlace) {
    Files files = good();
    files["nodes.yaml"] =
        "- {name: n1, mac: [52:54:00:00:00:01, 52-54-00-00-00-01], profile: deb, "
        "address: 10.0.0.1}\n"
        "- {name: n2, match: {uuid: 79000000-0000-4000-8000-000000000001}, profile: "
        "deb}\n"
        "- {name: n3, match: {circuit-id: p1}, profile: deb}\n";
    files["nodes/more.yaml"] =
        "- {name: N1, mac: 525400000001, profile: deb, address: 10.0.0.1}\n"
        "- {name: n5, match: {uuid: 79000000-0000-4000-8000-000000000001}, profile: deb}\n"
        "- {name: n6, match: {circuit-id: p1}, profile: deb}\n";
    EXPECT_EQ(
        problems(files),
        (Lines{"nodes.yaml:1:39: mac 52:54:00:00:00:01 is also that of node n1 (nodes.yaml:1:20)",
               "nodes/more.yaml:1:10: name 'N1' is also that of node n1 (nodes.yaml:1:10)",
               "nodes/more.yaml:1:19: mac 52:54:00:00:00:01 is also that of node n1 "
               "(nodes.yaml:1:20)",
               "nodes/more.yaml:1:56: address 10.0.0.1 is also that of node n1 (nodes.yaml:1:82)",
               "nodes/more.yaml:2:28: uuid is also that of node n2 (nodes.yaml:2:28)",
               "nodes/more.yaml:3:34: circuit-id 'p1' is also that of node n3 (nodes.yaml:3:34)"}));
}

// -- one node, as the API takes it

TEST(ReadNode, TakesJsonAndYaml) {
    const Site site = loaded(example());
    const auto node = read_node(
        R"({"name": "r1n02", "mac": ["52:54:00:00:01:02"], "profile": "debian12",)"
        R"( "address": "10.0.0.22", "tags": ["rack1"], "variables": {"disk": "/dev/sda"}})",
        site);
    ASSERT_TRUE(node.has_value()) << to_text(node.error().front());
    EXPECT_EQ(node->name, "r1n02");
    EXPECT_EQ(node->address, (Ipv4Address{{10, 0, 0, 22}}));
    EXPECT_EQ(node->variables, (Variables{{"disk", "/dev/sda"}}));
    EXPECT_TRUE(read_node("{name: x, mac: 52:54:00:00:01:03, profile: debian12}", site));
}

TEST(ReadNode, ReplacesTheNodeOfItsNameButNoOther) {
    const Site site = loaded(example());
    EXPECT_TRUE(read_node("{name: r1n01, mac: 52:54:00:00:01:01, profile: debian12, address: "
                          "10.0.0.21}",
                          site));
    const auto other = read_node(
        "{name: r1n02, mac: 52:54:00:00:01:01, profile: debian, address: 10.0.0.21}", site);
    ASSERT_FALSE(other.has_value());
    Lines lines;
    for (const SiteProblem& problem : other.error()) {
        lines.push_back(to_text(problem));
    }
    EXPECT_EQ(lines, (Lines{"node:1:20: mac 52:54:00:00:01:01 is also that of node r1n01",
                            "node:1:48: there is no profile 'debian'; did you mean 'debian12'?",
                            "node:1:65: address 10.0.0.21 is also that of node r1n01"}));
}

TEST(ReadNode, RefusesWhatIsNoNode) {
    const Site site = loaded(example());
    for (const char* text : {"", "[", "[]", "x", "{}", "- {name: x}", "null", "\xff\xfe"}) {
        EXPECT_FALSE(read_node(text, site).has_value()) << text;
    }
}

} // namespace
} // namespace muster
