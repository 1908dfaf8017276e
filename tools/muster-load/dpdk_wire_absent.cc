// SPDX-License-Identifier: Apache-2.0
// In place of dpdk_wire.cc where libdpdk is not there: the command line lets nobody get here.
#include "tools/muster-load/dpdk_wire.hh"

namespace muster::load {

bool has_dpdk() noexcept {
    return false;
}

DpdkWire open_dpdk_wire(const Options&) {
    throw Failure{"--backend dpdk: this muster-load was built without DPDK"};
}

} // namespace muster::load
