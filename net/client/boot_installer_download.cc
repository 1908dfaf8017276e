// SPDX-License-Identifier: Apache-2.0
// The part of an installation that takes long: its image, or its packages.
#include "net/client/boot_installer.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

constexpr Duration progress_interval = 1s; ///< how often the installer looks

} // namespace

void BootInstaller::begin_download(ClientContext& context) {
    touched_disk_ = true;
    download_began_ = context.now.steady;
    if (model_.kind == InstallerModel::Kind::packages) {
        step_ = Step::packages;
        package_ = 0;
        next_package(context);
        return;
    }
    const auto url = read_boot_url(image_);
    if (!url || url->scheme != BootUrl::Scheme::http) {
        fail(ClientOutcome::broken, "it cannot fetch " + image_, context);
        return;
    }
    step_ = Step::download;
    percent_ = 0;
    progress_at_ = report_.empty() ? Instant::never() : context.now.steady + progress_interval;
    waited_ = patience_ = {};
    bulk_.begin({.local = dhcp_->lease().address,
                 .server = url->server,
                 .host = url->host,
                 .target = url->path},
                context);
}

void BootInstaller::next_package(ClientContext& context) {
    if (package_ == model_.packages) {
        write_out(context);
        return;
    }
    // From the server of the answers, else of the lease.
    const auto of_answers = read_boot_url(answers_.empty() ? report_ : answers_);
    const Endpoint server =
        of_answers ? of_answers->server : Endpoint{dhcp_->lease().next_server, 80};
    std::string path = model_.package_path;
    if (const auto at = path.find("{}"); at != std::string::npos) {
        path.replace(at, 2, std::to_string(package_));
    }
    ++package_;
    bulk_.begin({.local = dhcp_->lease().address,
                 .server = server,
                 .host = of_answers ? of_answers->host : std::string{},
                 .target = path},
                context);
}

/// `wget` has ended: what broke off begins anew, as the installer's script has it.
void BootInstaller::on_download(ClientContext& context) {
    if (bulk_.outcome() == ClientOutcome::done) {
        if (step_ == Step::packages) {
            next_package(context);
        } else {
            write_out(context);
        }
        return;
    }
    const std::string why =
        fmt::format("{}: {}", step_ == Step::packages ? "a package" : image_, bulk_.why());
    if (step_ == Step::packages || bulk_.outcome() == ClientOutcome::refused ||
        waited_ >= request_patience) {
        fail(bulk_.outcome(), why, context);
        return;
    }
    context.failed(why);
    pause_ = waited_ == Duration{} ? first_pause : std::min(pause_ * 2, longest_pause);
    waited_ += pause_;
    since_ = context.now.steady;
    until_ = since_ + pause_;
    progress_at_ = Instant::never();
}

void BootInstaller::write_out(ClientContext& context) {
    progress_at_ = Instant::never();
    Duration behind{};
    if (model_.disk_rate != 0 && step_ == Step::download) {
        const auto whole = std::chrono::duration<double>{static_cast<double>(bulk_.bytes()) /
                                                         static_cast<double>(model_.disk_rate)};
        behind =
            std::chrono::duration_cast<Duration>(whole) - (context.now.steady - download_began_);
    }
    bulk_.close(context);
    work(Step::unpacking, behind, context);
}

/// At most one a second, and only what is more than before.
void BootInstaller::report_progress(ClientContext& context) {
    const Instant now = context.now.steady;
    if (image_size_ == 0 || requests_.busy()) {
        progress_at_ = now + progress_interval;
        return;
    }
    const std::uint64_t bytes = bulk_.bytes();
    const auto percent =
        static_cast<unsigned>(std::min<std::uint64_t>(bytes * 100 / image_size_, 99));
    progress_at_ = now + until_more(bytes, std::max(percent, percent_), now);
    if (percent <= percent_) {
        return;
    }
    percent_ = percent;
    const auto url = read_boot_url(report_);
    if (!url) {
        return;
    }
    requests_.begin(
        {.local = dhcp_->lease().address,
         .server = url->server,
         .host = url->host,
         .target = fmt::format("{}/progress?percent={}&message=unpacking", url->path, percent)},
        context);
}

/// The installer looks every second. Of ten thousand that share a link, nearly all would look in
/// vain nearly always: the next percent is not looked for before it is there at twice the pace.
Duration BootInstaller::until_more(std::uint64_t bytes, unsigned percent,
                                   Instant now) const noexcept {
    if (bytes == 0) {
        return progress_interval;
    }
    const double missing =
        static_cast<double>(image_size_) * (percent + 1) / 100 - static_cast<double>(bytes);
    const double pace =
        static_cast<double>(bytes) / std::chrono::duration<double>(now - download_began_).count();
    const auto seconds = static_cast<std::int64_t>(std::max(missing, 0.0) / pace / 2);
    return std::clamp<std::int64_t>(seconds, 1, 60) * progress_interval;
}

} // namespace muster
