// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/boot_medium.hh"

#include "tools/muster/program.hh"
#include "tools/muster/scratch_folder.hh"
#include "tools/muster/text.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

/// A file that goes onto the medium.
struct Part {
    std::array<const char*, 2> from; ///< the best first
    const char* package;             ///< of Debian 12
    const char* to;                  ///< below the medium's root
};

/// ISOLINUX reads names of eight and three characters.
constexpr std::array bios_parts = {
    Part{{"/usr/lib/ISOLINUX/isolinux.bin", ""}, "isolinux", "isolinux/isolinux.bin"},
    Part{{"/usr/lib/syslinux/modules/bios/ldlinux.c32", ""},
         "syslinux-common",
         "isolinux/ldlinux.c32"},
    Part{{"/usr/lib/ipxe/ipxe.lkrn", "/boot/ipxe.lkrn"}, "ipxe", "boot/ipxe.krn"},
};
/// shim looks for grubx64.efi beside itself; this is the build that has the network.
constexpr std::array uefi_parts = {
    Part{{"/usr/lib/shim/shimx64.efi.signed", "/usr/lib/shim/shimx64.efi"},
         "shim-signed",
         "EFI/BOOT/BOOTX64.EFI"},
    Part{{"/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed", ""},
         "grub-efi-amd64-signed",
         "EFI/BOOT/grubx64.efi"},
};
constexpr const char* hybrid_mbr = "/usr/lib/ISOLINUX/isohdpfx.bin";
/// Where the builds of GRUB look for their configuration.
constexpr std::array grub_configs = {"grub/grub.cfg", "EFI/debian/grub.cfg"};

constexpr std::string_view isolinux_config = R"(DEFAULT muster
PROMPT 0
LABEL muster
  LINUX /boot/ipxe.krn
  INITRD /boot/muster.ipx
)";

void copy_part(const Part& part, const fs::path& root) {
    for (const char* const from : part.from) {
        if (*from != '\0' && fs::is_regular_file(from)) {
            fs::create_directories((root / part.to).parent_path());
            fs::copy_file(from, root / part.to);
            return;
        }
    }
    throw Failure{
        fmt::format("{} is missing: install the package {}", part.from.front(), part.package)};
}

void must_run(const std::vector<std::string>& arguments, std::string_view package) {
    const ProgramEnd end = run_program(arguments);
    if (!end.started) {
        throw Failure{fmt::format("{} is missing: install the package {}", arguments[0], package)};
    }
    if (end.status != 0) {
        throw Failure{fmt::format("{} failed: {}", arguments[0], printable(last_line(end.output)))};
    }
}

/// The file system that UEFI boots from: an image of its own, inside of the ISO.
void write_efi_image(const fs::path& root) {
    const std::string image = (root / "efi.img").string();
    std::uint64_t bytes = std::uint64_t{1} << 20U; // for what FAT itself takes
    for (const auto& entry : fs::recursive_directory_iterator{root / "EFI"}) {
        bytes += entry.is_regular_file() ? entry.file_size() : 0;
    }
    const std::uint64_t sectors = bytes / 512 / 2048 * 2048 + 2048;
    must_run({"mformat", "-C", "-i", image, "-v", "MUSTER", "-T", std::to_string(sectors), "::"},
             "mtools");
    for (const char* const folder : {"EFI", "grub"}) {
        must_run({"mcopy", "-i", image, "-s", (root / folder).string(), "::/"}, "mtools");
    }
}

} // namespace

std::string check_boot_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) {
        throw UsageError{fmt::format("--boot-url '{}' does not begin with http://; firmware and "
                                     "boot loaders of media know no other",
                                     printable(std::string{url}))};
    }
    while (url.ends_with('/')) {
        url.remove_suffix(1);
    }
    const std::string_view host = url.substr(std::min(scheme.size(), url.size()));
    const bool plain = !host.empty() && std::ranges::all_of(host, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':';
    });
    if (!plain) {
        throw UsageError{fmt::format("--boot-url '{}' is not http://ADDRESS or http://ADDRESS:PORT",
                                     printable(std::string{url}))};
    }
    return std::string{url};
}

std::string medium_ipxe_script(std::string_view url) {
    return fmt::format(R"(#!ipxe
:again
dhcp && chain --autofree {}/boot/ipxe?mac=${{netX/mac}} ||
echo muster: no boot script from {}, asking again in 5 s
ifclose
sleep 5
goto again
)",
                       url, url);
}

std::string medium_grub_script(std::string_view url) {
    std::string_view host = url.substr(std::string_view{"http://"}.size());
    host = host.substr(0, host.find(':'));
    return fmt::format(R"(while true; do
  net_bootp
  configfile "(tftp,{})/boot/grub.cfg-01-$net_default_mac"
  echo 'muster: no boot script from {}, asking again in 5 s'
  sleep 5
done
)",
                       host, host);
}

void write_boot_medium(const fs::path& image, std::string_view url) {
    if (!fs::is_regular_file(hybrid_mbr)) {
        throw Failure{fmt::format("{} is missing: install the package isolinux", hybrid_mbr)};
    }
    const ScratchFolder scratch{"media"};
    const fs::path root = scratch.path() / "root";
    for (const Part& part : bios_parts) {
        copy_part(part, root);
    }
    for (const Part& part : uefi_parts) {
        copy_part(part, root);
    }
    write_text(root / "isolinux/isolinux.cfg", isolinux_config);
    write_text(root / "boot/muster.ipx", medium_ipxe_script(url));
    for (const char* const config : grub_configs) {
        write_text(root / config, medium_grub_script(url));
    }
    write_efi_image(root);
    const fs::path whole = scratch.path() / "image";
    must_run({"xorriso",
              "-as",
              "mkisofs",
              "-quiet",
              "-V",
              "MUSTER",
              "-r",
              "-o",
              whole.string(),
              "-isohybrid-mbr",
              hybrid_mbr,
              "-c",
              "isolinux/boot.cat",
              "-b",
              "isolinux/isolinux.bin",
              "-no-emul-boot",
              "-boot-load-size",
              "4",
              "-boot-info-table",
              "-eltorito-alt-boot",
              "-e",
              "efi.img",
              "-no-emul-boot",
              "-isohybrid-gpt-basdat",
              root.string()},
             "xorriso");
    // Beside its place first: the folder of temporary files may be another file system.
    const fs::path beside = image.string() + ".part";
    std::error_code error;
    fs::copy_file(whole, beside, fs::copy_options::overwrite_existing, error);
    if (!error) {
        fs::rename(beside, image, error);
    }
    if (error) {
        std::error_code ignored;
        fs::remove(beside, ignored);
        throw Failure{
            fmt::format("cannot write {}: {}", printable(image.string()), error.message())};
    }
}

void copy_to_device(const fs::path& image, const std::string& device,
                    const CopyProgress& progress) {
    struct Descriptor {
        int fd;
        ~Descriptor() { ::close(fd); }
    };
    // O_EXCL: a block device that is mounted, or part of something that is, cannot be opened.
    const Descriptor out{::open(device.c_str(), O_WRONLY | O_EXCL | O_CLOEXEC)};
    const auto failed = [&] {
        throw Failure{
            fmt::format("{}: {}", printable(device),
                        errno == EBUSY ? "it is in use; unmount it first" : std::strerror(errno))};
    };
    if (out.fd < 0) {
        failed();
    }
    std::ifstream in{image, std::ios::binary};
    const std::uint64_t total = fs::file_size(image);
    std::vector<char> buffer(std::size_t{1} << 20U);
    for (std::uint64_t done = 0; done < total;) {
        in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        const auto size = static_cast<std::size_t>(in.gcount());
        if (size == 0) {
            throw Failure{fmt::format("cannot read {}", image.string())};
        }
        for (std::size_t at = 0; at < size;) {
            const ssize_t written = ::write(out.fd, buffer.data() + at, size - at);
            if (written < 0 && errno == EINTR) {
                continue;
            }
            if (written <= 0) {
                failed();
            }
            at += static_cast<std::size_t>(written);
        }
        done += size;
        progress(done, total);
    }
    if (::fsync(out.fd) != 0) {
        failed();
    }
}

} // namespace muster::cli
