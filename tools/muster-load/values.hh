// SPDX-License-Identifier: Apache-2.0
// Values of flags, read and checked. Every function throws UsageError, whose text names the flag,
// its value and what is allowed.
#pragma once

#include "tools/muster-load/options.hh"

#include <boost/program_options.hpp>

namespace muster::load {

namespace po = boost::program_options;

/// Of a flag that was given; nullopt: it was not.
[[nodiscard]] std::optional<std::string> value_of(const po::variables_map& values,
                                                  const char* flag);
[[nodiscard]] std::optional<std::uint64_t> read_number(const po::variables_map& values,
                                                       const char* flag, std::uint64_t least,
                                                       std::uint64_t most);
[[nodiscard]] std::optional<double> read_decimal(const po::variables_map& values, const char* flag,
                                                 double least, double most);
[[nodiscard]] std::optional<Duration> read_time(const po::variables_map& values, const char* flag,
                                                Duration least, Duration most);
[[nodiscard]] std::optional<AddressRange> read_addresses(const po::variables_map& values);
/// Processes that run now.
[[nodiscard]] std::vector<pid_t> read_pids(const po::variables_map& values);
/// An IPv4 or IPv6 address.
[[nodiscard]] IpAddress read_server(const std::string& text);
[[nodiscard]] Pace read_arrivals(const std::string& text);
/// `40`; `auto`: 0; `off`: empty.
[[nodiscard]] std::optional<unsigned> read_boot_slots(const std::string& text);
/// `25G`, `1G`, `100M`: bits a second.
[[nodiscard]] double read_link(const std::string& text);
/// `800MiB`, `4KiB`, `1GiB`, or bytes.
[[nodiscard]] std::uint64_t read_size(const std::string& text);
[[nodiscard]] InstallerChoice read_installer(const std::string& text);

} // namespace muster::load
