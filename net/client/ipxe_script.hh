// SPDX-License-Identifier: Apache-2.0
// An iPXE script as iPXE runs it: lines cut at blanks, `||`, `&&` and `;` between commands,
// `${settings}`, `goto`. What a server's scripts and plain ones written by hand consist of; a
// command that is not known fails, as it does in a build without it.
#pragma once

#include "net/client/boot_program.hh"

#include <map>
#include <optional>
#include <vector>

namespace muster {

class IpxeScripts {
public:
    /// `settings`: the values of `${…}`.
    explicit IpxeScripts(const BootPlace& place, std::map<std::string, std::string> settings)
        : uefi_(place.uefi),
          disk_has_system_(place.disk_has_system),
          settings_(std::move(settings)) {}

    [[nodiscard]] static bool is_script(std::string_view text) noexcept {
        return text.starts_with("#!ipxe");
    }
    /// Runs this one next; what runs goes on when it ends, unless it is replaced.
    void push(std::string_view text, BootUrl url);
    /// Goes on; `answer` is that of the last wish. A wish to leave: all scripts have ended.
    [[nodiscard]] BootWish run(const BootAnswer& answer);

private:
    /// A line under way: the words of its commands, and where the next one begins; beyond the
    /// last word when all have run.
    struct Line {
        std::vector<std::string> words{};
        std::size_t at = 1;
    };
    struct Script {
        BootUrl url;
        std::vector<std::string> lines;
        std::size_t next = 0;
        Line line;
    };
    /// What waits for the answer of a fetch.
    enum class Pending : std::uint8_t { none, kernel, initrd, boot_image, chained, slept };
    /// What a command led to.
    struct Result {
        bool ok = true;
        std::optional<BootWish> wish{};
    };
    using Words = std::span<const std::string>;

    [[nodiscard]] std::optional<BootWish> take_pending(const BootAnswer& answer);
    [[nodiscard]] Result execute(Words command);
    [[nodiscard]] Result load(Words command, Pending pending);
    [[nodiscard]] Result sleep(Words command);
    [[nodiscard]] Result jump(Words command);
    [[nodiscard]] Result boot();
    void end_script(bool ok);
    [[nodiscard]] std::string expanded(std::string_view line) const;

    bool uefi_;
    bool disk_has_system_;
    std::map<std::string, std::string> settings_;
    std::vector<Script> scripts_;
    bool ok_ = true;
    Pending pending_ = Pending::none;
    BootUrl pending_url_;
    std::string pending_arguments_;
    bool replace_ = false;
    std::optional<std::string> kernel_; ///< command line of the kernel that is loaded
    std::string last_failure_;
    unsigned steps_ = 0;
};

} // namespace muster
