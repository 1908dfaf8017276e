// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/values.hh"

#include "io/host/socket_address.hh"

#include "tools/muster/text.hh"
#include "tools/muster/values.hh"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace muster::load {
namespace {

[[noreturn]] void refuse(std::string_view flag, std::string_view value, std::string_view allowed) {
    throw UsageError{fmt::format("--{}: '{}' is not allowed; allowed: {}", flag,
                                 cli::printable(value), allowed)};
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

Duration time_in(const char* flag, const std::string& text, Duration least, Duration most) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    return cli::read_duration(flag, text, duration_cast<milliseconds>(least),
                              duration_cast<milliseconds>(most));
}

} // namespace

std::optional<std::string> value_of(const po::variables_map& values, const char* flag) {
    if (values.count(flag) == 0) {
        return std::nullopt;
    }
    return values[flag].as<std::string>();
}

std::optional<std::uint64_t> read_number(const po::variables_map& values, const char* flag,
                                         std::uint64_t least, std::uint64_t most) {
    const auto text = value_of(values, flag);
    if (!text) {
        return std::nullopt;
    }
    const auto number = number_in(*text);
    if (!number || *number < least || *number > most) {
        refuse(flag, *text, fmt::format("{} to {}", least, most));
    }
    return number;
}

std::optional<double> read_decimal(const po::variables_map& values, const char* flag, double least,
                                   double most) {
    const auto text = value_of(values, flag);
    if (!text) {
        return std::nullopt;
    }
    double number = 0;
    const char* end = text->data() + text->size();
    const auto [rest, error] = std::from_chars(text->data(), end, number, std::chars_format::fixed);
    if (error != std::errc{} || rest != end || !(number >= least) || !(number <= most)) {
        refuse(flag, *text, fmt::format("{} to {}", least, most));
    }
    return number;
}

std::optional<Duration> read_time(const po::variables_map& values, const char* flag, Duration least,
                                  Duration most) {
    const auto text = value_of(values, flag);
    if (!text) {
        return std::nullopt;
    }
    return time_in(flag, *text, least, most);
}

std::optional<AddressRange> read_addresses(const po::variables_map& values) {
    const auto text = value_of(values, "addresses");
    if (!text) {
        return std::nullopt;
    }
    const auto range = read_address_range(*text);
    if (!range) {
        refuse("addresses", *text, "two IPv4 addresses, as 10.0.128.1-10.0.160.0");
    }
    return range;
}

std::vector<pid_t> read_pids(const po::variables_map& values) {
    std::vector<pid_t> pids;
    const auto text = value_of(values, "server-pid");
    if (!text) {
        return pids;
    }
    for (std::string_view rest = *text; !rest.empty() || pids.empty();) {
        const std::string_view word = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        const auto pid = number_in(word);
        if (!pid || *pid == 0 || *pid > INT32_MAX) {
            refuse("server-pid", *text, "numbers of processes, with commas between them");
        }
        if (::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH) {
            throw UsageError{fmt::format("--server-pid: there is no process {}", *pid)};
        }
        pids.push_back(static_cast<pid_t>(*pid));
    }
    return pids;
}

IpAddress read_server(const std::string& text) {
    if (const auto v4 = read_ipv4_address(text)) {
        return *v4;
    }
    Ipv6Address v6;
    if (::inet_pton(AF_INET6, text.c_str(), v6.octets.data()) == 1) {
        return v6;
    }
    refuse("server", text, "an IPv4 or IPv6 address");
}

Pace read_arrivals(const std::string& text) {
    if (text == "once") {
        return {.shape = Pace::Shape::once};
    }
    constexpr std::string_view racks = "racks:";
    if (text.starts_with(racks)) {
        const auto size = number_in(std::string_view{text}.substr(racks.size()));
        if (!size || *size == 0 || *size > 100'000) {
            refuse("arrivals", text, "racks:N with N from 1 to 100000");
        }
        return {.shape = Pace::Shape::racks, .rack_size = static_cast<std::uint32_t>(*size)};
    }
    if (text.empty() || text.front() < '0' || text.front() > '9') {
        refuse("arrivals", text, "once, a time such as 30s, or racks:N");
    }
    return {.shape = Pace::Shape::spread,
            .spread = time_in("arrivals", text, Duration{}, std::chrono::hours{24})};
}

std::optional<unsigned> read_boot_slots(const std::string& text) {
    if (text == "off") {
        return std::nullopt;
    }
    const auto number = number_in(text);
    if (text != "auto" && (!number || *number == 0 || *number > 100'000)) {
        refuse("boot-slots", text, "a number from 1 to 100000, auto, or off");
    }
    return text == "auto" ? 0 : static_cast<unsigned>(*number);
}

double read_link(const std::string& text) {
    const auto digits = text.find_first_not_of("0123456789");
    const auto number = number_in(std::string_view{text}.substr(0, digits));
    const std::string_view unit = std::string_view{text}.substr(std::min(digits, text.size()));
    const double factor = unit == "M" ? 1e6 : unit == "G" ? 1e9 : 0;
    if (!number || factor == 0 || *number == 0 || *number > 1'000'000) {
        refuse("link", text, "bits a second, as 100M, 1G or 25G");
    }
    return static_cast<double>(*number) * factor;
}

std::uint64_t read_size(const std::string& text) {
    const auto digits = text.find_first_not_of("0123456789");
    const auto number = number_in(std::string_view{text}.substr(0, digits));
    const std::string_view unit = std::string_view{text}.substr(std::min(digits, text.size()));
    constexpr std::array<std::pair<std::string_view, unsigned>, 4> units{
        {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
    const auto known =
        std::ranges::find(units, unit, &std::pair<std::string_view, unsigned>::first);
    if (!number || known == units.end() || *number > std::uint64_t{1} << 30U) {
        refuse("image", text, "a size, as 800MiB or 2GiB");
    }
    return *number << known->second;
}

InstallerChoice read_installer(const std::string& text) {
    if (text == "minimal") {
        return {};
    }
    constexpr std::string_view packages = "packages:";
    const auto count = text.starts_with(packages)
                           ? number_in(std::string_view{text}.substr(packages.size()))
                           : std::nullopt;
    if (!count || *count == 0 || *count > 1'000'000) {
        refuse("installer", text, "minimal, or packages:N with N from 1 to 1000000");
    }
    return {.packages = static_cast<std::uint32_t>(*count)};
}

} // namespace muster::load
