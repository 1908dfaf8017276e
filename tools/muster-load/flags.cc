// SPDX-License-Identifier: Apache-2.0
// The flags of muster-load, each with its effect, unit and default.
#include "tools/muster-load/command_line.hh"

#include <fmt/format.h>

#include <sstream>

namespace muster::load {
namespace {

constexpr unsigned help_columns = 80;

auto* text(const char* name) {
    return po::value<std::string>()->value_name(name);
}

void add_verify(po::options_description& flags) {
    flags.add_options()("verify", text("FILE"),
                        "Compare every byte that comes with this local file.");
}

void add_dhcp_flags(po::options_description& flags) {
    flags.add_options()("mode", text("MODE"),
                        "broadcast: machines without an address ask the segment (default). "
                        "relay: they ask through a relay agent, which is --addresses, or the "
                        "interface's own address.");
}

void add_file_flags(po::options_description& flags) {
    flags.add_options()("file", text("NAME"), "File to read. Required.")(
        "blksize", text("BYTES"), "blksize to ask for, 8 to 65464; 0: none. Default: 1468.");
}

void add_tftp_flags(po::options_description& flags) {
    add_file_flags(flags);
    flags.add_options()("windowsize", text("BLOCKS"),
                        "windowsize to ask for, 1 to 65535; 0: none. Default: 0.")(
        "port", text("N"), "Port of the server. Default: 69.");
    add_verify(flags);
}

void add_multicast_flags(po::options_description& flags) {
    add_file_flags(flags);
    flags.add_options()("port", text("N"), "Port of the server. Default: 69.");
    add_verify(flags);
}

void add_http_flags(po::options_description& flags) {
    flags.add_options()("path", text("PATH"), "What to GET, with its slash. Required.")(
        "new-connections", po::bool_switch(),
        "A connection for each request; else each client keeps its own.")(
        "port", text("N"), "Port of the server. Default: 80.");
    add_verify(flags);
}

void add_storm_flags(po::options_description& flags) {
    flags.add_options()("nodes", text("N"), "Machines. Required.")(
        "firmware", text("MIX"),
        "What they boot with: mixed, one of edk2, edk2-http, ipxe-bios, ipxe-efi, pxelinux, grub, "
        "shim-grub, u-boot, or shares such as edk2:60,ipxe-bios:40. Default: mixed.")(
        "power-on", text("TIME"),
        "They are switched on at random moments within this time. Default: 30s.")(
        "installer", text("HOW"),
        "minimal: one root image; packages:N: N files, one after the other. Default: minimal.")(
        "own-time", text("FACTOR"),
        "Multiplies what machines need for themselves (self test, decompression); 0 leaves it "
        "out. Timers of protocols stay. Default: 1.")(
        "plot", text("FILE.svg"), "Draw machines by stage over time, and what they waited for.")(
        "simulate", po::bool_switch(),
        "Nothing is sent: musterd, the network and time are simulated. How long would it take?")(
        "link", text("RATE"), "Of a simulated server's link, bits a second. Default: 25G.")(
        "image", text("SIZE"), "Of a simulated root image. Default: 800MiB.")(
        "boot-slots", text("N"),
        "Machines that a simulated server lets load at once: a number, auto, or off. Default: "
        "auto.");
}

/// What Boost writes, less the blanks at the ends of lines.
std::string text_of(const po::options_description& flags) {
    std::ostringstream stream;
    stream << flags;
    std::istringstream lines{std::move(stream).str()};
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        constexpr std::string_view boost_style = "-h [ --help ]";
        if (const auto at = line.find(boost_style); at != std::string::npos) {
            line.replace(at, boost_style.size(), "-h, --help   ");
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    return out;
}

} // namespace

const std::vector<Subcommand>& subcommands() {
    static const std::vector<Subcommand> all{
        {.kind = Kind::dhcp,
         .summary = "whole DHCP exchanges, DISCOVER to ACK",
         .details = "Each client is a machine with a link address of its own, and makes one\n"
                    "exchange; with --duration they begin again when all have had their turn.",
         .example = "muster-load dhcp --interface eth1 --clients 20000 --concurrency 64",
         .add_flags = add_dhcp_flags},
        {.kind = Kind::tftp,
         .summary = "TFTP reads, with block size and windows",
         .details = "Each client reads the file once; with --duration again and again.",
         .example = "muster-load tftp --server 10.0.0.1 --clients 500 --file linux --windowsize 16",
         .add_flags = add_tftp_flags},
        {.kind = Kind::multicast,
         .summary = "multicast TFTP (RFC 2090): one file to all clients",
         .details = "All clients ask at once and share one transfer, each as its master in turn.",
         .example = "muster-load multicast --server 10.0.0.1 --clients 64 --file root.img",
         .add_flags = add_multicast_flags},
        {.kind = Kind::http,
         .summary = "HTTP GETs on kept or new connections",
         .details = "Each client has one connection and asks again as soon as it was answered,\n"
                    "for --duration (10s). Bytes are those that TCP brought, heads included.",
         .example = "muster-load http --server 10.0.0.1 --clients 64 --path /files/linux",
         .add_flags = add_http_flags},
        {.kind = Kind::storm,
         .summary = "machines that boot and install as real firmware does",
         .details =
             "Each machine goes from power-on to its installed disk: ROM, boot loaders,\n"
             "kernel, installer, reboot. One that gives up, as the real one would, is lost.\n"
             "Their addresses have to be this host's, so that it answers for them:\n"
             "    ip route add local 10.0.128.0/17 dev lo",
         .example = "muster-load storm --interface eth1 --nodes 1000 --power-on 30s --plot s.svg",
         .add_flags = add_storm_flags},
    };
    return all;
}

po::options_description own_flags(const Subcommand& subcommand) {
    po::options_description flags{fmt::format("Flags of {}", to_text(subcommand.kind)),
                                  help_columns, help_columns / 2};
    subcommand.add_flags(flags);
    return flags;
}

po::options_description common_flags(const Subcommand& subcommand) {
    const bool frames = subcommand.kind == Kind::dhcp || subcommand.kind == Kind::storm;
    po::options_description flags{"Common flags", help_columns, help_columns / 2};
    flags.add_options()("server", text("ADDR"),
                        frames ? "The server's address. Needed for relay; else who answers is "
                                 "taken."
                               : "The server's address. Required.")(
        "interface", text("IF"),
        frames ? "Interface that the machines are on. Default: the one towards --server."
               : "Interface that groups are joined on. Default: the one towards --server.");
    if (subcommand.kind == Kind::dhcp || subcommand.kind == Kind::tftp) {
        flags.add_options()("backend", text("B"),
                            "What moves the packets: io_uring (default), or dpdk: a port of "
                            "DPDK's, on the server's segment, with no kernel below.")(
            "dpdk-port", text("SPEC"),
            "With --backend dpdk: a virtual device with its arguments, or a PCI address.")(
            "dpdk-eal", text("ARGS"), "Arguments to DPDK's EAL, as one string.");
    }
    if (subcommand.kind != Kind::storm) {
        flags.add_options()("clients", text("N"), "Machines. Default: 1.")(
            "concurrency", text("N"),
            "Closed loop: so many at a time, the next when one has ended. Default: all (dhcp: "
            "64).")(
            "rate", text("N"),
            "Open loop: N begin a second, at random moments, however long others take; latencies "
            "count from these moments.")("duration", text("TIME"),
                                         "End after this time. Default: when each client has had "
                                         "its turn (http: 10s).");
    }
    flags.add_options()(
        "arrivals", text("HOW"),
        "Open loop: once (all at the same moment), a time such as 30s (spread over it at random), "
        "or racks:N (N at a time, a second apart).");
    if (subcommand.kind != Kind::storm) {
        flags.add_options()("warmup", text("TIME"),
                            "Do not count what happens before. Default: 0s.")(
            "addresses", text("FIRST-LAST"),
            "Source addresses of the clients, one each; they have to be this host's.");
    }
    flags.add_options()("seed", text("N"), "For all that is drawn. Default: 1.")(
        "server-pid", text("PID,..."),
        "Processes of the server here: report their CPU time and peak memory, with threads and "
        "children.")("patience", text("TIME"),
                     "Give up when nothing at all has come from the server for so long. Default: "
                     "10s, of a storm 5m.")("deadline", text("TIME"),
                                            "Give up in any case. Default: 1h.")(
        "json", po::bool_switch(),
        "One JSON object on standard output, and nothing else.")("help,h", "Print this help.");
    return flags;
}

std::string help_text() {
    std::string out = "usage: muster-load COMMAND [FLAG]...\n\n"
                      "Plays many network-boot clients against a server, musterd or any other.\n\n"
                      "Commands:\n";
    for (const Subcommand& subcommand : subcommands()) {
        out += fmt::format("  {:<12}{}\n", to_text(subcommand.kind), subcommand.summary);
    }
    out += "\nFlags:\n  -h, --help  Print this help; behind a command, the one on it.\n"
           "  --version   Print the version.\n\n"
           "Use it on networks that are yours: it sends as much as it can.\n"
           "Exit status: 0 nothing failed, 1 something did, 2 wrong use.\n";
    return out;
}

std::string help_text(const Subcommand& subcommand) {
    return fmt::format("usage: muster-load {} [FLAG]...\n\n{}\n\n{}\n{}\nExample:\n  {}\n",
                       to_text(subcommand.kind), subcommand.details, text_of(own_flags(subcommand)),
                       text_of(common_flags(subcommand)), subcommand.example);
}

} // namespace muster::load
