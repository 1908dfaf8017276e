// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/scripted_machine.hh"

#include "net/client/dhcp_client.hh"
#include "net/client/firmware.hh"
#include "net/client/http_client.hh"
#include "net/client/tftp_client.hh"

#include <algorithm>

namespace muster::test {
namespace {

constexpr std::uint16_t tftp_port_first = 2'000;
constexpr Duration own_pause = 500ms; ///< of a restart, and before anything is begun anew

/// What stands behind `key` up to the next blank.
std::string word_after(std::string_view text, std::string_view key) {
    const auto at = text.find(key);
    if (at == std::string_view::npos) {
        return {};
    }
    text.remove_prefix(at + key.size());
    return std::string{text.substr(0, text.find_first_of(" \n\""))};
}

/// The path of an http URL with an address.
std::string path_of(std::string_view url) {
    url.remove_prefix(std::min(url.size(), std::string_view{"http://"}.size()));
    const auto slash = url.find('/');
    return slash == std::string_view::npos ? std::string{} : std::string{url.substr(slash)};
}

class ScriptedMachine final : public ClientMachine {
public:
    explicit ScriptedMachine(std::uint64_t seed)
        : firmware_(*find_firmware("ipxe-efi")), dhcp_(*firmware_.rom->dhcp, seed), http_(model_) {}

    void start(ClientContext& context) noexcept override { begin(Step::dhcp, context); }
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        const std::uint16_t port = datagram.destination.port;
        if (port == 68 || port == 4011) {
            dhcp_.on_datagram(datagram, context);
        } else if (port == tftp_.port()) {
            tftp_.on_datagram(datagram, context);
        }
        advance(context);
    }
    void on_timer(ClientContext& context) noexcept override {
        if (step_ == Step::pause && context.now.steady >= pause_until_) {
            begin(Step::dhcp, context);
            return;
        }
        dhcp_.on_timer(context);
        tftp_.on_timer(context);
        http_.on_timer(context);
        advance(context);
    }
    void on_stream_open(ClientStreamId stream, ClientContext& context) noexcept override {
        if (http_.owns(stream)) {
            http_.on_stream_open(context);
            advance(context);
        }
    }
    void on_stream_data(ClientStreamId stream, Bytes bytes,
                        ClientContext& context) noexcept override {
        if (http_.owns(stream)) {
            http_.on_stream_data(bytes, context);
            advance(context);
        }
    }
    void on_stream_discarded(ClientStreamId stream, std::uint64_t size,
                             ClientContext& context) noexcept override {
        if (http_.owns(stream)) {
            http_.on_stream_discarded(size, context);
            advance(context);
        }
    }
    void on_stream_closed(ClientStreamId stream, ClientContext& context) noexcept override {
        if (http_.owns(stream)) {
            http_.on_stream_closed(context);
            advance(context);
        }
    }

private:
    enum class Step : std::uint8_t {
        pause,
        dhcp,
        loader,
        script,
        kernel,
        initrd,
        answers,
        image,
        report,
    };

    void begin(Step step, ClientContext& context) {
        step_ = step;
        switch (step) {
        case Step::pause:
            pause_until_ = context.now.steady + own_pause;
            http_.close(context);
            break;
        case Step::dhcp:
            context.enter(ClientStage::dhcp);
            dhcp_.begin(context);
            break;
        case Step::loader: {
            context.enter(ClientStage::loader);
            TftpFetch fetch;
            fetch.local = dhcp_.lease().address;
            fetch.port = static_cast<std::uint16_t>(tftp_port_first + tries_++ % 1'000);
            fetch.server = {dhcp_.lease().server, 69};
            fetch.name = "loaders/snponly.efi";
            tftp_.begin(fetch, *firmware_.rom->tftp, context);
            break;
        }
        case Step::script:
            get("/boot/ipxe", 16'384, context);
            break;
        case Step::kernel:
            context.enter(ClientStage::kernel);
            get(path_of(word_after(script_, "\nkernel ")), 0, context);
            break;
        case Step::initrd:
            get(path_of(word_after(script_, "initrd --name initrd0 ")), 0, context);
            break;
        case Step::answers:
            context.enter(ClientStage::installer);
            get(path_of(word_after(script_, "muster.answers=")) + "/install.conf", 16'384, context);
            break;
        case Step::image:
            get(path_of(word_after(http_.body(), "image=\"")), 0, context);
            break;
        case Step::report:
            get(path_of(word_after(script_, "muster.report=")) + "/installed", 0, context);
            break;
        }
        arm(context);
    }

    void get(std::string target, std::size_t keep, ClientContext& context) {
        HttpFetch fetch;
        fetch.local = dhcp_.lease().address;
        fetch.server = {dhcp_.lease().server, 80};
        fetch.target = std::move(target);
        fetch.keep_max = keep;
        http_.begin(fetch, context);
    }

    /// Goes on if what was begun is over; one step may end at once and lead to the next.
    void advance(ClientContext& context) {
        arm(context);
        const ClientOutcome outcome = step_ == Step::dhcp     ? dhcp_.outcome()
                                      : step_ == Step::loader ? tftp_.outcome()
                                      : step_ == Step::pause  ? ClientOutcome::running
                                                              : http_.outcome();
        if (outcome == ClientOutcome::running) {
            return;
        }
        if (outcome != ClientOutcome::done) {
            // The last report is repeated until the server has heard it.
            const bool again = step_ == Step::report && http_.status() != 403;
            return begin(again ? Step::report : Step::pause, context);
        }
        switch (step_) {
        case Step::pause:
            break;
        case Step::dhcp:
            return begin(Step::loader, context);
        case Step::loader:
            return begin(Step::script, context);
        case Step::script:
            script_ = http_.body();
            if (script_.find("\nkernel ") != std::string::npos) {
                return begin(Step::kernel, context);
            }
            if (script_.find("sanboot") != std::string::npos) {
                context.enter(ClientStage::disk);
                return context.finish(true);
            }
            return begin(Step::pause, context);
        case Step::kernel:
            return begin(Step::initrd, context);
        case Step::initrd:
            return begin(Step::answers, context);
        case Step::answers:
            return begin(Step::image, context);
        case Step::image:
            return begin(Step::report, context);
        case Step::report:
            return begin(Step::pause, context);
        }
    }

    void arm(ClientContext& context) {
        Instant next = std::min({dhcp_.busy() ? dhcp_.deadline() : Instant::never(),
                                 tftp_.busy() ? tftp_.deadline() : Instant::never(),
                                 http_.busy() ? http_.deadline() : Instant::never()});
        if (step_ == Step::pause) {
            next = std::min(next, pause_until_);
        }
        context.set_timer(next);
    }

    const FirmwareModel& firmware_;
    HttpClientModel model_{};
    DhcpClient dhcp_;
    TftpClient tftp_;
    HttpClient http_;
    Step step_ = Step::pause;
    Instant pause_until_;
    unsigned tries_ = 0;
    std::string script_;
};

} // namespace

std::unique_ptr<ClientMachine> make_scripted_machine(const sim::PowerOn& power) {
    return std::make_unique<ScriptedMachine>(power.seed);
}

} // namespace muster::test
