// SPDX-License-Identifier: Apache-2.0
// The programs that follow no script: EDK2's two ways of network boot, U-Boot, shim.
#include "net/client/boot_program.hh"

#include <array>

namespace muster {
namespace {

/// A file that a firmware was given: a program that is known, or one kernel image with all in it.
BootWish run_loaded(const BootUrl& url, const BootPlace& place) {
    BootWish wish{.kind = BootWish::Kind::program, .url = url};
    wish.program = find_boot_program(url.path, place.uefi);
    if (wish.program == nullptr) {
        wish.kind = BootWish::Kind::kernel;
        wish.stage = ClientStage::kernel;
    }
    return wish;
}

/// EDK2: an exchange, one file, and that is run.
class Edk2Program final : public BootProgram {
public:
    explicit Edk2Program(const BootPlace& place) : place_(place) {}

    BootWish next(const BootAnswer& answer) override {
        switch (step_++) {
        case 0:
            return {.kind = BootWish::Kind::dhcp, .dhcp = place_.model->dhcp};
        case 1:
            return answer.ok ? load(*answer.lease) : wish_leave(std::string{answer.why});
        default:
            // PXE-E18 and its like: the boot option has failed.
            return answer.ok ? run_loaded(url_, place_) : wish_leave(std::string{answer.why});
        }
    }

private:
    BootWish load(const DhcpClientLease& lease) {
        if (place_.model->http == nullptr) {
            url_ = tftp_url(lease.next_server, lease.boot_file);
            return wish_fetch(url_);
        }
        const auto url = read_boot_url(lease.boot_file);
        if (!url || url->scheme != BootUrl::Scheme::http) {
            return wish_leave("no HTTP URL to boot from: " + lease.boot_file);
        }
        url_ = *url;
        return wish_fetch(url_);
    }

    BootPlace place_;
    BootUrl url_;
    unsigned step_ = 0;
};

/// U-Boot's distribution boot: a script of its own, then PXE with an EFI program.
class UBootProgram final : public BootProgram {
public:
    explicit UBootProgram(const BootPlace& place) : place_(place) {}

    BootWish next(const BootAnswer& answer) override {
        switch (step_++) {
        case 0:
            return {.kind = BootWish::Kind::dhcp, .dhcp = place_.model->first_dhcp};
        case 1:
            if (!answer.ok) {
                return wish_leave(std::string{answer.why});
            }
            return wish_fetch(tftp_url(answer.lease->next_server, place_.model->dhcp->file));
        case 2: // whether it had a script or not: servers that have one are not modelled
            return {.kind = BootWish::Kind::dhcp, .dhcp = place_.model->dhcp};
        case 3:
            if (!answer.ok || answer.lease->boot_file.empty()) {
                return wish_leave(answer.ok ? "no boot file" : std::string{answer.why});
            }
            url_ = tftp_url(answer.lease->next_server, answer.lease->boot_file);
            return wish_fetch(url_);
        case 4:
            if (!answer.ok) {
                return wish_leave(std::string{answer.why});
            }
            return wish_fetch(
                resolve_boot_url(url_, "dtb/").value_or(url_)); // a missing one is fine
        default:
            return run_loaded(url_, place_);
        }
    }

private:
    BootPlace place_;
    BootUrl url_;
    unsigned step_ = 0;
};

/// shim looks for what was revoked and for further certificates, then loads GRUB from beside
/// itself, through the firmware's protocols.
class ShimProgram final : public BootProgram {
public:
    explicit ShimProgram(const BootPlace& place) : place_(place) {}

    BootWish next(const BootAnswer& answer) override {
        constexpr std::array<std::string_view, 4> files{
            "revocations_sku.efi", "revocations_sbat.efi", "shim_certificate_0.efi", "grubx64.efi"};
        if (step_ < files.size()) {
            url_ = beside(files[step_]);
            ++step_;
            return wish_fetch(url_);
        }
        return answer.ok ? run_loaded(url_, place_)
                         : wish_leave("shim: " + std::string{answer.why});
    }

private:
    BootUrl beside(std::string_view name) const {
        BootUrl url = place_.url;
        std::string folder{folder_of(url.path)};
        // Over HTTP it puts a second slash before the loader's name, and before that alone.
        if (url.scheme == BootUrl::Scheme::http && name.starts_with("grub")) {
            folder += '/';
        }
        url.path = folder + std::string{name};
        return url;
    }

    BootPlace place_;
    BootUrl url_;
    unsigned step_ = 0;
};

} // namespace

std::unique_ptr<BootProgram> make_firmware_program(const BootPlace& place) {
    if (place.model->kind == BootProgramModel::Kind::u_boot) {
        return std::make_unique<UBootProgram>(place);
    }
    return std::make_unique<Edk2Program>(place);
}

std::unique_ptr<BootProgram> make_shim_program(const BootPlace& place) {
    return std::make_unique<ShimProgram>(place);
}

std::unique_ptr<BootProgram> make_boot_program(const BootPlace& place) {
    switch (place.model->kind) {
    case BootProgramModel::Kind::edk2:
    case BootProgramModel::Kind::u_boot:
        return make_firmware_program(place);
    case BootProgramModel::Kind::ipxe:
        return make_ipxe_program(place);
    case BootProgramModel::Kind::pxelinux:
        return make_pxelinux_program(place);
    case BootProgramModel::Kind::shim:
        return make_shim_program(place);
    case BootProgramModel::Kind::grub:
        return make_grub_program(place);
    }
    __builtin_unreachable();
}

BootWish wish_fetch(BootUrl url, ClientStage stage, std::size_t keep) {
    BootWish wish{.kind = BootWish::Kind::fetch};
    wish.url = std::move(url);
    wish.stage = stage;
    wish.keep = keep;
    return wish;
}

BootWish wish_wait(Duration duration, ClientWait reason) {
    BootWish wish{.kind = BootWish::Kind::wait};
    wish.duration = duration;
    wish.reason = reason;
    return wish;
}

BootWish wish_leave(std::string why) {
    BootWish wish{.kind = BootWish::Kind::leave};
    wish.text = std::move(why);
    return wish;
}

BootWish wish_stuck(std::string why) {
    BootWish wish{.kind = BootWish::Kind::stuck};
    wish.text = std::move(why);
    return wish;
}

} // namespace muster
