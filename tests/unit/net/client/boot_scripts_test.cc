// SPDX-License-Identifier: Apache-2.0
// Boot scripts as iPXE, GRUB and PXELINUX understand them: those that the server writes, and those
// that people write.
#include "core/base/prng.hh"
#include "core/content/boot_script.hh"
#include "net/client/grub_script.hh"
#include "net/client/ipxe_script.hh"
#include "net/client/pxelinux_config.hh"

#include <gtest/gtest.h>

#include <functional>

namespace muster::test {
namespace {

using Kind = BootWish::Kind;
using Lines = std::vector<std::string>;

BootPlace place(bool uefi, bool disk) {
    BootPlace place;
    place.mac = {{0x52, 0x54, 0, 0, 0, 1}};
    place.lease.address = {{10, 0, 0, 5}};
    place.lease.dhcp_next_server = place.lease.next_server = {{10, 0, 0, 1}};
    place.uefi = uefi;
    place.disk_has_system = disk;
    return place;
}

/// What a script did, line by line, and what each fetch brings.
struct ScriptRun {
    std::map<std::string, std::string> files{}; ///< by URL; `*`: any
    std::size_t wishes_max = 12;
    Lines did{};

    /// `run`: a script's own.
    const Lines& operator()(const std::function<BootWish(const BootAnswer&)>& run) {
        BootAnswer answer;
        std::string body;
        while (did.size() < wishes_max) {
            const BootWish wish = run(answer);
            answer = {};
            switch (wish.kind) {
            case Kind::fetch: {
                const std::string url = to_text(wish.url);
                const auto at = files.contains(url) ? files.find(url) : files.find("*");
                answer.ok = at != files.end();
                answer.why = "not there";
                body = answer.ok ? at->second : "";
                answer.body = body;
                did.push_back((wish.stage == ClientStage::kernel ? "kernel-stage " : "fetch ") +
                              url);
                break;
            }
            case Kind::wait:
                did.push_back(
                    "wait " +
                    std::to_string(
                        std::chrono::duration_cast<std::chrono::seconds>(wish.duration).count()));
                break;
            case Kind::program:
                did.push_back("run " + std::string{wish.program->name});
                return did;
            case Kind::kernel:
                did.push_back("boot " + wish.text);
                return did;
            case Kind::disk:
                did.emplace_back("disk");
                return did;
            case Kind::leave:
                did.push_back("leave: " + wish.text);
                return did;
            case Kind::stuck:
                did.push_back("stuck: " + wish.text);
                return did;
            case Kind::dhcp:
            case Kind::routers:
                did.emplace_back("?");
                return did;
            }
        }
        return did;
    }
};

Lines ipxe(std::string_view text, std::map<std::string, std::string> files = {{"*", ""}},
           bool uefi = false, bool disk = false, std::size_t wishes_max = 12) {
    IpxeScripts scripts{place(uefi, disk),
                        {{"mac", "52:54:00:00:00:01"}, {"platform", uefi ? "efi" : "pcbios"}}};
    scripts.push(text, *read_boot_url("http://10.0.0.1/boot/ipxe"));
    ScriptRun run{std::move(files), wishes_max};
    return run([&](const BootAnswer& answer) { return scripts.run(answer); });
}

Lines grub(std::string_view text, std::map<std::string, std::string> files = {{"*", ""}},
           bool disk = false, std::size_t wishes_max = 12) {
    GrubScripts scripts{place(true, disk), tftp_url({{10, 0, 0, 1}}, "")};
    if (!scripts.push(text)) {
        return {"syntax error"};
    }
    ScriptRun run{std::move(files), wishes_max};
    return run([&](const BootAnswer& answer) { return scripts.run(answer); });
}

BootScriptFor script_for(BootLoader loader) {
    BootScriptFor to;
    to.loader = loader;
    to.server = {Ipv4Address{{10, 0, 0, 1}}, 80};
    to.name = "r1n01";
    return to;
}

const InstallBoot install{.profile = "debian12",
                          .attempt = 1,
                          .kernel = "debian12/linux",
                          .initrd = {"debian12/a", "debian12/b"},
                          .cmdline = "quiet x=\"a b\""};

TEST(IpxeScript, TheServersScriptsDoWhatTheySay) {
    const auto to = script_for(BootLoader::ipxe);
    EXPECT_EQ(ipxe(install_script(to, install)),
              (Lines{"kernel-stage http://10.0.0.1/files/debian12/linux",
                     "kernel-stage http://10.0.0.1/files/debian12/a",
                     "kernel-stage http://10.0.0.1/files/debian12/b",
                     "boot initrd=initrd0 initrd=initrd1 quiet x=\"a b\""}));
    EXPECT_EQ(ipxe(boot_local_script(to), {}, false, true), Lines{"disk"});
    EXPECT_EQ(ipxe(boot_local_script(to), {}, false, false),
              Lines{"leave: nothing to boot on its disk"});
    EXPECT_EQ(ipxe(boot_local_script(to), {{"*", ""}}, true, true),
              (Lines{"fetch tftp://10.0.0.1/loaders/grubx64.efi", "run GRUB"}));
    EXPECT_EQ(ipxe(ignored_script(to)).size(), 1U);
}

TEST(IpxeScript, WhatCannotBeLoadedIsAskedForAgainForEver) {
    const auto to = script_for(BootLoader::ipxe);
    const std::string script = install_script(to, install);
    const auto did = ipxe(script, {{"http://10.0.0.1/boot/ipxe", script}}, false, false, 30);
    ASSERT_EQ(did.size(), 30U);
    for (std::size_t i = 0; i + 2 < did.size(); i += 3) {
        EXPECT_EQ(did[i], "kernel-stage http://10.0.0.1/files/debian12/linux");
        EXPECT_EQ(did[i + 1], "wait 30");
        EXPECT_EQ(did[i + 2], "fetch http://10.0.0.1/boot/ipxe");
    }
    // Even the server is silent.
    const auto hold = ipxe(hold_script(to, 5s, "held back"), {}, false, false, 4);
    EXPECT_EQ(hold, (Lines{"wait 5", "fetch http://10.0.0.1/boot/ipxe", "wait 5",
                           "fetch http://10.0.0.1/boot/ipxe"}));
}

TEST(IpxeScript, OperatorsAreThoseOfIpxe) {
    EXPECT_EQ(ipxe("#!ipxe\nfalse-command\nsleep 9\n"),
              Lines{"leave: false-command: command not found"})
        << "a command that fails ends the script";
    EXPECT_EQ(ipxe("#!ipxe\nnone || sleep 1\niseq a a && sleep 2 || sleep 3\n")[1], "wait 2");
    EXPECT_EQ(ipxe("#!ipxe\nnone ; sleep 4\n")[0], "wait 4");
    EXPECT_EQ(ipxe("#!ipxe\necho a || sleep 1\nsleep 5 # sleep 6\n")[0], "wait 5");
    EXPECT_EQ(ipxe("#!ipxe\nnone ||\nsleep 7\n")[0], "wait 7") << "`||` and nothing: never mind";
    EXPECT_EQ(ipxe("#!ipxe\nset w 8\nsleep ${w}\n")[0], "wait 8");
    EXPECT_EQ(ipxe("#!ipxe\ngoto b\n:a\nsleep 1\n:b\nsleep 2\n")[0], "wait 2");
    EXPECT_EQ(ipxe("#!ipxe\ngoto nowhere || sleep 3\n")[0], "wait 3");
    EXPECT_EQ(ipxe("#!ipxe\nexit 1\nsleep 1\n").size(), 1U);
    EXPECT_EQ(ipxe("#!ipxe\n:a\ngoto a\n"), Lines{"stuck: the boot script runs in circles"});
    EXPECT_EQ(ipxe("#!ipxe\nshell\n"), Lines{"stuck: iPXE waits for a person: shell"});
}

TEST(IpxeScript, ChainsScriptsProgramsAndKernels) {
    const std::string inner = "#!ipxe\nsleep 1\nexit 1\n";
    EXPECT_EQ(ipxe("#!ipxe\nchain next || sleep 2\n", {{"http://10.0.0.1/boot/next", inner}}),
              (Lines{"fetch http://10.0.0.1/boot/next", "wait 1", "wait 2",
                     "leave: the boot script has ended"}));
    EXPECT_EQ(
        ipxe("#!ipxe\nchain --replace next || sleep 2\n", {{"http://10.0.0.1/boot/next", inner}}),
        (Lines{"fetch http://10.0.0.1/boot/next", "wait 1", "leave: the boot script has ended"}))
        << "what was replaced does not go on";
    EXPECT_EQ(ipxe("#!ipxe\nchain tftp://10.0.0.2/shimx64.efi\n", {{"*", ""}}, true)[1],
              "run shim");
    EXPECT_EQ(ipxe("#!ipxe\nboot /linux ro quiet\n"),
              (Lines{"fetch http://10.0.0.1/linux", "boot ro quiet"}));
    EXPECT_EQ(ipxe("#!ipxe\nkernel http://host.example/linux || sleep 1\n")[0], "wait 1")
        << "there is no resolver";
}

TEST(GrubScript, TheServersScriptsDoWhatTheySay) {
    const auto to = script_for(BootLoader::grub);
    EXPECT_EQ(grub(install_script(to, install)),
              (Lines{"kernel-stage tftp://10.0.0.1/files/debian12/linux",
                     "kernel-stage tftp://10.0.0.1/files/debian12/a",
                     "kernel-stage tftp://10.0.0.1/files/debian12/b",
                     "boot BOOT_IMAGE=/files/debian12/linux quiet x=a b"}));
    EXPECT_EQ(grub(boot_local_script(to), {}, true), Lines{"disk"});
    EXPECT_EQ(grub(boot_local_script(to), {}, false), Lines{"leave: search: nothing on its disk"});
    EXPECT_EQ(grub(ignored_script(to)), Lines{"leave: grub.cfg says exit"});
}

TEST(GrubScript, TriesHttpThenAsksAnewForEver) {
    const auto to = script_for(BootLoader::grub);
    const std::string script = install_script(to, install);
    const auto did = grub(script, {{"tftp://10.0.0.1/boot/grub.cfg", script}}, false, 40);
    ASSERT_EQ(did.size(), 40U);
    for (std::size_t i = 0; i + 3 < did.size(); i += 4) {
        EXPECT_EQ(did[i], "kernel-stage tftp://10.0.0.1/files/debian12/linux");
        EXPECT_EQ(did[i + 1], "kernel-stage http://10.0.0.1/files/debian12/linux");
        EXPECT_EQ(did[i + 2], "wait 30");
        EXPECT_EQ(did[i + 3], "fetch tftp://10.0.0.1/boot/grub.cfg");
    }
}

TEST(GrubScript, MenusAndVariablesOfPeople) {
    constexpr std::string_view menu = R"(
set default="second"
set timeout=5
menuentry 'first' --id a { linux /one }
menuentry "second" {
    linux (http,10.0.0.2:8080)/two root=$root mac=${net_default_mac} \
        more
    initrd /two.gz
}
)";
    EXPECT_EQ(grub(menu), (Lines{"wait 5", "kernel-stage http://10.0.0.2:8080/two",
                                 "kernel-stage tftp://10.0.0.1/two.gz",
                                 "boot BOOT_IMAGE=/two root=tftp,10.0.0.1 "
                                 "mac=52:54:00:00:00:01 more"}));
    EXPECT_EQ(grub("menuentry a { linux /x }\n"), Lines{"stuck: GRUB's menu waits for a person"});
    EXPECT_EQ(grub("linux /x\n").back(), "stuck: grub> prompt");
    EXPECT_EQ(grub("boot\n"), Lines{"stuck: grub> prompt: boot: no kernel is loaded"});
}

TEST(GrubScript, Control) {
    EXPECT_EQ(grub("if false; then sleep 1; elif true; then sleep 2; else sleep 3; fi")[0],
              "wait 2");
    EXPECT_EQ(grub("if ! false; then sleep 1; fi")[0], "wait 1");
    EXPECT_EQ(grub("for i in 1 2 3; do sleep $i; done"),
              (Lines{"wait 1", "wait 2", "wait 3", "stuck: grub> prompt"}));
    EXPECT_EQ(grub("x=a\nuntil [ $x = b ]; do sleep 1; x=b; done\nsleep 2"),
              (Lines{"wait 1", "wait 2", "stuck: grub> prompt"}));
    EXPECT_EQ(grub("if [ -n \"$nothing\" ]; then sleep 1; else sleep 2; fi")[0], "wait 2");
    EXPECT_EQ(grub("while true; do true; done"), Lines{"stuck: grub.cfg runs in circles"});
    for (const char* bad : {"if true; then sleep 1", "fi", "for x; do true; done", "while true; do",
                            "menuentry a { linux /x", "}"}) {
        EXPECT_EQ(grub(bad), Lines{"syntax error"}) << bad;
    }
}

TEST(GrubScript, ChainsPrograms) {
    EXPECT_EQ(grub("chainloader /ipxe.efi\nboot\n"),
              (Lines{"fetch tftp://10.0.0.1/ipxe.efi", "run iPXE (EFI)"}));
    EXPECT_EQ(grub("configfile /other.cfg\nsleep 1\n", {{"*", "sleep 2\nexit\n"}}),
              (Lines{"fetch tftp://10.0.0.1/other.cfg", "wait 2", "leave: grub.cfg says exit"}));
}

/// PXELINUX from pxelinux.cfg/default on; with a TCP stack.
Lines pxelinux(std::string_view text, std::map<std::string, std::string> files = {{"*", ""}},
               bool disk = false, std::size_t wishes_max = 12, bool http = true) {
    BootPlace at = place(false, disk);
    at.model = find_boot_program(http ? "lpxelinux.0" : "pxelinux.0", false);
    at.url = tftp_url({{10, 0, 0, 1}}, "loaders/lpxelinux.0");
    const auto program = make_pxelinux_program(at);
    ScriptRun run{std::move(files), wishes_max};
    run.files["tftp://10.0.0.1/loaders/ldlinux.c32"] = "";
    run.files["tftp://10.0.0.1/loaders/pxelinux.cfg/01-52-54-00-00-00-01"] = text;
    Lines did = run([&](const BootAnswer& answer) { return program->next(answer); });
    did.erase(did.begin(), did.begin() + std::min<std::ptrdiff_t>(2, std::ssize(did)));
    return did;
}

TEST(Pxelinux, TheServersScriptsDoWhatTheySay) {
    const auto to = script_for(BootLoader::pxelinux);
    EXPECT_EQ(pxelinux(install_script(to, install)),
              (Lines{"kernel-stage http://10.0.0.1/files/debian12/linux",
                     "kernel-stage http://10.0.0.1/files/debian12/a",
                     "kernel-stage http://10.0.0.1/files/debian12/b", "boot quiet x=\"a b\""}));
    EXPECT_EQ(pxelinux(boot_local_script(to), {}, true), Lines{"disk"});
    EXPECT_EQ(pxelinux(boot_local_script(to), {}, false),
              Lines{"leave: LOCALBOOT: nothing to boot on its disk"});
    const auto held = pxelinux(hold_script(to, 5s, ""), {}, false, 6);
    EXPECT_EQ(held, (Lines{"wait 5", "fetch http://10.0.0.1/boot/pxelinux.cfg/default", "wait 5",
                           "fetch http://10.0.0.1/boot/pxelinux.cfg/default"}));
}

TEST(Pxelinux, AsksForEverWiderNames) {
    BootPlace at = place(false, false);
    at.model = find_boot_program("pxelinux.0", false);
    at.url = tftp_url({{10, 0, 0, 1}}, "pxelinux.0");
    const auto program = make_pxelinux_program(at);
    ScriptRun run{{{"tftp://10.0.0.1/ldlinux.c32", ""}}, 100};
    const auto did = run([&](const BootAnswer& answer) { return program->next(answer); });
    ASSERT_EQ(did.size(), 12U);
    EXPECT_EQ(did[1], "fetch tftp://10.0.0.1/pxelinux.cfg/01-52-54-00-00-00-01");
    EXPECT_EQ(did[2], "fetch tftp://10.0.0.1/pxelinux.cfg/0A000005");
    EXPECT_EQ(did[9], "fetch tftp://10.0.0.1/pxelinux.cfg/0");
    EXPECT_EQ(did[10], "fetch tftp://10.0.0.1/pxelinux.cfg/default");
    EXPECT_TRUE(did[11].starts_with("stuck")) << did[11];
}

TEST(Pxelinux, ConfigurationsOfPeople) {
    EXPECT_EQ(pxelinux("# comment\ndefault a\nlabel a\n kernel linux\n append initrd=x,y quiet\n"),
              (Lines{"kernel-stage tftp://10.0.0.1/loaders/linux",
                     "kernel-stage tftp://10.0.0.1/loaders/x",
                     "kernel-stage tftp://10.0.0.1/loaders/y", "boot initrd=x,y quiet"}));
    EXPECT_EQ(pxelinux("DEFAULT a\nAPPEND all\nLABEL a\n LINUX l\n")[1], "boot all");
    EXPECT_EQ(pxelinux("DEFAULT a\nAPPEND all\nLABEL a\n LINUX l\n APPEND -\n")[1], "boot ");
    EXPECT_EQ(pxelinux("LABEL b\n LINUX l\nLABEL a\n MENU DEFAULT\n LINUX m\n")[0],
              "kernel-stage tftp://10.0.0.1/loaders/m");
    EXPECT_EQ(pxelinux("DEFAULT a\nLABEL a\n LINUX http://10.0.0.1/l\n", {}, false, 12, false),
              Lines{"stuck: boot: prompt: cannot fetch http://10.0.0.1/l"})
        << "pxelinux.0 has no TCP";
}

// What a server sends by mistake ends in a prompt, not in a crash or a loop without end.
TEST(BootScripts, GarbageIsSurvived) {
    const std::string scripts[] = {
        install_script(script_for(BootLoader::ipxe), install),
        install_script(script_for(BootLoader::grub), install),
        boot_local_script(script_for(BootLoader::grub)),
        install_script(script_for(BootLoader::pxelinux), install),
        "for i in 1 2; do if [ $i = 1 ]; then sleep 1; fi; done\nmenuentry 'a' { linux /x }\n"};
    constexpr std::string_view odd = "${}()'\"\\;|&\n\t #[]=:/0a";
    Prng prng{11};
    for (int round = 0; round < 1'500; ++round) {
        std::string text = scripts[prng.below(std::size(scripts))];
        for (std::uint64_t changes = 1 + prng.below(6); changes > 0; --changes) {
            const std::size_t at = prng.below(text.size());
            switch (prng.below(3)) {
            case 0:
                text[at] = odd[prng.below(odd.size())];
                break;
            case 1:
                text.erase(at, 1 + prng.below(8));
                break;
            default:
                text.insert(at, 1, odd[prng.below(odd.size())]);
                break;
            }
            if (text.empty()) {
                text = "#";
            }
        }
        const bool disk = prng.chance(0.5);
        EXPECT_LE(ipxe(text, {{"*", text}}, prng.chance(0.5), disk).size(), 12U);
        EXPECT_LE(grub(text, {{"*", text}}, disk).size(), 12U);
        EXPECT_LE(pxelinux(text, {{"*", text}}, disk).size(), 12U);
    }
}

TEST(BootUrl, ReadsWhatScriptsName) {
    EXPECT_EQ(to_text(*read_boot_url("http://10.0.0.1:8080/a?b")), "http://10.0.0.1:8080/a?b");
    EXPECT_EQ(read_boot_url("http://10.0.0.1")->path, "/");
    EXPECT_EQ(read_boot_url("tftp://10.0.0.1/a/b")->path, "a/b");
    EXPECT_EQ(read_boot_url("http://10.0.0.1:8080/a")->server.port, 8080);
    EXPECT_EQ(read_boot_url("http://10.0.0.1:8080/a")->host, "10.0.0.1:8080");
    for (const char* bad :
         {"", "a", "/a", "ftp://10.0.0.1/a", "http://host/a", "http://10.0.0.1:/a",
          "http://10.0.0.1:0/a", "http://10.0.0.1:70000/a"}) {
        EXPECT_FALSE(read_boot_url(bad).has_value()) << bad;
    }
    const auto base = *read_boot_url("http://10.0.0.1/a/b?c=/d");
    EXPECT_EQ(resolve_boot_url(base, "e")->path, "/a/e");
    EXPECT_EQ(resolve_boot_url(base, "/e")->path, "/e");
    EXPECT_EQ(resolve_boot_url(base, "tftp://10.0.0.2/e")->scheme, BootUrl::Scheme::tftp);
    EXPECT_FALSE(resolve_boot_url(base, "").has_value());
}

} // namespace
} // namespace muster::test
