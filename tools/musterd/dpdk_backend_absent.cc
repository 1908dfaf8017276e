// SPDX-License-Identifier: Apache-2.0
// In place of dpdk_backend.cc where libdpdk is not there: read_options() lets nobody get here.
#include "tools/musterd/dpdk_backend.hh"

namespace muster {

Result<std::unique_ptr<DpdkBackend>, std::string> open_dpdk_backend(const Options&, const Site&) {
    return std::unexpected("--backend dpdk: this musterd was built without DPDK");
}

std::optional<std::string> dpdk_version() {
    return std::nullopt;
}

} // namespace muster
