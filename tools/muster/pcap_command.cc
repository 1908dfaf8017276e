// SPDX-License-Identifier: Apache-2.0
// muster pcap -- a machine's packets as a capture file.
#include "tools/muster/command.hh"
#include "tools/muster/terminal.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace muster::cli {
namespace {

constexpr std::size_t pcap_header_size = 24;

void add_pcap_options(po::options_description& options) {
    options.add_options()("output,o", po::value<std::string>()->value_name("FILE"),
                          "Write to this file; - is standard output. Default: NODE.pcap.")(
        "all", "All that is remembered, not only the last boot.");
}

Exit run_pcap(Session& session) {
    const std::string& name = session.arguments().front();
    const std::string file =
        require(session.api().get_bytes(api_path({"nodes", name, "pcap"}, //
                                                 {{"boot", session.has("all") ? "all" : "last"}})));
    // Other bytes under this name would only puzzle whoever opens it.
    if (file.size() < pcap_header_size || !file.starts_with("\xD4\xC3\xB2\xA1")) {
        throw Failure{"the answer is no capture file"};
    }
    const std::string output = session.value_or("output", name + ".pcap");
    if (output == "-") {
        if (look_of(STDOUT_FILENO).width) {
            throw UsageError{"a terminal shows no capture file; give --output FILE, or a pipe"};
        }
        print(file);
        return Exit::success;
    }
    std::ofstream out{output, std::ios::binary};
    out << file;
    out.close();
    if (!out) {
        throw Failure{fmt::format("cannot write '{}': {}", printable(output),
                                  std::strerror(errno))}; // NOLINT: 1 thread
    }
    if (file.size() == pcap_header_size) {
        fmt::print(stderr, "muster: nothing of {} is remembered\n", printable(name));
    }
    fmt::print("{}\n", printable(output));
    return Exit::success;
}

} // namespace

const Command pcap_command{
    .name = "pcap",
    .arguments = "NODE [--all] [--output FILE]",
    .summary = "Write a machine's packets as a capture file.",
    .details = "Writes what musterd remembers of the packets of a machine's last boot, for tcpdump "
               "and Wireshark: its DHCP, PXE and DHCPv6 messages and their answers, and of TFTP "
               "the requests, what was negotiated, and errors. Blocks of files, and HTTP, are not "
               "in it; 'muster show' counts their bytes. musterd remembers the latest packets of "
               "all machines, as many as its --packet-log holds, until it ends.",
    .examples = "  muster pcap r1n01\n"
                "  muster pcap r1n01 -o - | tcpdump -nvr -",
    .argument = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = add_pcap_options,
    .run = run_pcap,
};

} // namespace muster::cli
