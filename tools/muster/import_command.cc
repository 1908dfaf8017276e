// SPDX-License-Identifier: Apache-2.0
// muster import -- brings an installation medium into a site folder, without a server.
#include "core/site/scalar.hh"

#include "tools/muster/command.hh"
#include "tools/muster/importer.hh"
#include "tools/muster/progress.hh"
#include "tools/muster/terminal.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

namespace muster::cli {
namespace {

constexpr const char* default_site = "/etc/muster";

volatile std::sig_atomic_t import_interrupted = 0;

void on_interrupt(int /*number*/) {
    import_interrupted = 1;
}

void add_import_options(po::options_description& options) {
    options.add_options()("name", po::value<std::string>()->value_name("NAME"),
                          "Name of the profile, and of the folder below files/. Required.")(
        "site", po::value<std::string>()->value_name("DIR"),
        "The site folder. Default: /etc/muster.")(
        "netboot", po::value<std::string>()->value_name("PATH"),
        "Where kernel and initrd come from, if those of the medium itself look for a CD: a netboot "
        "archive or folder of the same release (Debian, Alpine).")(
        "force", "Replace a profile and files of this name.");
}

/// A bar on a terminal, redrawn in place; into a file or pipe nothing.
class ImportBar {
public:
    explicit ImportBar(const Look& look) : look_(look) {}

    void show(std::string_view doing, std::uint64_t done, std::uint64_t total) {
        if (!look_.redraws) {
            return;
        }
        const auto now = std::chrono::steady_clock::now();
        const bool last = done >= total;
        if (drawn_ && !last && now - drawn_at_ < std::chrono::milliseconds{100}) {
            return;
        }
        drawn_ = true;
        drawn_at_ = now;
        const auto percent = total == 0 ? 100U : static_cast<unsigned>(done * 100 / total);
        print(fmt::format("\r{} {} {} of {}\x1b[K", progress_bar(percent, 30, look_.glyphs), doing,
                          bytes_text(done), bytes_text(total)));
    }
    /// Before anything else is printed.
    void clear() {
        if (std::exchange(drawn_, false)) {
            print("\r\x1b[K");
        }
    }

private:
    Look look_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point drawn_at_;
};

Exit run_import(Session& session) {
    const auto name = session.value("name");
    if (!name) {
        throw UsageError{
            "import: --name is missing; usage: muster import ISO|DIR|ARCHIVE|IMAGE --name "
            "NAME"};
    }
    if (!is_plain_name(*name)) {
        throw UsageError{fmt::format("import: --name '{}' is no name of a profile; allowed are "
                                     "letters, digits, '.', '_' and '-', at most 64, the first a "
                                     "letter, digit or '_'",
                                     printable(*name))};
    }
    const ImportOrder order{.source = session.arguments().front(),
                            .netboot = session.value_or("netboot", ""),
                            .name = *name,
                            .site = session.value_or("site", default_site),
                            .force = session.has("force")};
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGHUP, &action, nullptr);
    ImportBar bar{look_of(STDOUT_FILENO)};
    try {
        import_medium(
            order,
            [&bar](const std::string& line) {
                bar.clear();
                print(line + '\n');
            },
            [&bar](std::string_view doing, std::uint64_t done, std::uint64_t total) {
                if (import_interrupted != 0) {
                    throw Failure{"interrupted; nothing was imported"};
                }
                bar.show(doing, done, total);
            });
    } catch (...) {
        bar.clear();
        throw;
    }
    print(fmt::format("next: name the profile {} in {}/nodes.yaml, then 'muster check {}'\n", *name,
                      printable(order.site.string()), printable(order.site.string())));
    return Exit::success;
}

} // namespace

const Command import_command{
    .name = "import",
    .arguments = "ISO|DIR|ARCHIVE|IMAGE --name NAME [--site DIR]\n"
                 "                     [--netboot PATH] [--force]",
    .summary = "Make a profile of an installation medium, without a server.",
    .details =
        "Recognises Debian, Ubuntu, Fedora, RHEL, Rocky Linux, AlmaLinux, CentOS Stream, "
        "openSUSE, SLES, Alpine, Flatcar, Fedora CoreOS and Arch Linux: an ISO, a folder "
        "with its files, or a netboot archive (tar, or a Debian package). Checks the sums it "
        "finds on the medium and beside it, puts the files below files/NAME and writes "
        "profiles/NAME.yaml and the templates of its answers. An image of a disk (raw, or qcow2 "
        "if qemu-img is there; also as .gz, .xz, .zst) or a root file system (tar) becomes a "
        "profile that the minimal installer writes to the disk. If anything goes wrong, nothing "
        "has changed.",
    .examples = "  muster import debian-installer-12-netboot-amd64.deb --name debian12\n"
                "  muster import Rocky-9.3-x86_64-dvd.iso --name rocky9 --site /etc/muster\n"
                "  muster import debian-12-genericcloud-amd64.qcow2 --name cloud12",
    .argument = "ISO|DIR|ARCHIVE|IMAGE",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = add_import_options,
    .run = run_import,
};

} // namespace muster::cli
