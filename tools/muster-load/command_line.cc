// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/command_line.hh"

#include "core/site/site_problem.hh"

#include "tools/muster-load/dpdk_wire.hh"
#include "tools/muster-load/values.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace muster::load {
namespace {

constexpr Duration time_max = std::chrono::hours{24};
constexpr std::uint32_t clients_max = 1'000'000;
constexpr std::uint32_t dhcp_concurrency = 64;
constexpr Duration http_duration = std::chrono::seconds{10};
constexpr Duration patience_usual = std::chrono::seconds{10};
/// Machines of a storm have long silences of their own (decompression, disks).
constexpr Duration patience_storm = std::chrono::minutes{5};
constexpr Duration deadline_usual = std::chrono::hours{1};
constexpr std::uint16_t blksize_usual = 1468;

const Subcommand& find_subcommand(const std::string& name) {
    std::vector<std::string_view> names;
    for (const Subcommand& subcommand : subcommands()) {
        if (to_text(subcommand.kind) == name) {
            return subcommand;
        }
        names.push_back(to_text(subcommand.kind));
    }
    throw UsageError{fmt::format("unknown command '{}'{} (muster-load --help lists all)",
                                 cli::printable(name), suggestion(name, std::move(names)))};
}

po::variables_map read_flags(const Subcommand& subcommand,
                             const std::vector<std::string>& arguments) {
    po::options_description all = own_flags(subcommand);
    all.add(common_flags(subcommand));
    // Without guessing: a script's `--c` must not change its meaning when a flag is added.
    constexpr int style =
        po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    const std::string_view name = to_text(subcommand.kind);
    po::variables_map values;
    try {
        po::store(po::command_line_parser{arguments}
                      .options(all)
                      .positional({}) // what is no flag is an error
                      .style(style)
                      .run(),
                  values);
    } catch (const po::unknown_option& error) {
        std::vector<std::string> known;
        for (const auto& flag : all.options()) {
            known.push_back("--" + flag->long_name());
        }
        throw UsageError{
            fmt::format("{}: unknown flag '{}'{} (muster-load {} --help lists all)", name,
                        cli::printable(error.get_option_name()),
                        suggestion(error.get_option_name(), {known.begin(), known.end()}), name)};
    } catch (const po::too_many_positional_options_error&) {
        throw UsageError{
            fmt::format("{}: there is a word that is no flag; allowed: flags only", name)};
    } catch (const po::error& error) {
        throw UsageError{fmt::format("{}: {}", name, cli::printable(error.what()))};
    }
    return values;
}

[[noreturn]] void missing(Kind kind, std::string_view flag) {
    throw UsageError{fmt::format("{}: --{} is missing", to_text(kind), flag)};
}

/// Closed loop by default; at most one of the flags that say otherwise.
Pace pace_of(Kind kind, std::uint32_t clients, const po::variables_map& values) {
    std::vector<std::string_view> given;
    for (const char* flag : {"concurrency", "rate", "arrivals", "power-on"}) {
        if (values.count(flag) != 0) {
            given.push_back(flag);
        }
    }
    if (given.size() > 1) {
        throw UsageError{
            fmt::format("{}: --{} and --{} exclude each other", to_text(kind), given[0], given[1])};
    }
    if (const auto text = value_of(values, "arrivals")) {
        return read_arrivals(*text);
    }
    if (kind == Kind::storm) {
        return {.shape = Pace::Shape::spread,
                .spread = read_time(values, "power-on", Duration{}, time_max)
                              .value_or(std::chrono::seconds{30})};
    }
    if (const auto rate = read_decimal(values, "rate", 0.001, 10'000'000)) {
        return {.shape = Pace::Shape::rate, .rate = *rate};
    }
    const auto usual = kind == Kind::dhcp ? std::min(clients, dhcp_concurrency) : clients;
    return {.shape = Pace::Shape::closed,
            .concurrency = static_cast<std::uint32_t>(
                read_number(values, "concurrency", 1, clients_max).value_or(usual))};
}

void read_file_to_verify(Options& options, const po::variables_map& values) {
    options.verify = value_of(values, "verify").value_or("");
    if (!options.verify.empty() && ::access(options.verify.c_str(), R_OK) != 0) {
        throw UsageError{fmt::format("--verify: cannot read '{}': {}",
                                     cli::printable(options.verify),
                                     std::strerror(errno))}; // NOLINT: one thread
    }
}

void read_own_flags(Options& options, const po::variables_map& values) {
    const Kind kind = options.kind;
    switch (kind) {
    case Kind::dhcp: {
        const std::string mode = value_of(values, "mode").value_or("broadcast");
        if (mode != "broadcast" && mode != "relay") {
            throw UsageError{fmt::format("--mode: '{}' is not allowed; allowed: broadcast, relay",
                                         cli::printable(mode))};
        }
        options.relay = mode == "relay";
        if (options.relay && options.server == IpAddress{}) {
            missing(kind, "server");
        }
        break;
    }
    case Kind::tftp:
    case Kind::multicast:
        options.file = value_of(values, "file").value_or("");
        if (options.file.empty()) {
            missing(kind, "file");
        }
        options.blksize = static_cast<std::uint16_t>(
            read_number(values, "blksize", 0, 65464).value_or(blksize_usual));
        if (options.blksize > 0 && options.blksize < 8) { // RFC 2348
            throw UsageError{"--blksize: allowed: 8 to 65464, or 0 to ask for none"};
        }
        if (kind == Kind::tftp) {
            options.windowsize =
                static_cast<std::uint16_t>(read_number(values, "windowsize", 0, 65535).value_or(0));
        }
        break;
    case Kind::http:
        options.path = value_of(values, "path").value_or("");
        if (options.path.empty()) {
            missing(kind, "path");
        }
        if (options.path.front() != '/' ||
            std::ranges::any_of(options.path, [](char c) { return c <= ' ' || c == 0x7F; })) {
            throw UsageError{fmt::format("--path: '{}' is not allowed; allowed: a path that begins "
                                         "with a slash and has no blanks",
                                         cli::printable(options.path))};
        }
        options.new_connections = values["new-connections"].as<bool>();
        break;
    case Kind::storm:
        options.firmware = value_of(values, "firmware").value_or("mixed");
        options.installer = read_installer(value_of(values, "installer").value_or("minimal"));
        options.own_time = read_decimal(values, "own-time", 0, 1000).value_or(1);
        options.plot = value_of(values, "plot").value_or("");
        options.simulate = values["simulate"].as<bool>();
        for (const char* flag : {"link", "image", "boot-slots"}) {
            if (values.count(flag) != 0 && !options.simulate) {
                throw UsageError{fmt::format("storm: --{} is for --simulate", flag)};
            }
        }
        if (const auto link = value_of(values, "link")) {
            options.link_bits_per_second = read_link(*link);
        }
        if (const auto image = value_of(values, "image")) {
            options.image_bytes = read_size(*image);
        }
        options.boot_slots = read_boot_slots(value_of(values, "boot-slots").value_or("auto"));
        break;
    }
}

/// Without a kernel nobody has addresses, routes or interfaces but the machines.
void read_backend(Options& options, const po::variables_map& values) {
    const std::string_view name = to_text(options.kind);
    const std::string backend = value_of(values, "backend").value_or("io_uring");
    if (backend != "io_uring" && backend != "dpdk") {
        throw UsageError{fmt::format("--backend: '{}' is not allowed; allowed: io_uring, dpdk",
                                     cli::printable(backend))};
    }
    options.dpdk_port = value_of(values, "dpdk-port").value_or("");
    options.dpdk_eal = value_of(values, "dpdk-eal").value_or("");
    if (backend != "dpdk") {
        for (const char* flag : {"dpdk-port", "dpdk-eal"}) {
            if (values.count(flag) != 0) {
                throw UsageError{
                    fmt::format("{}: --{} has no use without --backend dpdk", name, flag)};
            }
        }
        return;
    }
    if (!has_dpdk()) {
        throw UsageError{"--backend dpdk: this muster-load was built without DPDK (libdpdk-dev "
                         "was not there)"};
    }
    if (options.dpdk_port.empty()) {
        missing(options.kind, "dpdk-port");
    }
    if (!options.interface.empty()) {
        throw UsageError{
            fmt::format("{}: --interface and --backend dpdk exclude each other", name)};
    }
    if (options.kind == Kind::tftp && !options.addresses) {
        throw UsageError{"tftp: --backend dpdk needs --addresses: no kernel gives machines theirs"};
    }
    if (options.server != IpAddress{} && !options.server.v4()) {
        throw UsageError{fmt::format("{}: --backend dpdk is for IPv4 alone", name)};
    }
}

} // namespace

Options options_of(const Subcommand& subcommand, const po::variables_map& values) {
    Options options;
    options.kind = subcommand.kind;
    const bool storm = options.kind == Kind::storm;
    const char* count = storm ? "nodes" : "clients";
    const auto clients = read_number(values, count, 1, clients_max);
    if (storm && !clients) {
        missing(options.kind, count);
    }
    options.clients = static_cast<std::uint32_t>(clients.value_or(1));
    if (const auto server = value_of(values, "server")) {
        options.server = read_server(*server);
    } else if (options.kind != Kind::dhcp && !storm) {
        missing(options.kind, "server");
    }
    options.interface = value_of(values, "interface").value_or("");
    const bool sends = !storm || !values["simulate"].as<bool>();
    if (sends && value_of(values, "backend") != "dpdk" && options.interface.empty() &&
        options.server == IpAddress{}) {
        missing(options.kind, "interface");
    }
    options.pace = pace_of(options.kind, options.clients, values);
    if (!storm) {
        options.duration = read_time(values, "duration", std::chrono::milliseconds{1}, time_max);
        options.warmup = read_time(values, "warmup", Duration{}, time_max).value_or(Duration{});
        options.addresses = read_addresses(values);
        if (options.kind == Kind::http && !options.duration) {
            options.duration = http_duration;
        }
    }
    options.patience = read_time(values, "patience", std::chrono::milliseconds{100}, time_max)
                           .value_or(storm ? patience_storm : patience_usual);
    options.deadline = read_time(values, "deadline", std::chrono::milliseconds{100}, time_max)
                           .value_or(deadline_usual);
    options.seed = read_number(values, "seed", 0, UINT64_MAX).value_or(1);
    options.json = values["json"].as<bool>();
    options.server_pids = read_pids(values);
    if (values.count("port") != 0) {
        options.port = static_cast<std::uint16_t>(*read_number(values, "port", 1, 65535));
    }
    read_own_flags(options, values);
    read_backend(options, values);
    read_file_to_verify(options, values);
    return options;
}

Invocation read_command_line(const std::vector<std::string>& arguments) {
    const auto asks = [](const std::string& word) {
        return word == "--help" || word == "-h";
    };
    if (arguments.empty()) {
        throw UsageError{"no command given; see 'muster-load --help'"};
    }
    const std::string& first = arguments.front();
    if (asks(first) || (first == "help" && arguments.size() == 1)) {
        return {.options = std::nullopt, .text = help_text()};
    }
    if (first == "--version") {
        return {.options = std::nullopt, .text = fmt::format("muster-load {}\n", MUSTER_VERSION)};
    }
    if (first.starts_with('-')) {
        throw UsageError{fmt::format("'{}' stands before a command; allowed there: --help, "
                                     "--version",
                                     cli::printable(first))};
    }
    const Subcommand& subcommand = find_subcommand(first == "help" ? arguments[1] : first);
    // Help wins over whatever else is wrong with the line: who asks for it does not know better.
    if (first == "help" || std::any_of(arguments.begin(), arguments.end(), asks)) {
        return {.options = std::nullopt, .text = help_text(subcommand)};
    }
    const auto values = read_flags(subcommand, {arguments.begin() + 1, arguments.end()});
    return {.options = options_of(subcommand, values), .text = {}};
}

} // namespace muster::load
