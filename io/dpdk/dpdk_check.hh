// SPDX-License-Identifier: Apache-2.0
// What DPDK needs of a host, looked up before DPDK is asked: it says "Invalid argument".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace muster {

struct DpdkFinding {
    enum class Kind : std::uint8_t {
        good,
        note,    ///< works without, but should be known
        missing, ///< does not work without
    };
    Kind kind = Kind::good;
    std::string what;     ///< `huge pages: none is free`
    std::string remedy{}; ///< what to do; empty: nothing
};

struct DpdkCheckOptions {
    std::string eal{};         ///< as of --dpdk-eal
    std::string port{};        ///< as of --dpdk-port; empty: none named yet
    std::string split = "tap"; ///< as of --dpdk-split
    std::string root{};        ///< before /proc, /sys and /dev; a folder in tests
};

/// Looks at huge pages, capabilities, the port with its driver and IOMMU, and the split. Changes
/// nothing, starts nothing. In that order, each with what to do about it.
[[nodiscard]] std::vector<DpdkFinding> check_dpdk_host(const DpdkCheckOptions& options);

/// `0000:03:00.0`, with or without the domain.
[[nodiscard]] bool is_pci_address(const std::string& text) noexcept;

/// The value of `name=` among a virtual device's arguments; empty: it has none.
[[nodiscard]] std::string device_argument(const std::string& device, const std::string& name);

} // namespace muster
