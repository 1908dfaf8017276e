// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/options.hh"

#include "core/site/scalar.hh"
#include "io/dpdk/dpdk_check.hh"
#include "io/worker/packet_log.hh"

#include "tools/musterd/dpdk_backend.hh"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <charconv>
#include <fstream>

namespace muster {
namespace {

namespace po = boost::program_options;

/// A value that is wrong: the message is complete.
struct BadOption : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] void refuse(std::string_view flag, std::string_view value, std::string_view allowed) {
    throw BadOption{
        fmt::format("--{} {}: must be {}", flag, value.empty() ? "''" : value, allowed)};
}

/// A number flag with its range. Text is taken first, so that the message is ours.
template <class Number>
auto number(std::string flag, Number& target, std::uint64_t min, std::uint64_t max) {
    return po::value<std::string>()
        ->default_value(std::to_string(target))
        ->value_name("N")
        ->notifier([flag = std::move(flag), &target, min, max](const std::string& text) {
            std::uint64_t value = 0;
            const auto [end, error] =
                std::from_chars(text.data(), text.data() + text.size(), value);
            if (error != std::errc{} || end != text.data() + text.size() || value < min ||
                value > max) {
                refuse(flag, text, fmt::format("a number from {} to {}", min, max));
            }
            target = static_cast<Number>(value);
        });
}

auto on_off(std::string flag, bool& target) {
    return po::value<std::string>()
        ->default_value(target ? "on" : "off")
        ->value_name("on|off")
        ->notifier([flag = std::move(flag), &target](const std::string& text) {
            if (text != "on" && text != "off") {
                refuse(flag, text, "on or off");
            }
            target = text == "on";
        });
}

auto one_of(std::string flag, std::string& target, std::vector<std::string> allowed) {
    const std::string names = fmt::format("{}", fmt::join(allowed, "|"));
    return po::value<std::string>()->default_value(target)->value_name(names)->notifier(
        [flag = std::move(flag), &target, names,
         allowed = std::move(allowed)](const std::string& text) {
            if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
                refuse(flag, text, "one of " + names);
            }
            target = text;
        });
}

void read_admin(const std::string& text, std::optional<Endpoint>& target) {
    if (text == "off") {
        target.reset();
        return;
    }
    const auto colon = text.rfind(':');
    const auto address =
        colon == std::string::npos ? std::nullopt : read_ipv4_address(text.substr(0, colon));
    std::uint16_t port = 0;
    const char* digits = text.data() + (colon == std::string::npos ? text.size() : colon + 1);
    const auto [end, error] = std::from_chars(digits, text.data() + text.size(), port);
    if (!address || error != std::errc{} || end != text.data() + text.size()) {
        refuse("admin", text, "ADDRESS:PORT (IPv4) or off");
    }
    target = Endpoint{*address, port};
}

void read_multicast(const std::string& text, std::optional<MulticastGroups>& target) {
    if (text == "off") {
        target.reset();
        return;
    }
    constexpr Subnet all_groups{{{224, 0, 0, 0}}, 4};
    const auto colon = text.rfind(':');
    const std::string groups = text.substr(0, colon);
    const auto subnet =
        read_subnet(groups.find('/') == std::string::npos ? groups + "/32" : groups);
    std::uint16_t port = 0;
    const char* digits = text.data() + (colon == std::string::npos ? text.size() : colon + 1);
    const auto [end, error] = std::from_chars(digits, text.data() + text.size(), port);
    if (!subnet || !all_groups.contains(subnet->network) || subnet->prefix_length < 4 ||
        error != std::errc{} || end != text.data() + text.size() || port == 0) {
        refuse("tftp-multicast", text, "GROUPS:PORT (239.255.69.0/24:1758) or off");
    }
    target = MulticastGroups{*subnet, port};
}

/// Below, not one package would stay.
constexpr std::uint64_t cache_size_min = 1 << 20;

void read_packet_log(const std::string& text, std::size_t& target) {
    if (text == "off") {
        target = 0;
        return;
    }
    constexpr std::uint64_t most = std::uint64_t{1} << 30U;
    const auto size = read_size(text);
    if (!size || *size < packet_log_min || *size > most) {
        refuse("packet-log", text, "a size from 256KiB to 1GiB, or off");
    }
    target = static_cast<std::size_t>(*size);
}

void read_https_port(const std::string& text, std::optional<std::uint16_t>& target) {
    target.reset();
    if (text == "off") {
        return;
    }
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
        refuse("https-port", text, "a number from 1 to 65535, or off");
    }
    target = port;
}

void read_boot_slots(const std::string& text, std::optional<unsigned>& target) {
    target.reset();
    if (text == "off") {
        return;
    }
    unsigned slots = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), slots);
    const bool number =
        error == std::errc{} && end == text.data() + text.size() && slots > 0 && slots <= 100'000;
    if (text != "auto" && !number) {
        refuse("boot-slots", text, "a number from 1 to 100000, auto, or off");
    }
    target = number ? slots : 0;
}

/// `10G`: bits a second, as links are sold. In bytes.
void read_egress(const std::string& text, std::uint64_t& target) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    const std::uint64_t scale = unit == "G" ? 1'000'000'000 : unit == "M" ? 1'000'000 : 0;
    if (text != "auto" &&
        (error != std::errc{} || scale == 0 || number == 0 || number > 1'000'000)) {
        refuse("egress", text, "bits a second such as 10G or 500M, or auto");
    }
    target = text == "auto" ? 0 : number * scale / 8;
}

/// What stands on the command line alone.
struct Special {
    bool help = false;
    bool version = false;
    std::string flags_file;
    std::string admin = "127.0.0.1:8067";
};

/// All flags but the special ones, in the groups of --help.
po::options_description describe(Options& o, Special& special) {
    po::options_description all{"Flags", 100, 60};

    po::options_description general{"General", 100, 60};
    general.add_options()("site", po::value(&o.site)->default_value(o.site)->value_name("DIR"),
                          "the site folder: site.yaml, profiles/, nodes.yaml, templates/, files/")(
        "data", po::value(&o.data)->default_value(o.data)->value_name("DIR"),
        "where what must survive is kept: leases, nodes, events")(
        "store", one_of("store", o.store, {"sqlite:", "memory:"}),
        "how it is kept; sqlite: is a file in --data; memory: is not kept at all, for measurements "
        "and trials: after a restart the same address may be given to another machine")(
        "user", po::value(&o.user)->value_name("NAME"),
        "user to become once sockets are open; default: muster, if it exists");

    po::options_description network{"Network", 100, 60};
    network.add_options()(
        "interface", po::value(&o.interfaces)->value_name("IF"),
        "an interface to serve; repeatable; required unless --dhcp, --tftp and --http are off")(
        "backend", one_of("backend", o.backend, {"io_uring", "dpdk"}),
        "what moves the UDP packets over IPv4; dpdk: worker 0, by the port of --dpdk-port")(
        "dpdk-eal", po::value(&o.dpdk_eal)->value_name("ARGS"),
        "arguments to DPDK's EAL, as one string; --no-huge runs without huge pages")(
        "dpdk-port", po::value(&o.dpdk_port)->value_name("SPEC"),
        "port to drive: a PCI address, or a virtual device with its arguments "
        "(net_tap0,iface=dtap0); its address is the site's server.address")(
        "dpdk-split", one_of("dpdk-split", o.dpdk_split, {"tap", "xdp", "flow"}),
        "how the kernel gets its share (HTTP and all else) of that port; tap: --interface is made "
        "as a TAP interface with the same addresses; xdp: --interface is the kernel's and stays "
        "so, and an XDP program passes the ports of DHCP and TFTP to DPDK; flow: not there yet")(
        "workers", number("workers", o.workers, 0, 64), "fast-path threads; 0: one per core")(
        "pin", po::bool_switch(&o.pin), "pin worker i to core i");

    po::options_description dhcp{"DHCP", 100, 60};
    dhcp.add_options()("dhcp", one_of("dhcp", o.dhcp, {"server", "proxy", "off"}),
                       "answer DHCP; proxy: only say what to boot, beside another DHCP server")(
        "dhcp-port", number("dhcp-port", o.dhcp_port, 1, 65535),
        "UDP port to answer on")("pxe-port", number("pxe-port", o.pxe_port, 1, 65535),
                                 "UDP port where UEFI firmware asks a proxy what to boot")(
        "dhcp6", on_off("dhcp6", o.dhcp6),
        "answer DHCPv6 where the site has an IPv6 subnet, with --dhcp server")(
        "dhcp6-port", number("dhcp6-port", o.dhcp6_port, 1, 65535), "UDP port to answer DHCPv6 on")(
        "ra", on_off("ra", o.router_advertisements),
        "send IPv6 router advertisements, unless a router does. Where DHCPv6 is answered they send "
        "machines there (M=1, O=1) and name the prefix; elsewhere a quiet one (no router, no "
        "prefix) answers solicitations, which ends the 13 s that iPXE else waits for one");

    po::options_description tftp{"TFTP", 100, 60};
    tftp.add_options()("tftp", on_off("tftp", o.tftp), "serve TFTP")(
        "tftp-port", number("tftp-port", o.tftp_port, 1, 65535), "UDP port of read requests")(
        "tftp-single-port", po::bool_switch(&o.tftp_single_port),
        "answer from that port, for NAT and firewalls, instead of a fresh one")(
        "tftp-ignore-case", po::bool_switch(&o.tftp_ignore_case),
        "where a file is not found, take one whose name differs in upper and lower case alone "
        "(Windows boot managers); a miss then reads folders")(
        "tftp-max-blksize", number("tftp-max-blksize", o.tftp_blksize_max, 512, 65464),
        "largest blksize granted, in bytes (RFC 2348). Above 1468 Ethernet fragments")(
        "tftp-max-windowsize", number("tftp-max-windowsize", o.tftp_windowsize_max, 1, 64),
        "largest windowsize granted, in blocks (RFC 7440). Lower it when switch buffers overflow")(
        "tftp-multicast",
        po::value<std::string>()
            ->default_value("239.255.69.0/24:1758")
            ->value_name("GROUPS")
            ->notifier([&o](const std::string& text) { read_multicast(text, o.tftp_multicast); }),
        "group addresses and first port of multicast TFTP (RFC 2090), for clients that ask for "
        "it; off: they are served one by one")(
        "tftp-multicast-ttl", number("tftp-multicast-ttl", o.tftp_multicast_ttl, 1, 255),
        "how many routers may pass its packets on, plus one");

    po::options_description http{"HTTP", 100, 60};
    http.add_options()("http", on_off("http", o.http), "serve HTTP")(
        "http-port", number("http-port", o.http_port, 1, 65535), "TCP port of the data plane")(
        "https-port",
        po::value<std::string>()->default_value("off")->value_name("N")->notifier(
            [&o](const std::string& text) { read_https_port(text, o.https_port); }),
        "TCP port of the same over TLS 1.2 and 1.3; off: none")(
        "tls-cert", po::value(&o.tls_cert)->value_name("FILE"),
        "its certificate, followed by its chain (PEM); SIGHUP reads it again")(
        "tls-key", po::value(&o.tls_key)->value_name("FILE"),
        "the private key of the certificate (PEM, no password); SIGHUP reads it again")(
        "http-send",
        one_of("http-send", o.http_send, {"auto", "sendfile", "splice", "zerocopy", "copy"}),
        "how bodies above 64 KiB leave: auto is what measured best; zerocopy pays where the NIC "
        "gathers from memory")(
        "cache", po::value(&o.cache)->default_value(o.cache)->value_name("DIR"),
        "where files of the site's mirrors are kept; may be deleted while musterd does not run")(
        "cache-size",
        po::value<std::string>()->default_value("20GiB")->value_name("SIZE")->notifier(
            [&o](const std::string& text) {
                const auto size = read_size(text);
                if (!size || *size < cache_size_min) {
                    refuse("cache-size", text, "a size of at least 1MiB: 500GiB, 2TB");
                }
                o.cache_size = *size;
            }),
        "how much it may hold; what was not asked for the longest goes first")(
        "boot-slots",
        po::value<std::string>()->default_value("auto")->value_name("N")->notifier(
            [&o](const std::string& text) { read_boot_slots(text, o.boot_slots); }),
        "machines that may load at once, the others wait for their turn; auto: as many as the link "
        "serves well; off: all")(
        "egress",
        po::value<std::string>()->default_value("auto")->value_name("RATE")->notifier(
            [&o](const std::string& text) { read_egress(text, o.egress); }),
        "what the way to the machines carries, in bits a second (10G); auto: what the interfaces "
        "say")(
        "access-log", po::value(&o.access_log)->value_name("FILE"),
        "append a line for each answer, as --log-format says; - is standard output; SIGHUP opens "
        "the file anew; default: none")(
        "packet-log",
        po::value<std::string>()->default_value("16MiB")->value_name("SIZE")->notifier(
            [&o](const std::string& text) { read_packet_log(text, o.packet_log); }),
        "memory, per worker, for the latest DHCP and PXE messages and TFTP requests, for muster "
        "pcap; off: none are remembered");

    po::options_description admin{"Operation", 100, 60};
    admin.add_options()(
        "admin", po::value(&special.admin)->default_value(special.admin)->value_name("ADDR:PORT"),
        "API, page and metrics; off: none")(
        "admin-token-file", po::value(&o.admin_token_file)->value_name("FILE"),
        "file of a bearer token for every call, beside those of muster token; required for an "
        "--admin that is not loopback")(
        "log-level", one_of("log-level", o.log_level, {"trace", "debug", "info", "warn", "error"}),
        "what is logged")("log-format",
                          po::value<std::string>()
                              ->default_value("text")
                              ->value_name("text|json")
                              ->notifier([&o](const std::string& text) {
                                  if (text != "text" && text != "json") {
                                      refuse("log-format", text, "text or json");
                                  }
                                  o.log_json = text == "json";
                              }),
                          "how it is logged");

    all.add(general).add(network).add(dhcp).add(tftp).add(http).add(admin);
    return all;
}

std::string help_text(const po::options_description& flags, const po::options_description& once) {
    std::ostringstream text;
    text
        << "musterd installs a rack of bare machines: DHCP, TFTP, HTTP and the state of every\n"
           "install, in one process.\n\n"
           "  musterd --check --site DIR          is the site folder right?\n"
           "  musterd --interface eth1            serve it\n\n"
        << once << "\n"
        << flags
        << "\nEvery flag can stand as `name = value` in a --flags-file and as MUSTERD_NAME in the\n"
           "environment (MUSTERD_TFTP_PORT=6900). The command line wins over the environment, "
           "that\n"
           "over the file. SIGTERM drains and ends, SIGHUP reads the site again, SIGUSR1 logs a\n"
           "summary. Exit status: 0 asked to stop, 1 run-time failure, 2 wrong use.\n";
    return text.str();
}

std::string version_text() {
    const auto dpdk = dpdk_version();
    return fmt::format("musterd {}\nbackends: io_uring{}\nliburing {}\nDPDK: {}\n", MUSTER_VERSION,
                       dpdk ? ", dpdk" : "", MUSTER_LIBURING_VERSION, dpdk.value_or("not built"));
}

/// Flags that are lists or switches by name, for the environment: MUSTERD_TFTP_PORT → tftp-port.
std::string flag_of_environment(const po::options_description& flags, const std::string& name) {
    constexpr std::string_view prefix = "MUSTERD_";
    if (!name.starts_with(prefix)) {
        return {};
    }
    std::string flag = name.substr(prefix.size());
    for (char& c : flag) {
        c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return flags.find_nothrow(flag, false) != nullptr ? flag : std::string{};
}

/// One line out of Boost's exceptions, in our words.
std::string reason_of(const po::error& error) {
    if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&error)) {
        return fmt::format("{}: no such flag (see musterd --help)", unknown->get_option_name());
    }
    return error.what();
}

void check_dpdk_flags(const Options& o) {
    if (o.dpdk_check) {
        return; // it says what is missing itself
    }
    if (o.backend != "dpdk") {
        if (!o.dpdk_port.empty() || !o.dpdk_eal.empty()) {
            throw BadOption{fmt::format("--{}: has no use without --backend dpdk",
                                        o.dpdk_port.empty() ? "dpdk-eal" : "dpdk-port")};
        }
        return;
    }
    if (!dpdk_version()) {
        throw BadOption{"--backend dpdk: this musterd was built without DPDK (libdpdk-dev was not "
                        "there); must be io_uring"};
    }
    if (o.dpdk_split == "flow") {
        throw BadOption{"--dpdk-split flow: rules in the NIC (rte_flow) are not there yet; must be "
                        "tap, or xdp, which also leaves the interface to the kernel"};
    }
    const bool by_xdp = o.dpdk_split == "xdp";
    if (o.dhcp == "off" && !o.tftp) {
        throw BadOption{"--backend dpdk: has nothing to do with --dhcp off and --tftp off"};
    }
    if (o.dpdk_port.empty() && !by_xdp) {
        throw BadOption{"--backend dpdk: needs --dpdk-port too"};
    }
    if (o.interfaces.size() != 1) {
        throw BadOption{fmt::format("--backend dpdk: needs exactly one --interface{}",
                                    by_xdp ? "" : ", which it makes")};
    }
    if (by_xdp && !o.dpdk_port.empty() &&
        (!o.dpdk_port.starts_with("net_af_xdp") ||
         device_argument(o.dpdk_port, "iface") != o.interfaces.front() ||
         !device_argument(o.dpdk_port, "xdp_prog").empty())) {
        throw BadOption{
            fmt::format("--dpdk-port {}: with --dpdk-split xdp it can be left out; must "
                        "be net_af_xdp0,iface={} and further arguments, without "
                        "xdp_prog",
                        o.dpdk_port, o.interfaces.front())};
    }
    // Of the MTU's 1500 bytes: IPv4, UDP and TFTP headers. Nothing is fragmented.
    if (constexpr std::uint16_t most = 1468; o.tftp_blksize_max > most) {
        throw BadOption{fmt::format("--tftp-max-blksize {}: must be at most {} with --backend dpdk",
                                    o.tftp_blksize_max, most)};
    }
}

void check_together(const Options& o) {
    const auto loopback = [](const Endpoint& endpoint) {
        const auto v4 = endpoint.address.v4();
        return v4 && v4->octets[0] == 127;
    };
    if (o.admin && !loopback(*o.admin) && o.admin_token_file.empty()) {
        throw BadOption{fmt::format("--admin {}: an address that is not loopback needs "
                                    "--admin-token-file",
                                    to_text(o.admin->address))};
    }
    // Each worker has 64 groups at a time, and twice as many ports.
    if (o.tftp_multicast && o.tftp_multicast->first_port > 65536 - 64 * 128) {
        throw BadOption{fmt::format("--tftp-multicast: port {} leaves no room for the ports of "
                                    "further groups: must be at most {}",
                                    o.tftp_multicast->first_port, 65536 - 64 * 128)};
    }
    if (o.https_port && (o.tls_cert.empty() || o.tls_key.empty())) {
        throw BadOption{fmt::format("--https-port {}: needs --{} too", *o.https_port,
                                    o.tls_cert.empty() ? "tls-cert" : "tls-key")};
    }
    if (!o.https_port && !(o.tls_cert.empty() && o.tls_key.empty())) {
        throw BadOption{fmt::format("--{}: has no use without --https-port",
                                    o.tls_cert.empty() ? "tls-key" : "tls-cert")};
    }
    if (o.http && o.https_port == o.http_port) {
        throw BadOption{fmt::format("--https-port {}: is --http-port already", *o.https_port)};
    }
    check_dpdk_flags(o);
    const bool serves = o.dhcp != "off" || o.tftp || o.http || o.https_port;
    if (serves && o.interfaces.empty() && !o.check && !o.dpdk_check) {
        throw BadOption{"--interface: name at least one interface to serve (or switch --dhcp, "
                        "--tftp and --http off)"};
    }
}

} // namespace

Result<ParsedOptions, std::string> read_options(int argc, const char* const* argv) {
    ParsedOptions parsed;
    Special special;
    try {
        const po::options_description flags = describe(parsed.options, special);
        po::options_description once{"First", 100, 60};
        once.add_options()("help", po::bool_switch(&special.help), "this text")(
            "version", po::bool_switch(&special.version), "version and build")(
            "check", po::bool_switch(&parsed.options.check),
            "read the site, report every problem as file:line:column: text, exit 0 or 2")(
            "dpdk-check", po::bool_switch(&parsed.options.dpdk_check),
            "say in plain words what is there and what is missing for --backend dpdk with these "
            "flags, exit 0 or 1")("flags-file", po::value(&special.flags_file)->value_name("FILE"),
                                  "read flags from a file of `name = value`");
        po::options_description all;
        all.add(once).add(flags);

        po::variables_map values;
        po::store(
            po::command_line_parser(argc, argv)
                .options(all)
                .positional({})
                .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                .run(),
            values);
        po::store(po::parse_environment(flags,
                                        [&flags](const std::string& name) {
                                            return flag_of_environment(flags, name);
                                        }),
                  values);
        if (values.count("flags-file") != 0) {
            const auto file = values["flags-file"].as<std::string>();
            std::ifstream in{file};
            if (!in) {
                throw BadOption{fmt::format("--flags-file {}: cannot be read", file)};
            }
            po::store(po::parse_config_file(in, flags), values);
        }
        po::notify(values);
        read_admin(special.admin, parsed.options.admin);
        if (special.help) {
            return ParsedOptions{ParsedOptions::Kind::help, {}, help_text(flags, once)};
        }
        if (special.version) {
            return ParsedOptions{ParsedOptions::Kind::version, {}, version_text()};
        }
        check_together(parsed.options);
    } catch (const BadOption& error) {
        return std::unexpected(error.what());
    } catch (const po::error& error) {
        return std::unexpected(reason_of(error));
    }
    return parsed;
}

} // namespace muster
