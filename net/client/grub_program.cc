// SPDX-License-Identifier: Apache-2.0
#include "net/client/grub_script.hh"

namespace muster {
namespace {

/// The signed GRUB of Debian, built for the network: prefix /grub on the server that the firmware's
/// cached DHCP answer names.
class GrubProgram final : public BootProgram {
public:
    explicit GrubProgram(const BootPlace& place)
        : place_(place),
          server_(tftp_url(place.lease.dhcp_next_server, "")),
          scripts_(place, server_) {}

    BootWish next(const BootAnswer& answer) override {
        constexpr std::string_view files[] = {"x86_64-efi/command.lst", "x86_64-efi/fs.lst",
                                              "x86_64-efi/crypto.lst", "x86_64-efi/terminal.lst",
                                              "grub.cfg"};
        if (place_.http_boot) {
            // Seen with Debian's 2.06: HTTP boot leaves it without an address and a prefix.
            return wish_stuck("GRUB has no address after HTTP boot: grub> prompt");
        }
        if (step_ < std::size(files)) {
            BootUrl url = server_;
            url.path = "/grub/" + std::string{files[step_]};
            ++step_;
            const bool script = step_ == std::size(files);
            return wish_fetch(std::move(url), ClientStage::loader,
                              script ? boot_script_size_max : 0); // the lists may be missing
        }
        if (step_ == std::size(files)) {
            ++step_;
            if (!answer.ok) {
                return wish_stuck("grub> prompt: no grub.cfg: " + std::string{answer.why});
            }
            if (!scripts_.push(answer.body)) {
                return wish_stuck("grub> prompt: grub.cfg has a syntax error");
            }
        }
        return scripts_.run(answer);
    }

private:
    BootPlace place_;
    BootUrl server_;
    GrubScripts scripts_;
    std::size_t step_ = 0;
};

} // namespace

std::unique_ptr<BootProgram> make_grub_program(const BootPlace& place) {
    return std::make_unique<GrubProgram>(place);
}

} // namespace muster
