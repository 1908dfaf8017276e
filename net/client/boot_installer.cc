// SPDX-License-Identifier: Apache-2.0
#include "net/client/boot_installer.hh"

#include "net/client/boot_installer_texts.hh"
#include "net/client/firmware_models.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

// As measured on emulated machines.
constexpr Duration kernel_time = 3s;
constexpr Duration partition_time = 1500ms;
constexpr Duration configure_time = 4s;
// As deploy/minimal-installer/init has them.
constexpr Duration installed_patience = 1800s;
constexpr std::size_t answers_size_max = 65'536;

} // namespace

BootInstaller::BootInstaller(const BootMachineOptions& options, std::string_view cmdline,
                             std::uint64_t seed)
    : model_(options.installer),
      own_time_(options.own_time),
      report_(command_line_value(cmdline, "muster.report=")),
      image_(command_line_value(cmdline, "muster-load.image=")),
      seed_(seed),
      requests_(installer_http),
      bulk_(model_.kind == InstallerModel::Kind::packages ? packages_http : installer_http) {
    const bool packages = model_.kind == InstallerModel::Kind::packages;
    if (const auto folder = command_line_value(cmdline, "muster.answers="); !folder.empty()) {
        answers_ = folder + (packages ? "/preseed.cfg" : "/install.conf");
    } else if (packages) {
        answers_ = command_line_value(cmdline, "url=");
    }
}

Duration BootInstaller::own(Duration duration) const noexcept {
    return Duration{static_cast<std::int64_t>(static_cast<double>(duration.count()) * own_time_)};
}

void BootInstaller::begin(ClientContext& context) {
    outcome_ = ClientOutcome::running;
    work(Step::kernel, own(kernel_time), context);
}

/// Something of its own that takes time; on_worked() goes on.
void BootInstaller::work(Step step, Duration duration, ClientContext& context) {
    step_ = step;
    since_ = context.now.steady;
    until_ = since_ + duration;
    if (duration <= Duration{}) {
        on_worked(context);
    }
}

void BootInstaller::on_worked(ClientContext& context) {
    until_ = Instant::never();
    if (context.now.steady > since_) {
        context.waited(ClientWait::client, context.now.steady - since_);
    }
    switch (step_) {
    case Step::kernel:
    case Step::no_lease:
        lease_round(context);
        return;
    case Step::disk:
        begin_download(context);
        return;
    case Step::unpacking:
        work(Step::writing, own(configure_time), context);
        return;
    case Step::writing:
        if (report_.empty()) {
            end(ClientOutcome::done, {});
        } else {
            ask(Step::installed, report_ + "/installed", HttpFetch::Method::get, installed_patience,
                context);
        }
        return;
    case Step::lease:
    case Step::started:
    case Step::answers:
    case Step::image:
    case Step::download:
    case Step::packages:
    case Step::installed:
    case Step::failed:
    case Step::over:
        return;
    }
}

/// `udhcpc -n -t 4 -T ROUND`, for five rounds, each a second more patient.
void BootInstaller::lease_round(ClientContext& context) {
    if (round_ == installer_dhcp_rounds.size()) {
        end(ClientOutcome::silent, "no lease on any interface");
        return;
    }
    step_ = Step::lease;
    dhcp_.emplace(installer_dhcp_rounds[round_], seed_ + round_);
    ++round_;
    dhcp_->begin(context);
}

void BootInstaller::after_lease(ClientContext& context) {
    if (!report_.empty()) {
        ask(Step::started, report_ + "/started", HttpFetch::Method::get, request_patience, context);
    } else if (!answers_.empty()) {
        ask(Step::answers, answers_, HttpFetch::Method::get, request_patience, context);
    } else if (model_.kind == InstallerModel::Kind::packages || !image_.empty()) {
        work(Step::disk, own(partition_time), context);
    } else {
        end(ClientOutcome::broken, "its command line names neither answers nor an image");
    }
}

void BootInstaller::ask(Step step, const std::string& url, HttpFetch::Method method,
                        Duration patience, ClientContext& context) {
    step_ = step;
    url_ = url;
    method_ = method;
    patience_ = patience;
    waited_ = {};
    pause_ = first_pause;
    ask_again(context);
}

void BootInstaller::ask_again(ClientContext& context) {
    until_ = Instant::never();
    requests_.close(context); // a report of progress that nobody waits for any more
    const auto url = read_boot_url(url_);
    if (!url || url->scheme != BootUrl::Scheme::http) {
        end(ClientOutcome::broken, "it cannot fetch " + url_);
        return;
    }
    requests_.begin({.method = method_,
                     .local = dhcp_->lease().address,
                     .server = url->server,
                     .host = url->host,
                     .target = url->path,
                     .keep_max = step_ == Step::answers ? answers_size_max : 0},
                    context);
}

bool BootInstaller::asking() const noexcept {
    return step_ == Step::started || step_ == Step::answers || step_ == Step::image ||
           step_ == Step::installed || step_ == Step::failed;
}

/// A request has ended. What the server refuses is not tried again; a silence is.
void BootInstaller::on_asked(ClientContext& context) {
    const bool ok = requests_.outcome() == ClientOutcome::done;
    const bool refused = requests_.status() == 403 || requests_.status() == 404;
    if (!ok && !refused && waited_ < patience_) {
        since_ = context.now.steady;
        until_ = since_ + pause_;
        waited_ += pause_;
        pause_ = std::min(pause_ * 2, longest_pause);
        return;
    }
    // An end that could not be reported is an end.
    if (!ok && step_ != Step::installed && step_ != Step::failed) {
        std::string why = fmt::format("{}: {}", url_, requests_.why());
        if (refused && step_ != Step::image) { // the server does not want this machine installed
            end(ClientOutcome::refused, std::move(why));
        } else {
            fail(refused ? ClientOutcome::refused : ClientOutcome::silent, std::move(why), context);
        }
        return;
    }
    switch (step_) {
    case Step::started:
        if (answers_.empty()) {
            work(Step::disk, own(partition_time), context);
        } else {
            ask(Step::answers, answers_, HttpFetch::Method::get, request_patience, context);
        }
        return;
    case Step::answers:
        on_answers(context);
        return;
    case Step::image:
        image_size_ = requests_.content_length().value_or(0);
        work(Step::disk, own(partition_time), context);
        return;
    case Step::installed:
        if (!ok) {
            context.failed(fmt::format("{}: {}", url_, requests_.why()));
        }
        end(ClientOutcome::done, {});
        return;
    case Step::failed:
        end(failure_, std::move(why_));
        return;
    case Step::kernel:
    case Step::lease:
    case Step::no_lease:
    case Step::disk:
    case Step::download:
    case Step::unpacking:
    case Step::packages:
    case Step::writing:
    case Step::over:
        return;
    }
}

void BootInstaller::on_answers(ClientContext& context) {
    if (model_.kind == InstallerModel::Kind::packages) {
        if (report_.empty()) {
            report_ = report_url_of(requests_.body());
        }
        work(Step::disk, own(partition_time), context);
        return;
    }
    image_ = order_value(requests_.body(), "image");
    if (image_.empty()) {
        fail(ClientOutcome::broken, "install.conf: image is missing", context);
        return;
    }
    ask(Step::image, image_, HttpFetch::Method::head, request_patience, context);
}

void BootInstaller::on_datagram(const ClientRx& datagram, ClientContext& context) noexcept {
    if (dhcp_) {
        dhcp_->on_datagram(datagram, context);
    }
}

HttpClient* BootInstaller::owner(ClientStreamId stream) noexcept {
    return requests_.owns(stream) ? &requests_ : bulk_.owns(stream) ? &bulk_ : nullptr;
}

void BootInstaller::on_timer(ClientContext& context) noexcept {
    const Instant now = context.now.steady;
    if (dhcp_ && dhcp_->busy()) {
        dhcp_->on_timer(context);
    }
    if (requests_.busy()) {
        requests_.on_timer(context);
    }
    if (bulk_.busy()) {
        bulk_.on_timer(context);
    }
    if (now >= progress_at_) {
        report_progress(context);
    }
    if (now < until_) {
        return;
    }
    if (asking()) {
        context.waited(ClientWait::http_no_answer, now - since_);
        ask_again(context);
    } else if (step_ == Step::download) {
        context.waited(ClientWait::http_no_answer, now - since_);
        const Duration waited = waited_;
        until_ = Instant::never();
        begin_download(context);
        waited_ = waited;
    } else {
        on_worked(context);
    }
}

void BootInstaller::advance(ClientContext& context) {
    // Each turn ends one thing and begins the next; a pause or something under way ends the loop.
    while (busy() && until_ == Instant::never()) {
        if (step_ == Step::lease && !dhcp_->busy()) {
            if (dhcp_->outcome() == ClientOutcome::done) {
                after_lease(context);
            } else {
                work(Step::no_lease, std::chrono::seconds{round_}, context);
            }
        } else if (asking() && !requests_.busy()) {
            on_asked(context);
        } else if (downloads() && !bulk_.busy()) {
            on_download(context);
        } else {
            plan_report(context.now.steady);
            return;
        }
    }
}

void BootInstaller::drop(ClientContext& context) {
    requests_.close(context);
    bulk_.close(context);
}

Instant BootInstaller::deadline() const noexcept {
    return std::min({until_, progress_at_, dhcp_ ? dhcp_->deadline() : Instant::never(),
                     requests_.deadline(), bulk_.deadline()});
}

/// Says so to the server, if it can, before it ends.
void BootInstaller::fail(ClientOutcome outcome, std::string why, ClientContext& context) {
    progress_at_ = Instant::never();
    if (report_.empty()) {
        end(outcome, std::move(why));
        return;
    }
    failure_ = outcome;
    why_ = std::move(why);
    ask(Step::failed, report_ + "/failed?message=" + url_encoded(why_), HttpFetch::Method::get,
        request_patience, context);
}

void BootInstaller::end(ClientOutcome outcome, std::string why) {
    outcome_ = outcome;
    why_ = std::move(why);
    step_ = Step::over;
    until_ = progress_at_ = Instant::never();
}

} // namespace muster
