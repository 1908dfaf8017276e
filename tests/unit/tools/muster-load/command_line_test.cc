// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/command_line.hh"

#include "tools/muster-load/dpdk_wire.hh"

#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

namespace muster::load {
namespace {

std::vector<std::string> words(const std::string& line) {
    std::istringstream stream{line};
    return {std::istream_iterator<std::string>{stream}, {}};
}
Options read(const std::string& line) {
    return read_command_line(words(line)).options.value();
}
std::string problem(const std::string& line) {
    try {
        (void)read_command_line(words(line));
    } catch (const UsageError& error) {
        return error.what();
    }
    return {};
}

TEST(LoadCommandLine, ReadsEverySubcommand) {
    const Options dhcp = read("dhcp --interface eth1 --clients 2000 --concurrency 16 --seed 7");
    EXPECT_EQ(dhcp.kind, Kind::dhcp);
    EXPECT_EQ(dhcp.clients, 2000U);
    EXPECT_EQ(dhcp.pace.concurrency, 16U);
    EXPECT_EQ(dhcp.seed, 7U);
    EXPECT_FALSE(dhcp.relay);
    EXPECT_FALSE(dhcp.duration);
    const Options tftp = read("tftp --server 10.0.0.1 --file a/b --blksize 1408 --windowsize 64 "
                              "--addresses 10.0.1.0-10.0.1.9 --clients 10 --port 1069");
    EXPECT_EQ(tftp.file, "a/b");
    EXPECT_EQ(tftp.blksize, 1408);
    EXPECT_EQ(tftp.windowsize, 64);
    EXPECT_EQ(tftp.port, 1069);
    ASSERT_TRUE(tftp.addresses);
    EXPECT_EQ(tftp.addresses->count(), 10U);
    EXPECT_EQ(read("multicast --server 10.0.0.1 --file x").blksize, 1468);
    const Options http = read("http --server ::1 --path /x?y=1 --new-connections --json");
    EXPECT_TRUE(http.new_connections);
    EXPECT_TRUE(http.json);
    EXPECT_EQ(http.duration, Duration{10s});
    const Options storm = read("storm --interface eth1 --nodes 1000 --firmware mixed "
                               "--power-on 1m --installer packages:300 --plot s.svg");
    EXPECT_EQ(storm.clients, 1000U);
    EXPECT_EQ(storm.pace.shape, Pace::Shape::spread);
    EXPECT_EQ(storm.pace.spread, Duration{1min});
    EXPECT_EQ(storm.installer.packages, 300U);
    EXPECT_EQ(storm.plot, "s.svg");
    const Options plan = read("storm --simulate --nodes 10000 --link 25G --image 800MiB");
    EXPECT_TRUE(plan.simulate);
    EXPECT_EQ(plan.link_bits_per_second, 25e9);
    EXPECT_EQ(plan.image_bytes, std::uint64_t{800} << 20U);
}

TEST(LoadCommandLine, ClosedLoopIsTheDefault) {
    EXPECT_EQ(read("dhcp --interface e --clients 1000").pace.concurrency, 64U);
    EXPECT_EQ(read("dhcp --interface e --clients 10").pace.concurrency, 10U);
    EXPECT_EQ(read("tftp --server 1.2.3.4 --file f --clients 1000").pace.concurrency, 1000U);
}

TEST(LoadCommandLine, ReadsArrivals) {
    EXPECT_EQ(read("dhcp --interface e --arrivals once").pace.shape, Pace::Shape::once);
    EXPECT_EQ(read("dhcp --interface e --arrivals 30s").pace.spread, Duration{30s});
    EXPECT_EQ(read("dhcp --interface e --arrivals racks:40").pace.rack_size, 40U);
    EXPECT_EQ(read("dhcp --interface e --rate 500.5").pace.rate, 500.5);
    EXPECT_EQ(read("storm --interface e --nodes 5 --arrivals racks:2").pace.rack_size, 2U);
}

TEST(LoadCommandLine, EveryProblemNamesFlagValueAndWhatIsAllowed) {
    const std::string own = std::to_string(::getpid());
    for (const auto& [line, expected] : std::vector<std::pair<std::string, std::string>>{
             {"", "no command given"},
             {"htpp", "did you mean 'http'"},
             {"--json http", "before a command"},
             {"http --server 10.0.0.1", "--path is missing"},
             {"http --path /x", "--server is missing"},
             {"http --server 10.0.0.1 --path x", "begins with a slash"},
             {"http --server 10.0.0.1 --path /x --sed 1", "unknown flag '--sed'"},
             {"http --server 10.0.0 --path /x", "'10.0.0' is not allowed; allowed: an IPv4"},
             {"http --server 10.0.0.1 --path /x word", "no flag"},
             {"http --server 10.0.0.1 --path", "--path"},
             {"http --server 10.0.0.1 --path /x --clients 0", "allowed: 1 to 1000000"},
             {"http --server 10.0.0.1 --path /x --clients 1x", "'1x' is not allowed"},
             {"http --server 10.0.0.1 --path /x --duration 5y", "5m or 1h"},
             {"http --server 10.0.0.1 --path /x --port 65536", "1 to 65535"},
             {"http --server 10.0.0.1 --path /x --verify /no/such", "--verify: cannot read"},
             {"http --server 10.0.0.1 --path /x --rate 0", "--rate: '0'"},
             {"http --server 10.0.0.1 --path /x --rate 5 --concurrency 3", "exclude each other"},
             {"http --server 10.0.0.1 --path /x --server-pid 0", "numbers of processes"},
             {"http --server 10.0.0.1 --path /x --server-pid " + own + ",", ""},
             {"http --server 10.0.0.1 --path /x --server-pid 4194305", "there is no process"},
             {"http --server 10.0.0.1 --path /x --addresses 10.0.0.9-10.0.0.1", "--addresses"},
             {"tftp --server 10.0.0.1", "--file is missing"},
             {"tftp --server 10.0.0.1 --file x --blksize 7", "8 to 65464"},
             {"tftp --server 10.0.0.1 --file x --windowsize 65536", "0 to 65535"},
             {"multicast --server 10.0.0.1 --file x --windowsize 4", "unknown flag"},
             {"dhcp", "--interface is missing"},
             {"dhcp --interface e --mode both", "allowed: broadcast, relay"},
             {"dhcp --interface e --mode relay", "--server is missing"},
             {"dhcp --interface e --arrivals soon", "once, a time such as 30s, or racks:N"},
             {"dhcp --interface e --arrivals racks:0", "racks:N"},
             {"storm --interface e", "--nodes is missing"},
             {"storm --nodes 3", "--interface is missing"},
             {"storm --interface e --nodes 3 --link 1G", "--link is for --simulate"},
             {"storm --simulate --nodes 3 --link 25", "as 100M, 1G or 25G"},
             {"storm --simulate --nodes 3 --link 25G --image 8MB", "800MiB"},
             {"storm --interface e --nodes 3 --installer fast", "packages:N"},
             {"storm --interface e --nodes 3 --power-on 3s --arrivals once", "exclude each other"},
         }) {
        EXPECT_NE(problem(line).find(expected), std::string::npos) << line << "\n" << problem(line);
    }
}

TEST(LoadCommandLine, WithoutAKernelTheMachinesBringTheirAddresses) {
    EXPECT_NE(problem("dhcp --interface e --backend both").find("allowed: io_uring, dpdk"),
              std::string::npos);
    EXPECT_NE(problem("dhcp --interface e --dpdk-eal x").find("--dpdk-eal has no use without"),
              std::string::npos);
    EXPECT_NE(problem("http --server 10.0.0.1 --path / --backend dpdk").find("unknown flag"),
              std::string::npos);
    if (!has_dpdk()) {
        EXPECT_NE(problem("dhcp --backend dpdk").find("built without DPDK"), std::string::npos);
        return;
    }
    for (const auto& [line, expected] : std::initializer_list<std::pair<const char*, const char*>>{
             {"dhcp --backend dpdk", "--dpdk-port is missing"},
             {"dhcp --backend dpdk --dpdk-port net_null0 --interface e", "exclude each other"},
             {"tftp --server 10.0.0.1 --file x --backend dpdk --dpdk-port p", "needs --addresses"},
             {"tftp --server fd00::1 --file x --addresses 10.0.0.2-10.0.0.3 --backend dpdk "
              "--dpdk-port p",
              "IPv4 alone"},
         }) {
        EXPECT_NE(problem(line).find(expected), std::string::npos) << line << "\n" << problem(line);
    }
    const Options dhcp = *read_command_line({"dhcp", "--backend", "dpdk", "--dpdk-port",
                                             "net_memif0,role=client", "--dpdk-eal", "--no-huge"})
                              .options;
    EXPECT_EQ(dhcp.dpdk_port, "net_memif0,role=client");
    EXPECT_EQ(dhcp.dpdk_eal, "--no-huge");
}

TEST(LoadCommandLine, HelpIsGivenWhateverElseIsWrong) {
    EXPECT_NE(read_command_line({"--help"}).text.find("storm"), std::string::npos);
    for (const Subcommand& subcommand : subcommands()) {
        const std::string name{to_text(subcommand.kind)};
        const auto asked = read_command_line({name, "--nonsense", "--help"});
        EXPECT_FALSE(asked.options);
        for (const char* flag : {"--server", "--seed", "--json", "--server-pid", "Example:"}) {
            EXPECT_NE(asked.text.find(flag), std::string::npos) << name << ' ' << flag;
        }
        EXPECT_EQ(asked.text, read_command_line({"help", name}).text);
        std::istringstream lines{asked.text};
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(line.size(), 80U) << line;
        }
    }
}

} // namespace
} // namespace muster::load
