// SPDX-License-Identifier: Apache-2.0
// What a run of muster-load is to do, as its command line says it.
#pragma once

#include "core/addr/subnet.hh"
#include "core/base/time.hh"

#include "tools/muster/failure.hh"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::load {

using cli::Exit;
using cli::Failure;
using cli::UsageError;

enum class Kind : std::uint8_t { dhcp, tftp, multicast, http, storm };
[[nodiscard]] constexpr std::string_view to_text(Kind kind) noexcept {
    constexpr std::string_view names[] = {"dhcp", "tftp", "multicast", "http", "storm"};
    return names[static_cast<std::size_t>(kind)];
}

/// When machines begin.
struct Pace {
    enum class Shape : std::uint8_t {
        closed, ///< `concurrency` at a time: the next when one has ended
        rate,   ///< `rate` a second, at random moments, whether or not others have ended
        once,   ///< all at the same moment
        spread, ///< all at random moments within `spread`
        racks,  ///< `rack_size` at a time, a second between racks
    };
    Shape shape = Shape::closed;
    std::uint32_t concurrency = 0;
    double rate = 0;
    Duration spread{};
    std::uint32_t rack_size = 0;
};

/// What a storm's machines install.
struct InstallerChoice {
    std::uint32_t packages = 0; ///< 0: the minimal installer
};

struct Options {
    Kind kind{};
    IpAddress server{};
    std::string interface {};
    std::string dpdk_port{}; ///< empty: the kernel moves the packets
    std::string dpdk_eal{};
    std::uint32_t clients = 1; ///< machines; of a storm: --nodes
    Pace pace{};
    std::optional<Duration> duration{}; ///< none: until each machine has had its turn
    Duration warmup{};
    Duration patience{};
    Duration deadline{};
    std::uint64_t seed = 1;
    bool json = false;
    std::vector<pid_t> server_pids{};
    std::optional<AddressRange> addresses{};

    std::uint16_t port = 0; ///< 0: the protocol's own
    bool relay = false;     ///< dhcp
    std::string file{};     ///< tftp, multicast
    std::uint16_t blksize = 0;
    std::uint16_t windowsize = 0;
    std::string path{}; ///< http
    bool new_connections = false;
    std::string verify{};   ///< a local file; empty: do not
    std::string firmware{}; ///< storm
    InstallerChoice installer{};
    double own_time = 1;
    bool simulate = false;
    double link_bits_per_second = 25e9;
    std::uint64_t image_bytes = std::uint64_t{800} << 20U;
    std::optional<unsigned> boot_slots; ///< 0: auto; empty: off
    std::string plot{};
};

/// What the command line asks for.
struct Invocation {
    std::optional<Options> options; ///< none: print `text` and be done
    std::string text;               ///< help or version
};

/// Reads the arguments after the program's name.
///
/// Errors: throws UsageError, whose text names the option, its value and what is allowed.
[[nodiscard]] Invocation read_command_line(const std::vector<std::string>& arguments);

} // namespace muster::load
