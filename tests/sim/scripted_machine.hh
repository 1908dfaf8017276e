// SPDX-License-Identifier: Apache-2.0
// The simplest machine that can be installed: iPXE's protocols and nothing of its habits. For tests
// that are about the world and not about firmware.
#pragma once

#include "tools/simulator/machines.hh"

namespace muster::test {

/// DHCP, its loader over TFTP, the boot script, kernel, initrd, answers and image over HTTP, the
/// report, a restart; and the disk, once a script leads there. What fails is begun anew, for ever.
[[nodiscard]] std::unique_ptr<ClientMachine> make_scripted_machine(const sim::PowerOn& power);

} // namespace muster::test
