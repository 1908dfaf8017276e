// SPDX-License-Identifier: Apache-2.0
// Whole boots of each firmware against the real server, from power-on to the disk.
#include "net/client/boot_machine.hh"

#include "tests/support/boot_world.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

const MacAddress machine_mac{{0x52, 0x54, 0, 0, 0, 1}};

Site site_with(LoaderChoice loader) {
    Site site;
    site.folder = "/site";
    site.server_address = Ipv4Address{{10, 79, 0, 1}};
    SubnetPlan plan;
    plan.subnet = {.network = {{10, 79, 0, 0}}, .prefix_length = 24};
    plan.pools = {{.first = {{10, 79, 0, 100}}, .last = {{10, 79, 0, 199}}}};
    site.subnets.push_back(plan);
    Profile profile;
    profile.name = "minimal";
    profile.kernel = "minimal/linux";
    profile.initrd = {"minimal/initrd"};
    profile.cmdline = "quiet BOOTIF=01-{{node.mac}} muster.answers={{answers_url}} "
                      "muster.report={{report_url}}";
    profile.answers = {{"install.conf", "minimal.mustache"}};
    profile.deadlines = {.booting = 3min, .installing = 10min};
    profile.retries = 2;
    profile.loader = loader;
    site.profiles.emplace(profile.name, profile);
    site.templates = {
        {"minimal.mustache", "# for {{node.name}}\nimage=\"{{files_url}}/minimal/root.tar\"\n"}};
    NodeSpec node;
    node.name = "r1n01";
    node.macs = {machine_mac};
    node.profile = "minimal";
    site.nodes = {node};
    return site;
}

struct Boot : BootWorld {
    explicit Boot(std::string_view firmware, LoaderChoice loader = LoaderChoice::automatic,
                  bool router_advertisements = true)
        : BootWorld(site_with(loader), router_advertisements) {
        options.firmware = find_firmware(firmware);
        options.seed = 42;
        for (const char* name : {"undionly.kpxe", "snponly.efi", "shimx64.efi", "grubx64.efi",
                                 "lpxelinux.0", "ldlinux.c32"}) {
            files.add("loaders/" + std::string{name}, std::string(100'000, 'L'));
        }
        files.add("minimal/linux", std::string(300'000, 'K'));
        files.add("minimal/initrd", std::string(200'000, 'I'));
        files.add("minimal/root.tar", std::string(2'000'000, 'R'));
    }
    void run(Duration limit = 1h) {
        BootWorld::start(0, machine_mac, make_boot_machine(options));
        run_for(limit);
    }
    [[nodiscard]] std::string end() const {
        const auto finished = noted(ClientNote::Kind::finished);
        return finished.empty() ? "(still runs)"
                                : (finished[0].ok ? "ok" : "lost: " + finished[0].text);
    }
    [[nodiscard]] bool asked(std::string_view request) const {
        return std::ranges::any_of(requests, [&](const std::string& r) { return r == request; });
    }
    BootMachineOptions options;
};

TEST(BootMachine, EveryFirmwareInstallsAndIsSentToItsDisk) {
    for (const FirmwareModel* firmware : firmware_models()) {
        SCOPED_TRACE(firmware->name);
        const bool pxelinux = firmware->name == "pxelinux";
        Boot boot{firmware->name, pxelinux ? LoaderChoice::pxelinux : LoaderChoice::automatic};
        boot.run();
        EXPECT_EQ(boot.end(), "ok");
        EXPECT_EQ(boot.install_state("r1n01"), "installed");
        for (const ClientNote& note : boot.notes) {
            if (note.kind == ClientNote::Kind::failed) {
                ADD_FAILURE() << note.text;
            }
        }
        if (testing::Test::HasFailure()) {
            for (const auto& r : boot.requests) {
                printf("%s\n", r.c_str());
            }
        }
    }
}

} // namespace
} // namespace muster::test
