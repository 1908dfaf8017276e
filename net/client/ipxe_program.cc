// SPDX-License-Identifier: Apache-2.0
#include "net/client/ipxe_script.hh"

#include <fmt/format.h>

namespace muster {
namespace {

std::string uuid_text(const std::array<std::uint8_t, 16>& uuid) {
    // The first three fields are stored little-endian (SMBIOS 2.6, section 7.2.1).
    constexpr std::array<std::size_t, 16> order{3, 2, 1,  0,  5,  4,  7,  6,
                                                8, 9, 10, 11, 12, 13, 14, 15};
    std::string text;
    for (std::size_t i = 0; i < order.size(); ++i) {
        text += i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
        text += fmt::format("{:02x}", uuid[order[i]]);
    }
    return text;
}

std::map<std::string, std::string> settings_of(const BootPlace& place,
                                               const DhcpClientLease& lease) {
    std::map<std::string, std::string> settings{
        {"mac", to_text(place.mac)},
        {"mac:hexhyp", to_text(place.mac, '-')},
        {"mac:hexraw", to_text(place.mac, 0)},
        {"ip", to_text(lease.address)},
        {"netmask", to_text(lease.netmask)},
        {"gateway", to_text(lease.router)},
        {"next-server", to_text(lease.next_server)},
        {"filename", lease.boot_file},
        {"uuid", uuid_text(place.uuid)},
        {"platform", place.uefi ? "efi" : "pcbios"},
        {"buildarch", place.uefi ? "x86_64" : "i386"},
        {"cpuid", "x86_64"},
    };
    for (const char* name : {"mac", "mac:hexhyp", "mac:hexraw", "ip", "netmask", "gateway"}) {
        settings[std::string{"net0/"} + name] = settings[name];
    }
    return settings;
}

/// iPXE without a script of its own: DHCP, routers, the file that DHCP names.
class IpxeProgram final : public BootProgram {
public:
    explicit IpxeProgram(const BootPlace& place) : place_(place) {}

    BootWish next(const BootAnswer& answer) override {
        switch (step_) {
        case Step::begin:
            step_ = Step::leased;
            return {.kind = BootWish::Kind::dhcp, .dhcp = place_.model->dhcp};
        case Step::leased:
            if (!answer.ok) {
                return wish_leave(std::string{answer.why});
            }
            lease_ = *answer.lease;
            step_ = Step::routers;
            return {.kind = BootWish::Kind::routers};
        case Step::routers:
            return load();
        case Step::loaded:
            return run_loaded(answer);
        case Step::scripts:
            return scripts_->run(answer);
        }
        __builtin_unreachable();
    }

private:
    enum class Step : std::uint8_t { begin, leased, routers, loaded, scripts };

    BootWish load() {
        if (lease_.boot_file.empty()) {
            return wish_leave("iPXE has nothing to boot: DHCP named no file");
        }
        const bool whole = lease_.boot_file.find("://") != std::string::npos;
        const auto url = whole ? read_boot_url(lease_.boot_file)
                               : std::optional{tftp_url(lease_.next_server, lease_.boot_file)};
        if (!url) {
            return wish_leave("iPXE cannot fetch " + lease_.boot_file);
        }
        url_ = *url;
        step_ = Step::loaded;
        return wish_fetch(url_, ClientStage::loader, boot_script_size_max);
    }

    BootWish run_loaded(const BootAnswer& answer) {
        if (!answer.ok) {
            return wish_leave(std::string{answer.why});
        }
        if (IpxeScripts::is_script(answer.body)) {
            scripts_.emplace(place_, settings_of(place_, lease_));
            scripts_->push(answer.body, url_);
            step_ = Step::scripts;
            return scripts_->run({});
        }
        BootWish wish{.kind = BootWish::Kind::program, .url = url_};
        wish.program = find_boot_program(url_.path, place_.uefi);
        if (wish.program == nullptr) {
            wish.kind = BootWish::Kind::kernel;
            wish.stage = ClientStage::kernel;
        }
        return wish;
    }

    BootPlace place_;
    DhcpClientLease lease_;
    BootUrl url_;
    std::optional<IpxeScripts> scripts_;
    Step step_ = Step::begin;
};

} // namespace

std::unique_ptr<BootProgram> make_ipxe_program(const BootPlace& place) {
    return std::make_unique<IpxeProgram>(place);
}

} // namespace muster
