// SPDX-License-Identifier: Apache-2.0
// In place of dpdk_backend.cc where libdpdk is not there: read_options() lets nobody get here.
#include "tools/musterd/dpdk_backend.hh"

#include <cstdio>

namespace muster {

Result<std::unique_ptr<DpdkBackend>, std::string> open_dpdk_backend(const Options&, const Site&) {
    return std::unexpected("--backend dpdk: this musterd was built without DPDK");
}

int check_dpdk_backend(const Options&, const Site*) {
    std::printf("missing  DPDK: this musterd was built without\n"
                "         do: install libdpdk-dev, then build it again\n");
    return 1;
}

std::optional<std::string> dpdk_version() {
    return std::nullopt;
}

} // namespace muster
