// SPDX-License-Identifier: Apache-2.0
// From power-on to the kernel.
#include "core/base/check.hh"
#include "net/client/boot_machine_state.hh"

#include <algorithm>

namespace muster {
namespace {

/// A machine that is installed and sent to install again, again and again, is not what anybody
/// wants to simulate for ever.
constexpr unsigned boots_max = 16;

} // namespace

void BootMachine::enter(ClientStage stage, ClientContext& context) {
    if (stage != stage_) {
        stage_ = stage;
        context.enter(stage);
    }
}

void BootMachine::wait(Duration duration, ClientWait reason, ClientContext& context) {
    since_ = context.now.steady;
    until_ = since_ + duration;
    reason_ = reason;
}

void BootMachine::power_on(ClientContext& context) {
    if (++boots_ > boots_max) {
        lose("it boots again and again", context);
        return;
    }
    rom_tries_ = 0;
    ran_expected_ = !firmware_.expects;
    context.set_address({});
    place_ = {};
    run_program(*firmware_.rom, {}, context);
}

/// The program is in memory; it begins when its own start is over.
void BootMachine::run_program(const BootProgramModel& model, const BootUrl& url,
                              ClientContext& context) {
    const bool loaded = !url.host.empty();
    // What EDK2's HTTP boot leaves behind stays so until a program makes its own connection.
    const bool from_rom = place_.model == firmware_.rom;
    const bool own_stack = !from_rom && place_.model != nullptr && place_.model->dhcp != nullptr;
    const bool from_http_boot = from_rom ? firmware_.http_boot : place_.http_boot && !own_stack;
    place_ = {.model = &model,
              .mac = context.identity.mac,
              .uuid = context.identity.uuid,
              .lease = loaded && dhcp_ ? dhcp_->lease() : DhcpClientLease{},
              .url = url,
              .uefi = firmware_.uefi,
              .http_boot = loaded && from_http_boot,
              .disk_has_system = has_system_};
    ran_expected_ |= model.kind == firmware_.expects;
    program_.reset();
    state_ = State::starting;
    wait(own(model.start), ClientWait::client, context);
}

void BootMachine::begin_program(ClientContext& context) {
    fetcher_.take_over(*place_.model, context);
    program_ = make_boot_program(place_);
    state_ = State::wishing;
    perform(program_->next({}), context);
}

void BootMachine::perform(BootWish wish, ClientContext& context) {
    wish_ = std::move(wish);
    using Kind = BootWish::Kind;
    switch (wish_.kind) {
    case Kind::dhcp:
        enter(ClientStage::dhcp, context);
        dhcp_.emplace(*wish_.dhcp, prng_.next());
        dhcp_->begin(context);
        if (place_.model->solicits_router) {
            solicitor_.begin(context);
        }
        return;
    case Kind::routers:
        since_ = context.now.steady;
        return;
    case Kind::fetch:
        enter(wish_.stage, context);
        fetcher_.begin(wish_.url, wish_.keep, dhcp_ ? dhcp_->lease().address : Ipv4Address{},
                       context);
        return;
    case Kind::wait:
        wait(std::max<Duration>(wish_.duration, 1ms), wish_.reason, context);
        return;
    case Kind::program: {
        const BootUrl url = wish_.url;
        run_program(*wish_.program, url, context);
        return;
    }
    case Kind::kernel: {
        const std::string cmdline = wish_.text;
        start_kernel(cmdline, context);
        return;
    }
    case Kind::disk:
        boot_disk(context);
        return;
    case Kind::leave:
        leave(std::move(wish_.text), context);
        return;
    case Kind::stuck:
        lose(std::move(wish_.text), context);
        return;
    }
}

/// Whether what the program waits for has ended, and how.
bool BootMachine::wish_is_over(BootAnswer& answer, std::string& why) {
    switch (wish_.kind) {
    case BootWish::Kind::dhcp:
        if (dhcp_->busy()) {
            return false;
        }
        answer.ok = dhcp_->outcome() == ClientOutcome::done;
        answer.lease = &dhcp_->lease();
        answer.why = dhcp_->why();
        // A failed interface looks for no routers any more.
        if (!answer.ok) {
            solicitor_.stop();
        }
        return true;
    case BootWish::Kind::routers:
        return !solicitor_.busy();
    case BootWish::Kind::fetch:
        if (fetcher_.busy()) {
            return false;
        }
        answer.ok = fetcher_.ok();
        answer.body = fetcher_.body();
        if (!answer.ok) {
            why = fetcher_.why();
            answer.why = why;
        }
        return true;
    case BootWish::Kind::wait:
        return until_ == Instant::never();
    case BootWish::Kind::program:
    case BootWish::Kind::kernel:
    case BootWish::Kind::disk:
    case BootWish::Kind::leave:
    case BootWish::Kind::stuck:
        return false;
    }
    __builtin_unreachable();
}

/// A program hands the machine back: its disk is next, then the network again, if its firmware
/// does so, or nothing.
void BootMachine::leave(std::string why, ClientContext& context) {
    fetcher_.drop(context);
    solicitor_.stop();
    if (has_system_) {
        boot_disk(context);
        return;
    }
    if (++rom_tries_ < firmware_.rom_tries) {
        context.failed(std::move(why));
        place_ = {};
        run_program(*firmware_.rom, {}, context);
        until_ = context.now.steady; // it is up already
        return;
    }
    lose(std::move(why), context);
}

void BootMachine::lose(std::string why, ClientContext& context) {
    state_ = State::over;
    enter(ClientStage::lost, context);
    context.finish(false, std::move(why));
}

HttpClient* BootMachine::owner(ClientStreamId stream) noexcept {
    if (fetcher_.owns(stream)) {
        return &fetcher_.http();
    }
    return installer_ ? installer_->owner(stream) : nullptr;
}

void BootMachine::on_timer(ClientContext& context) noexcept {
    if (dhcp_ && dhcp_->busy()) {
        dhcp_->on_timer(context);
    }
    solicitor_.on_timer(context);
    fetcher_.on_timer(context);
    if (installer_) {
        installer_->on_timer(context);
    }
    settle(context);
}

/// One step further; false: something is under way.
bool BootMachine::go_on(ClientContext& context) {
    if (context.now.steady >= until_) {
        until_ = Instant::never();
        if (context.now.steady > since_) {
            context.waited(reason_, context.now.steady - since_);
        }
        if (state_ == State::starting) {
            begin_program(context);
            return true;
        }
        if (state_ == State::pausing) {
            reboot(context);
            return true;
        }
    }
    switch (state_) {
    case State::wishing: {
        BootAnswer answer;
        std::string why;
        if (!wish_is_over(answer, why)) {
            return false;
        }
        if (wish_.kind == BootWish::Kind::routers && context.now.steady > since_) {
            context.waited(ClientWait::dhcp_collecting, context.now.steady - since_);
        }
        perform(program_->next(answer), context);
        return true;
    }
    case State::system:
        installer_->advance(context);
        if (installer_->busy()) {
            return false;
        }
        on_installer_end(context);
        return true;
    case State::disk:
        on_disk(context);
        return false;
    case State::starting:
    case State::pausing:
    case State::over:
        return false;
    }
    __builtin_unreachable();
}

/// After each fact: goes on as far as it can, then arms the one timer.
void BootMachine::settle(ClientContext& context) {
    while (go_on(context)) {
    }
    if (state_ == State::over) {
        return;
    }
    Instant next = std::min(until_, fetcher_.deadline());
    next = std::min(next, solicitor_.deadline());
    if (dhcp_) {
        next = std::min(next, dhcp_->deadline());
    }
    if (installer_) {
        next = std::min(next, installer_->deadline());
    }
    if (state_ == State::disk) {
        next = std::min({next, disk_until_, renew_at_});
    }
    context.set_timer(next);
}

std::unique_ptr<ClientMachine> make_boot_machine(const BootMachineOptions& options) {
    MUSTER_CHECK(options.firmware != nullptr);
    return std::make_unique<BootMachine>(options);
}

} // namespace muster
