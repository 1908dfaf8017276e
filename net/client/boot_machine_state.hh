// SPDX-License-Identifier: Apache-2.0
// The machine behind make_boot_machine(); nobody else includes this. One program at a time says
// what it wants (BootWish), and here it is performed; then the installer runs, then the disk.
#pragma once

#include "net/client/boot_fetcher.hh"
#include "net/client/boot_installer.hh"
#include "net/client/boot_machine.hh"
#include "net/client/boot_program.hh"
#include "net/client/router_solicitor.hh"

#include <memory>
#include <optional>

namespace muster {

class BootMachine final : public ClientMachine {
public:
    explicit BootMachine(const BootMachineOptions& options)
        : prng_(options.seed),
          has_system_(options.installed),
          fetcher_(prng_.next()),
          options_(options),
          firmware_(*options.firmware) {}

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

    // In this order because every datagram touches what is first: ten thousand machines are far
    // more than a cache holds.
    Prng prng_;
    State state_ = State::starting;
    ClientStage stage_ = ClientStage::off;
    ClientWait reason_ = ClientWait::client;
    bool ran_expected_ = false;
    bool has_system_;
    // A wait of its own.
    Instant until_ = Instant::never();
    Instant since_{};
    RouterSolicitor solicitor_;
    std::unique_ptr<BootInstaller> installer_;
    BootFetcher fetcher_;
    std::optional<DhcpClient> dhcp_;
    BootWish wish_; ///< of the program that runs
    std::unique_ptr<BootProgram> program_;
    BootPlace place_;
    BootMachineOptions options_;
    const FirmwareModel& firmware_;
    unsigned rom_tries_ = 0;
    unsigned boots_ = 0;
    Instant disk_until_ = Instant::never();
    Instant renew_at_ = Instant::never();
};

} // namespace muster
