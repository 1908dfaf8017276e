// SPDX-License-Identifier: Apache-2.0
// muster media -- an image for machines that cannot boot from the network.
#include "tools/muster/boot_medium.hh"
#include "tools/muster/command.hh"
#include "tools/muster/node.hh"
#include "tools/muster/progress.hh"
#include "tools/muster/terminal.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <unistd.h>

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

void add_media_options(po::options_description& options) {
    options.add_options()("iso", po::value<std::string>()->value_name("FILE"),
                          "Write the image to this file.")(
        "usb", po::value<std::string>()->value_name("DEVICE"),
        "Write it onto this USB stick (a block device that is not mounted), or to this file. "
        "Everything on the stick is lost.")(
        "boot-url", po::value<std::string>()->value_name("URL"),
        "Where machines ask for their boot scripts: http://ADDRESS[:PORT]. Default: what the "
        "server says of itself.")("force", "Replace a file that is there.");
}

std::string boot_url(Session& session) {
    if (const auto url = session.value("boot-url")) {
        return check_boot_url(*url);
    }
    const Json site = require(session.api().get("/api/v1/site"));
    const std::string url = text_of(site, "boot_url");
    if (url.empty()) {
        throw Failure{fmt::format("{} does not say where machines reach it; give --boot-url "
                                  "http://ADDRESS[:PORT]",
                                  session.server())};
    }
    return check_boot_url(url);
}

Exit run_media(Session& session) {
    const auto iso = session.value("iso");
    const auto usb = session.value("usb");
    if (iso.has_value() == usb.has_value()) {
        throw UsageError{"media: give one of --iso FILE and --usb DEVICE"};
    }
    const std::string out = iso ? *iso : *usb;
    const std::string url = boot_url(session);
    std::error_code ignored;
    const bool device = usb && fs::is_block_file(out, ignored);
    if (!device && fs::exists(out, ignored) && !session.has("force")) {
        throw Failure{fmt::format("{} is there already; --force replaces it", printable(out))};
    }
    const fs::path image =
        device ? fs::temp_directory_path() / fmt::format("muster-media-{}.iso", ::getpid())
               : fs::path{out};
    write_boot_medium(image, url);
    const std::uint64_t size = fs::file_size(image);
    if (device) {
        const Look look = look_of(STDOUT_FILENO);
        try {
            copy_to_device(image, out, [&](std::uint64_t done, std::uint64_t total) {
                if (look.redraws) {
                    print(fmt::format(
                        "\r{} {} of {}\x1b[K",
                        progress_bar(static_cast<unsigned>(done * 100 / total), 30, look.glyphs),
                        bytes_text(done), bytes_text(total)));
                }
            });
        } catch (...) {
            fs::remove(image, ignored);
            throw;
        }
        fs::remove(image, ignored);
        print(look.redraws ? "\r\x1b[K" : "");
    }
    print(fmt::format("{}: {}; boots BIOS and UEFI machines, which ask {} for their scripts\n",
                      printable(out), bytes_text(size), url));
    return Exit::success;
}

} // namespace

const Command media_command{
    .name = "media",
    .arguments = "--iso FILE | --usb DEVICE [--boot-url URL] [--force]",
    .summary = "Write an image for machines that cannot boot from the network.",
    .details =
        "Writes one image that boots BIOS machines (ISOLINUX and iPXE) and UEFI machines (shim and "
        "GRUB, Secure Boot too) from CD, virtual media of a management controller, or USB stick. "
        "It asks any DHCP server for an address and then this server for the machine's boot "
        "script, and from there on everything is as after a network boot. Put the machine's disk "
        "behind the medium in its boot order: once installed, the script leads on to the disk. A "
        "BIOS that boots from a USB stick calls that its first disk: take the stick out once the "
        "machine is installed. Needs the packages xorriso, mtools, isolinux, syslinux-common, "
        "ipxe, "
        "shim-signed and grub-efi-amd64-signed.",
    .examples = "  muster media --iso muster.iso\n"
                "  muster media --usb /dev/sdx --boot-url http://10.0.0.1",
    .argument = {},
    .arguments_min = 0,
    .arguments_max = 0,
    .add_options = add_media_options,
    .run = run_media,
};

} // namespace muster::cli
