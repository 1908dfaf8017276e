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
    progress_at_ = Instant::never();
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
    context.note({.kind = ClientNote::Kind::image,
                  .duration = context.now.steady - download_began_,
                  .bytes = bulk_.bytes()});
    bulk_.close(context);
    work(Step::unpacking, behind, context);
}

/// How much of the image is on the disk, as the installer says it.
unsigned BootInstaller::percent_there() const noexcept {
    return image_size_ == 0 ? 0
                            : static_cast<unsigned>(
                                  std::min<std::uint64_t>(bulk_.bytes() * 100 / image_size_, 99));
}

/// The installer looks once a second and reports what is more than before. Of ten thousand that
/// share a link nearly all would look in vain nearly always: here a look is planned for the next
/// of those seconds when there is something to see, so that it reports at the same moments.
void BootInstaller::plan_report(Instant now) noexcept {
    if (step_ != Step::download || progress_at_ != Instant::never() || report_.empty() ||
        requests_.busy() || percent_there() <= percent_) {
        return;
    }
    const auto looks = (now - download_began_) / progress_interval;
    progress_at_ = download_began_ + (looks + 1) * progress_interval;
}

void BootInstaller::report_progress(ClientContext& context) {
    progress_at_ = Instant::never();
    const unsigned percent = percent_there();
    const auto url = read_boot_url(report_);
    if (requests_.busy() || percent <= percent_ || !url) {
        return;
    }
    percent_ = percent;
    requests_.begin(
        {.local = dhcp_->lease().address,
         .server = url->server,
         .host = url->host,
         .target = fmt::format("{}/progress?percent={}&message=unpacking", url->path, percent)},
        context);
}

} // namespace muster
