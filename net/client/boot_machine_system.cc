// SPDX-License-Identifier: Apache-2.0
// From the kernel to the installed system: the installer, the restart, the disk.
#include "net/client/boot_machine_state.hh"
#include "net/client/firmware_models.hh"

#include <algorithm>

namespace muster {
namespace {

/// The installer's script waits so long before it restarts a machine that it could not install.
constexpr Duration restart_pause = 60s;
constexpr std::uint32_t shortest_lease_s = 60;

} // namespace

void BootMachine::start_kernel(const std::string& cmdline, ClientContext& context) {
    fetcher_.drop(context);
    solicitor_.stop();
    if (!ran_expected_) {
        context.failed("it was not given " + std::string{to_text(*firmware_.expects)} + ", as " +
                       std::string{firmware_.name} + " is meant to be");
    }
    program_.reset();
    dhcp_.reset();
    state_ = State::system;
    enter(ClientStage::installer, context);
    installer_ = std::make_unique<BootInstaller>(options_, cmdline, prng_.next());
    installer_->begin(context);
}

void BootMachine::on_installer_end(ClientContext& context) {
    const bool ok = installer_->outcome() == ClientOutcome::done;
    installer_->drop(context);
    if (ok) {
        installer_.reset();
        has_system_ = true;
        if (options_.network_first) {
            reboot(context);
        } else {
            boot_disk(context);
        }
        return;
    }
    context.failed("not installed: " + installer_->why());
    const bool touched = installer_->touched_disk();
    has_system_ = has_system_ && !touched;
    installer_.reset();
    state_ = State::pausing;
    wait(restart_pause, ClientWait::client, context);
}

void BootMachine::reboot(ClientContext& context) {
    dhcp_.reset();
    enter(ClientStage::off, context);
    power_on(context);
}

void BootMachine::boot_disk(ClientContext& context) {
    if (!has_system_) {
        lose("sent to its disk, where nothing is", context);
        return;
    }
    fetcher_.drop(context);
    solicitor_.stop();
    program_.reset();
    state_ = State::disk;
    enter(ClientStage::disk, context);
    if (options_.disk_time <= Duration{}) {
        state_ = State::over;
        context.finish(true);
        return;
    }
    disk_until_ = context.now.steady + options_.disk_time;
    renew_at_ = Instant::never();
    dhcp_.emplace(system_dhcp, prng_.next());
    dhcp_->begin(context);
}

/// The installed system: has an address, and renews it at half of its term (RFC 2131 section
/// 4.4.5); one that it does not get is asked for anew.
void BootMachine::on_disk(ClientContext& context) {
    const Instant now = context.now.steady;
    if (now >= disk_until_) {
        state_ = State::over;
        context.finish(true);
        return;
    }
    if (dhcp_->busy()) {
        return;
    }
    if (renew_at_ == Instant::never()) {
        const bool ok = dhcp_->outcome() == ClientOutcome::done;
        const std::uint32_t term_s =
            ok ? std::max(dhcp_->lease().lease_s, shortest_lease_s) : shortest_lease_s;
        renew_at_ = now + std::chrono::seconds{term_s} / 2;
    }
    if (now >= renew_at_) {
        renew_at_ = Instant::never();
        if (dhcp_->outcome() == ClientOutcome::done) {
            dhcp_->renew(context);
        } else {
            dhcp_->begin(context);
        }
    }
}

} // namespace muster
