// SPDX-License-Identifier: Apache-2.0
#include "net/client/boot_machine.hh"

#include "core/base/check.hh"
#include "net/client/boot_fetcher.hh"
#include "net/client/boot_installer.hh"
#include "net/client/boot_program.hh"
#include "net/client/firmware_models.hh"
#include "net/client/router_solicitor.hh"

#include <algorithm>

namespace muster {
namespace {

/// A machine that is installed and sent to install again, again and again, is not what anybody
/// wants to simulate for ever.
constexpr unsigned boots_max = 16;
/// The installer's script waits so long before it restarts a machine that it could not install.
constexpr Duration restart_pause = 60s;
constexpr std::uint32_t shortest_lease_s = 60;

class BootMachine final : public ClientMachine {
public:
    explicit BootMachine(const BootMachineOptions& options)
        : options_(options),
          firmware_(*options.firmware),
          prng_(options.seed),
          fetcher_(prng_.next()),
          has_system_(options.installed) {}

    void start(ClientContext& context) noexcept override {
        power_on(context);
        settle(context);
    }
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        if (dhcp_) {
            dhcp_->on_datagram(datagram, context);
        }
        solicitor_.on_datagram(datagram, context);
        fetcher_.on_datagram(datagram, context);
        if (installer_) {
            installer_->on_datagram(datagram, context);
        }
        settle(context);
    }
    void on_timer(ClientContext& context) noexcept override;
    void on_stream_open(ClientStreamId stream, ClientContext& context) noexcept override {
        if (HttpClient* const http = owner(stream)) {
            http->on_stream_open(context);
        }
        settle(context);
    }
    void on_stream_data(ClientStreamId stream, Bytes bytes,
                        ClientContext& context) noexcept override {
        if (HttpClient* const http = owner(stream)) {
            http->on_stream_data(bytes, context);
        }
        settle(context);
    }
    void on_stream_discarded(ClientStreamId stream, std::uint64_t size,
                             ClientContext& context) noexcept override {
        if (HttpClient* const http = owner(stream)) {
            http->on_stream_discarded(size, context);
        }
        settle(context);
    }
    void on_stream_closed(ClientStreamId stream, ClientContext& context) noexcept override {
        if (HttpClient* const http = owner(stream)) {
            http->on_stream_closed(context);
        }
        settle(context);
    }

private:
    enum class State : std::uint8_t {
        starting, ///< its program's own start
        wishing,  ///< performs what its program wants
        system,   ///< runs the installer
        pausing,  ///< before it restarts, not installed
        disk,     ///< runs from its disk
        over,
    };

    void power_on(ClientContext& context);
    void run_program(const BootProgramModel& model, const BootUrl& url, ClientContext& context);
    void begin_program(ClientContext& context);
    void perform(BootWish wish, ClientContext& context);
    [[nodiscard]] bool wish_is_over(BootAnswer& answer, std::string& why);
    void leave(std::string why, ClientContext& context);
    void start_kernel(const std::string& cmdline, ClientContext& context);
    void on_installer_end(ClientContext& context);
    void reboot(ClientContext& context);
    void boot_disk(ClientContext& context);
    void on_disk(ClientContext& context);
    void lose(std::string why, ClientContext& context);
    void enter(ClientStage stage, ClientContext& context);
    void wait(Duration duration, ClientWait reason, ClientContext& context);
    void settle(ClientContext& context);
    [[nodiscard]] bool go_on(ClientContext& context);
    [[nodiscard]] HttpClient* owner(ClientStreamId stream) noexcept;
    [[nodiscard]] Duration own(Duration duration) const noexcept {
        return Duration{
            static_cast<std::int64_t>(static_cast<double>(duration.count()) * options_.own_time)};
    }

    BootMachineOptions options_;
    const FirmwareModel& firmware_;
    Prng prng_;
    State state_ = State::starting;
    ClientStage stage_ = ClientStage::off;
    // The program that runs, and what it wants.
    BootPlace place_;
    std::unique_ptr<BootProgram> program_;
    BootWish wish_;
    bool ran_expected_ = false;
    std::optional<DhcpClient> dhcp_;
    RouterSolicitor solicitor_;
    BootFetcher fetcher_;
    std::optional<BootInstaller> installer_;
    // A wait of its own.
    Instant until_ = Instant::never();
    Instant since_{};
    ClientWait reason_ = ClientWait::client;
    bool has_system_;
    unsigned rom_tries_ = 0;
    unsigned boots_ = 0;
    Instant disk_until_ = Instant::never();
    Instant renew_at_ = Instant::never();
};

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

void BootMachine::start_kernel(const std::string& cmdline, ClientContext& context) {
    fetcher_.drop(context);
    solicitor_.stop();
    if (!ran_expected_) {
        context.failed("it was not given " + std::string{to_text(*firmware_.expects)} + ", as " +
                       std::string{firmware_.name} + " is meant to be");
    }
    program_.reset();
    dhcp_.reset();
    state_ = State::system;
    enter(ClientStage::installer, context);
    installer_.emplace(options_, cmdline, prng_.next());
    installer_->begin(context);
}

void BootMachine::on_installer_end(ClientContext& context) {
    const bool ok = installer_->outcome() == ClientOutcome::done;
    installer_->drop(context);
    if (ok) {
        installer_.reset();
        has_system_ = true;
        if (options_.network_first) {
            reboot(context);
        } else {
            boot_disk(context);
        }
        return;
    }
    context.failed("not installed: " + installer_->why());
    const bool touched = installer_->touched_disk();
    has_system_ = has_system_ && !touched;
    installer_.reset();
    state_ = State::pausing;
    wait(restart_pause, ClientWait::client, context);
}

void BootMachine::reboot(ClientContext& context) {
    dhcp_.reset();
    enter(ClientStage::off, context);
    power_on(context);
}

void BootMachine::boot_disk(ClientContext& context) {
    if (!has_system_) {
        lose("sent to its disk, where nothing is", context);
        return;
    }
    fetcher_.drop(context);
    solicitor_.stop();
    program_.reset();
    state_ = State::disk;
    enter(ClientStage::disk, context);
    if (options_.disk_time <= Duration{}) {
        state_ = State::over;
        context.finish(true);
        return;
    }
    disk_until_ = context.now.steady + options_.disk_time;
    renew_at_ = Instant::never();
    dhcp_.emplace(system_dhcp, prng_.next());
    dhcp_->begin(context);
}

/// The installed system: has an address, and renews it at half of its term (RFC 2131 section
/// 4.4.5); one that it does not get is asked for anew.
void BootMachine::on_disk(ClientContext& context) {
    const Instant now = context.now.steady;
    if (now >= disk_until_) {
        state_ = State::over;
        context.finish(true);
        return;
    }
    if (dhcp_->busy()) {
        return;
    }
    if (renew_at_ == Instant::never()) {
        const bool ok = dhcp_->outcome() == ClientOutcome::done;
        const std::uint32_t term_s =
            ok ? std::max(dhcp_->lease().lease_s, shortest_lease_s) : shortest_lease_s;
        renew_at_ = now + std::chrono::seconds{term_s} / 2;
    }
    if (now >= renew_at_) {
        renew_at_ = Instant::never();
        if (dhcp_->outcome() == ClientOutcome::done) {
            dhcp_->renew(context);
        } else {
            dhcp_->begin(context);
        }
    }
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

} // namespace

std::unique_ptr<ClientMachine> make_boot_machine(const BootMachineOptions& options) {
    MUSTER_CHECK(options.firmware != nullptr);
    return std::make_unique<BootMachine>(options);
}

} // namespace muster
