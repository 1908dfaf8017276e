// SPDX-License-Identifier: Apache-2.0
// What runs once kernel and initrd are there: deploy/minimal-installer as its script goes, or a
// distribution's installer that fetches package after package.
#pragma once

#include "net/client/boot_machine.hh"
#include "net/client/boot_url.hh"
#include "net/client/dhcp_client.hh"

#include <optional>

namespace muster {

class BootInstaller {
public:
    /// `cmdline`: of the kernel; says where answers, reports or the image are.
    BootInstaller(const BootMachineOptions& options, std::string_view cmdline, std::uint64_t seed);

    void begin(ClientContext& context);
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept;
    /// The connection's own client; null: none of the installer's.
    [[nodiscard]] HttpClient* owner(ClientStreamId stream) noexcept;
    void on_timer(ClientContext& context) noexcept;
    /// After each of the above: goes on with what has ended.
    void advance(ClientContext& context);
    void drop(ClientContext& context);

    [[nodiscard]] Instant deadline() const noexcept;
    [[nodiscard]] bool busy() const noexcept { return outcome_ == ClientOutcome::running; }
    [[nodiscard]] ClientOutcome outcome() const noexcept { return outcome_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    /// It came so far that what was on the disk before is gone.
    [[nodiscard]] bool touched_disk() const noexcept { return touched_disk_; }

private:
    enum class Step : std::uint8_t {
        kernel,    ///< decompresses, looks for its hardware
        lease,     ///< udhcpc
        no_lease,  ///< sleeps before the next round of it
        started,   ///< reports its start
        answers,   ///< asks for install.conf or a preseed file
        image,     ///< asks whether the image is there
        disk,      ///< partitions, makes file systems
        download,  ///< the image, with reports of progress beside it
        unpacking, ///< what the disk is behind with
        packages,  ///< one after the other
        writing,   ///< configures, makes bootable
        installed, ///< reports that
        failed,    ///< reports why not
        over,
    };

    // As deploy/minimal-installer/init has them.
    static constexpr Duration request_patience{std::chrono::seconds{60}};
    static constexpr Duration first_pause{std::chrono::seconds{1}};
    static constexpr Duration longest_pause{std::chrono::seconds{30}};

    void lease_round(ClientContext& context);
    void after_lease(ClientContext& context);
    void ask(Step step, const std::string& url, HttpFetch::Method method, Duration patience,
             ClientContext& context);
    void ask_again(ClientContext& context);
    void on_asked(ClientContext& context);
    void on_answers(ClientContext& context);
    void begin_download(ClientContext& context);
    void on_download(ClientContext& context);
    void report_progress(ClientContext& context);
    [[nodiscard]] unsigned percent_there() const noexcept;
    void plan_report(Instant now) noexcept;
    void next_package(ClientContext& context);
    void work(Step step, Duration duration, ClientContext& context);
    void on_worked(ClientContext& context);
    void write_out(ClientContext& context);
    void fail(ClientOutcome outcome, std::string why, ClientContext& context);
    void end(ClientOutcome outcome, std::string why);
    [[nodiscard]] Duration own(Duration duration) const noexcept;
    [[nodiscard]] bool asking() const noexcept;
    [[nodiscard]] bool downloads() const noexcept {
        return step_ == Step::download || step_ == Step::packages;
    }

    InstallerModel model_;
    double own_time_;
    std::string answers_; ///< URL with the file's name
    std::string report_;  ///< URL to which `/started` and the like are added
    std::string image_;
    ClientOutcome outcome_ = ClientOutcome::idle;
    ClientOutcome failure_ = ClientOutcome::broken; ///< while it is being reported
    std::string why_;
    Step step_ = Step::kernel;
    unsigned round_ = 0; ///< of udhcpc
    std::uint64_t seed_;
    std::optional<DhcpClient> dhcp_;
    HttpClient requests_; ///< reports, answers, and whether the image is there
    HttpClient bulk_;     ///< image or packages
    std::string url_;     ///< that is being asked for
    HttpFetch::Method method_ = HttpFetch::Method::get;
    Duration patience_{}; ///< of a request: how long it is tried again
    Duration waited_{};   ///< of it, so far
    Duration pause_{};    ///< before it is tried again
    Instant since_{};     ///< when the wait or work at hand began
    Instant until_ = Instant::never();
    Instant download_began_{};
    Instant progress_at_ = Instant::never(); ///< the next look that is not in vain
    std::uint64_t image_size_ = 0;
    unsigned percent_ = 0;
    unsigned package_ = 0;
    bool touched_disk_ = false;
};

} // namespace muster
