// SPDX-License-Identifier: Apache-2.0
// A grub.cfg as GRUB runs it, as far as a boot server's scripts and plain ones written by hand go:
// linux, initrd, boot, chainloader, search for a disk, source, configfile, sleep, exit, variables,
// tests, loops, menu entries.
#pragma once

#include "net/client/boot_program.hh"
#include "net/client/grub_code.hh"

#include <map>
#include <vector>

namespace muster {

class GrubScripts {
public:
    /// `server`: of `(tftp)` and of what has no device.
    GrubScripts(const BootPlace& place, const BootUrl& server);

    /// False: it has a syntax error.
    [[nodiscard]] bool push(std::string_view text);
    /// Goes on; `answer` is that of the last wish. Where scripts end without booting, GRUB is
    /// stuck at its prompt.
    [[nodiscard]] BootWish run(const BootAnswer& answer);

private:
    using Words = std::vector<std::string>;
    enum class Pending : std::uint8_t {
        none,
        linux,
        initrd,
        chainloader,
        source,
        configfile,
        slept,
        menu
    };
    struct Loop {
        std::size_t begun = 0; ///< the step of its for_begin
        std::string variable;
        Words values;
        std::size_t next = 0;
    };
    struct Frame {
        std::shared_ptr<const GrubCode> code;
        std::size_t at = 0;
        std::vector<Loop> loops{};
        bool menu_entry = false; ///< boots what it has loaded when it ends
    };
    struct Entry {
        std::string title;
        std::shared_ptr<const GrubCode> body;
    };
    struct Result {
        bool ok = true;
        std::optional<BootWish> wish{};
    };
    /// A file as scripts name it.
    struct File {
        bool on_disk = false;
        BootUrl url{};
    };

    [[nodiscard]] std::optional<BootWish> take_pending(const BootAnswer& answer);
    [[nodiscard]] std::optional<BootWish> step();
    [[nodiscard]] std::optional<BootWish> end_frame();
    [[nodiscard]] std::optional<BootWish> menu();
    [[nodiscard]] Result execute(const Words& words);
    [[nodiscard]] Result load(const Words& words, Pending pending, ClientStage stage,
                              std::size_t keep);
    [[nodiscard]] std::optional<BootWish> next_initrd();
    [[nodiscard]] Result search(const Words& words);
    [[nodiscard]] Result boot();
    [[nodiscard]] bool test(std::span<const std::string> words) const;
    void set(std::string_view assignment);
    [[nodiscard]] Words expanded(const Words& raw) const;
    void expand(std::string_view raw, Words& out) const;
    [[nodiscard]] std::string value_of(std::string_view text, std::size_t& at) const;
    [[nodiscard]] std::optional<File> file(std::string_view name) const;

    bool uefi_;
    bool disk_has_system_;
    BootUrl server_;
    std::map<std::string, std::string, std::less<>> variables_;
    std::vector<Frame> frames_;
    std::vector<Entry> entries_;
    bool ok_ = true;
    bool negated_ = false; ///< the command that waits for its answer
    Pending pending_ = Pending::none;
    std::string pending_text_;
    BootUrl pending_url_;
    Words initrds_;                     ///< still to fetch
    std::optional<std::string> kernel_; ///< command line of what `linux` loaded
    std::optional<File> chained_;       ///< what `chainloader` loaded
    std::string last_failure_;
    unsigned steps_ = 0;
};

} // namespace muster
