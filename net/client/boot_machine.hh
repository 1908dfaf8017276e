// SPDX-License-Identifier: Apache-2.0
// One machine's whole boot, from power-on to the installed system: ROM, the loaders it is given,
// boot script, kernel, installer, reports, reboot. It gives up when the real client gives up.
#pragma once

#include "net/client/client_machine.hh"
#include "net/client/firmware.hh"

#include <memory>

namespace muster {

/// What runs once the kernel and its initrd are there.
struct InstallerModel {
    enum class Kind : std::uint8_t {
        minimal,  ///< answers, one root image, reports: deploy/minimal-installer
        packages, ///< answers, then many files, one after the other, as a distribution's does
    };
    Kind kind = Kind::minimal;
    unsigned packages = 300;
    /// Where packages lie: path of number i (from 0) is `package_path` with `{}` replaced.
    std::string package_path = "/files/packages/{}.deb";
    /// How fast its disk takes data, bytes per second; 0: as fast as it comes.
    std::uint64_t disk_rate = 0;
};

struct BootMachineOptions {
    const FirmwareModel* firmware = nullptr;
    InstallerModel installer;
    std::uint64_t seed = 0;
    /// Multiplies the client's own business (its start, decompression): 0 leaves it out, so that
    /// only the waits that a protocol forces are left. Timers of protocols are never scaled.
    double own_time = 1.0;
    /// How long an installed system runs before its machine finishes; the lease is renewed
    /// meanwhile, as a real one would.
    Duration disk_time{};
    /// True: after `installed` the machine boots from the network again (boot order network, disk)
    /// and must be sent to its disk; false: it boots its disk by itself.
    bool network_first = true;
    /// A system is on its disk from the start: being sent there is an end, not a failure.
    bool installed = false;
};

/// A machine that notes stages, waits, transfers, and finish(ok) when it runs from its disk.
/// `firmware` must not be null.
[[nodiscard]] std::unique_ptr<ClientMachine> make_boot_machine(const BootMachineOptions& options);

} // namespace muster
