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
    plan.pools = {AddressRange{.first = {{10, 79, 0, 100}}, .last = {{10, 79, 0, 199}}}};
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
    site.templates = {{"minimal.mustache",
                       "# for {{node.name}}\nimage=\"{{files_url}}/minimal/root.tar\"\n"
                       "d-i late_command string wget -O- {{report_url}}/installed\n"}};
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
        : BootWorld(site_with(loader), router_advertisements), site(site_with(loader)) {
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
    /// Another profile from now on.
    void change(const std::function<void(Profile&)>& what) {
        what(site.profiles.at("minimal"));
        reload(site);
    }
    [[nodiscard]] std::string token() const {
        const auto at = std::ranges::find_if(
            requests, [](const std::string& r) { return r.starts_with("GET /report/"); });
        return at == requests.end() ? "" : at->substr(12, at->find('/', 12) - 12);
    }
    Site site;
    BootMachineOptions options;
};

double seconds(Duration duration) {
    return std::chrono::duration<double>{duration}.count();
}

TEST(BootMachine, EveryFirmwareInstallsAndIsSentToItsDisk) {
    for (const FirmwareModel* firmware : firmware_models()) {
        if (firmware->name == "grub") {
            continue; // shim is what the server gives by itself; see below
        }
        SCOPED_TRACE(firmware->name);
        const bool pxelinux = firmware->name == "pxelinux";
        Boot boot{firmware->name, pxelinux ? LoaderChoice::pxelinux : LoaderChoice::automatic};
        boot.run();
        EXPECT_EQ(boot.end(), "ok");
        EXPECT_EQ(boot.install_state("r1n01"), "installed");
        for (const ClientNote& note : boot.noted(ClientNote::Kind::failed)) {
            ADD_FAILURE() << note.text;
        }
        using Stage = ClientStage;
        auto stages = boot.stages();
        EXPECT_EQ(std::ranges::count(stages, Stage::installer), 1);
        EXPECT_EQ(std::ranges::count(stages, Stage::off), 1) << "one restart";
        EXPECT_EQ(stages.back(), Stage::disk);
        EXPECT_EQ(boot.fleet.streams_in_use(), 0U);
    }
}

TEST(BootMachine, AMachineGoesThroughItsStages) {
    Boot boot{"ipxe-bios"};
    boot.run();
    using Stage = ClientStage;
    EXPECT_EQ(boot.stages(),
              (std::vector{Stage::dhcp, Stage::loader, Stage::kernel, Stage::installer, Stage::off,
                           Stage::dhcp, Stage::loader, Stage::disk}));
    EXPECT_EQ(boot.requests.front(), "GET /boot/ipxe");
    EXPECT_TRUE(boot.asked("HEAD /files/minimal/root.tar"));
    EXPECT_TRUE(boot.asked("GET /files/minimal/root.tar"));
    // Two of the ROM's and one of the installer's.
    EXPECT_EQ(boot.noted(ClientNote::Kind::exchange).size(), 3U);
    EXPECT_NEAR(seconds(boot.waited(ClientWait::client)), 2 * 3.3 + 3 + 1.5 + 4, 0.1);
}

TEST(BootMachine, OwnTimeIsScaledAndTimersAreNot) {
    Boot boot{"edk2"};
    boot.options.own_time = 0;
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    EXPECT_LT(boot.waited(ClientWait::client), 10ms);
    EXPECT_NEAR(seconds(boot.waited(ClientWait::dhcp_collecting)), 2 * 3.77, 0.1);
}

// Without an answer to its solicitations iPXE fetches nothing for 16 s, and all is well with one.
TEST(BootMachine, IpxeWaitsForARouterThatIsNotThere) {
    Boot boot{"ipxe-bios", LoaderChoice::automatic, false};
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    EXPECT_NEAR(seconds(boot.waited(ClientWait::dhcp_collecting)), 2 * 16.08, 0.1);
    Boot fast{"ipxe-bios"};
    fast.run();
    EXPECT_LT(seconds(fast.waited(ClientWait::dhcp_collecting)), 0.1);
}

TEST(BootMachine, AnEmptyDiskIsNoPlaceToBeSentTo) {
    Boot boot{"ipxe-bios"};
    boot.options.installed = true; // as the server, too, shall know it
    boot.run();
    ASSERT_EQ(boot.end(), "ok");
    // The same machine with a new disk: the server sends it there, for it is installed.
    boot.notes.clear();
    boot.options.installed = false;
    boot.run();
    EXPECT_EQ(boot.end(), "lost: nothing to boot on its disk");
    EXPECT_EQ(boot.stages().back(), ClientStage::lost);
}

TEST(BootMachine, TheDiskComesFirstWhereTheFirmwareHasItSo) {
    Boot boot{"ipxe-bios"};
    boot.options.network_first = false;
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    EXPECT_EQ(std::ranges::count(boot.requests, "GET /boot/ipxe"), 1);
}

TEST(BootMachine, AnInstalledSystemRenewsItsLease) {
    Boot boot{"ipxe-bios"};
    boot.options.disk_time = 2h;
    boot.run(3h);
    EXPECT_EQ(boot.end(), "ok");
    // Three to get here, one of its own, and a renewal each half hour.
    EXPECT_GE(boot.noted(ClientNote::Kind::exchange).size(), 4U + 3U);
    EXPECT_LE(boot.noted(ClientNote::Kind::exchange).size(), 4U + 5U);
}

TEST(BootMachine, ProgressIsReportedWhileTheImageComes) {
    Boot boot{"ipxe-bios"};
    boot.stream_rate = 100'000; // 20 s for the image
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    const auto reports = std::ranges::count_if(boot.requests, [](const std::string& r) {
        return r.find("/progress?percent=") != std::string::npos;
    });
    EXPECT_GE(reports, 10);
    EXPECT_LE(reports, 20);
    EXPECT_TRUE(boot.asked("GET /report/" + boot.token() + "/installed"));
}

TEST(BootMachine, ASlowDiskHoldsTheInstallerUp) {
    Boot boot{"ipxe-bios"};
    boot.options.installer.disk_rate = 100'000;
    boot.options.own_time = 0;
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    EXPECT_NEAR(seconds(boot.waited(ClientWait::client)), 20, 0.2);
}

TEST(BootMachine, PackagesComeOneAfterTheOtherOnOneConnection) {
    Boot boot{"ipxe-bios"};
    boot.options.installer = {.kind = InstallerModel::Kind::packages, .packages = 25};
    for (int i = 0; i < 25; ++i) {
        boot.files.add("packages/" + std::to_string(i) + ".deb", std::string(5'000, 'P'));
    }
    boot.change([](Profile& profile) {
        profile.cmdline = "url={{answers_url}}/preseed.cfg";
        profile.answers = {{"preseed.cfg", "minimal.mustache"}};
    });
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    EXPECT_EQ(boot.install_state("r1n01"), "installed") << "as the preseed file's last line has it";
    EXPECT_TRUE(boot.asked("GET /files/packages/0.deb"));
    EXPECT_TRUE(boot.asked("GET /files/packages/24.deb"));
    EXPECT_FALSE(boot.asked("GET /files/packages/25.deb"));
    EXPECT_LE(boot.connections(), 2U + 1U + 4U) << "a connection for all packages";
}

// A server of another kind, whose scripts name the image and want no reports.
TEST(BootMachine, AnImageOnTheCommandLineIsEnough) {
    Boot boot{"ipxe-bios"};
    boot.options.network_first = false;
    boot.change([](Profile& profile) {
        profile.cmdline = "muster-load.image={{files_url}}/minimal/root.tar";
        profile.answers.clear();
    });
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    EXPECT_TRUE(boot.asked("GET /files/minimal/root.tar"));
    EXPECT_FALSE(std::ranges::any_of(boot.requests, [](const std::string& r) {
        return r.find("/report/") != std::string::npos || r.starts_with("HEAD");
    }));
}

TEST(BootMachine, WhatCannotBeInstalledIsReportedAndTriedAgainUntilTheServerGivesUp) {
    Boot boot{"ipxe-bios"};
    boot.files.files.erase("minimal/root.tar");
    boot.run(20min);
    // From then on the server holds it: the machine asks for its script as often as it is told to.
    EXPECT_EQ(boot.end(), "(still runs)");
    EXPECT_EQ(boot.install_state("r1n01"), "failed");
    EXPECT_GT(boot.waited(ClientWait::told_to_wait), 10min);
    const auto failures = boot.noted(ClientNote::Kind::failed);
    EXPECT_EQ(failures.size(), 3U) << "two retries";
    EXPECT_NE(failures[0].text.find("root.tar"), std::string::npos);
    EXPECT_EQ(std::ranges::count_if(boot.requests,
                                    [](const std::string& r) {
                                        return r.find("/failed?message=%") != std::string::npos;
                                    }),
              3);
}

TEST(BootMachine, ALoaderOtherThanThePromisedOneIsNoted) {
    Boot boot{"grub"}; // the server gives shim, which brings GRUB along: that is what it promises
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    EXPECT_TRUE(boot.noted(ClientNote::Kind::failed).empty());
    Boot other{"pxelinux"}; // iPXE's script instead
    other.run();
    EXPECT_EQ(other.end(), "ok");
    ASSERT_EQ(other.noted(ClientNote::Kind::failed).size(), 1U);
    EXPECT_EQ(other.noted(ClientNote::Kind::failed)[0].text,
              "it was not given PXELINUX, as pxelinux is meant to be");
}

TEST(BootMachine, GrubIsStuckAfterHttpBoot) {
    Boot boot{"edk2-http", LoaderChoice::grub};
    boot.run();
    EXPECT_EQ(boot.end(), "lost: GRUB has no address after HTTP boot: grub> prompt");
}

TEST(BootMachine, AMachineOfNobodyIsLeftAlone) {
    Boot boot{"ipxe-bios"};
    boot.options.seed = 1;
    boot.BootWorld::start(1, {{0x52, 0x54, 0, 0, 0, 99}}, make_boot_machine(boot.options));
    boot.run_for(1h);
    EXPECT_TRUE(boot.end().starts_with("lost")) << boot.end();
    EXPECT_EQ(boot.stages().back(), ClientStage::lost);
}

struct Patience {
    std::string_view firmware;
    double seconds; ///< from power-on until it is lost
};

// Nobody answers anything.
TEST(BootMachine, GivesUpWhenTheRealOneDoes) {
    for (const Patience& patience :
         {Patience{"ipxe-bios", 3.3 + 15.2}, Patience{"edk2", 5.5 + 2 * 59.8},
          Patience{"edk2-http", 5.3 + 2 * 59.8}, Patience{"u-boot", 7.4 + 2 * 29.8}}) {
        SCOPED_TRACE(patience.firmware);
        Boot boot{patience.firmware};
        boot.deaf = true;
        const Instant begun = boot.now.steady;
        boot.run();
        EXPECT_TRUE(boot.end().starts_with("lost: no DHCP OFFER")) << boot.end();
        EXPECT_NEAR(seconds(boot.now.steady - begun), patience.seconds, 1.0);
        EXPECT_EQ(boot.stages().back(), ClientStage::lost);
    }
}

TEST(BootMachine, ASwitchedOffMachineComesBackAnew) {
    Boot boot{"ipxe-bios"};
    boot.BootWorld::start(0, machine_mac, make_boot_machine(boot.options));
    boot.run_for(8s); // in the middle of its kernel or installer
    EXPECT_TRUE(boot.fleet.running(0));
    boot.pull_the_plug(0);
    boot.run();
    EXPECT_EQ(boot.end(), "ok");
    EXPECT_EQ(boot.install_state("r1n01"), "installed");
}

} // namespace
} // namespace muster::test
