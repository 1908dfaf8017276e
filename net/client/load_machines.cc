// SPDX-License-Identifier: Apache-2.0
#include "net/client/load_machines.hh"

#include "net/client/http_client.hh"

#include <algorithm>
#include <array>

namespace muster {
namespace {

/// iPXE's: quick at first, since loss is what load brings.
constexpr std::array<Duration, 6> load_tftp_waits{250ms, 500ms, 1s, 2s, 4s, 8s};
constexpr std::uint16_t load_port_count = 1000;

constexpr HttpClientModel load_http_kept{};
constexpr HttpClientModel load_http_new{.keep_alive = false};

IpAddress own_address(const IpAddress& local, const ClientContext& context) noexcept {
    if (local != IpAddress{} || context.identity.address.is_unspecified()) {
        return local;
    }
    return context.identity.address;
}

/// What both kinds of machines that repeat themselves have in common: when to begin the next fetch
/// and when to stop. `Derived` has begin(), give_up(), busy(), done(), why() and deadline().
template <class Derived>
class RepeatingMachine : public ClientMachine {
public:
    explicit RepeatingMachine(const LoadLimits& limits) noexcept : limits_(limits) {}

    void start(ClientContext& context) noexcept final { next(context); }
    void on_timer(ClientContext& context) noexcept final {
        if (context.now.steady >= limits_.until) {
            stop(context);
        } else if (paused_) {
            next(context);
        } else {
            self().forward_timer(context);
            settle(context);
        }
    }

protected:
    /// After every fact: has the fetch ended, and what comes then?
    void settle(ClientContext& context) noexcept {
        if (paused_) {
            return; // the timer is armed
        }
        while (!self().busy()) {
            if (!self().done()) {
                ++failures_;
                context.failed(self().why());
            }
            ++ended_;
            if (limits_.count != 0 && ended_ >= limits_.count) {
                finish(context);
                return;
            }
            if (context.now.steady >= limits_.until) {
                stop(context);
                return;
            }
            if (!self().done()) {
                paused_ = true;
                arm(context.now.steady + limits_.failure_pause, context);
                return;
            }
            self().begin(context);
        }
        arm(self().deadline(), context);
    }

private:
    Derived& self() noexcept { return static_cast<Derived&>(*this); }
    void next(ClientContext& context) noexcept {
        paused_ = false;
        self().begin(context);
        settle(context);
    }
    void arm(Instant deadline, ClientContext& context) noexcept {
        context.set_timer(std::min(deadline, limits_.until));
    }
    void stop(ClientContext& context) noexcept {
        self().give_up(context);
        finish(context);
    }
    void finish(ClientContext& context) noexcept {
        context.finish(failures_ == 0, failures_ == 0 ? std::string{}
                                                      : std::to_string(failures_) + " of " +
                                                            std::to_string(ended_) + " failed");
    }

    LoadLimits limits_;
    std::uint64_t ended_ = 0;
    std::uint64_t failures_ = 0;
    bool paused_ = false;
};

class TftpLoadMachine final : public RepeatingMachine<TftpLoadMachine> {
public:
    explicit TftpLoadMachine(const TftpLoadOptions& options)
        : RepeatingMachine(options.limits),
          model_{.blksize = options.blksize,
                 .windowsize = options.windowsize,
                 .multicast = options.multicast,
                 .option_order = "btwm",
                 .request_waits = load_tftp_waits,
                 .data_waits = load_tftp_waits},
          fetch_{.local = options.local,
                 .port = options.first_port,
                 .server = options.server,
                 .name = options.name,
                 .expected = options.expected},
          first_port_(options.first_port) {}

    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        client_.on_datagram(datagram, context);
        settle(context);
    }

    void begin(ClientContext& context) noexcept {
        TftpFetch fetch = fetch_;
        fetch.local = own_address(fetch_.local, context);
        client_.begin(std::move(fetch), model_, context);
        const bool last =
            fetch_.port == UINT16_MAX || fetch_.port - first_port_ + 1 == load_port_count;
        fetch_.port = last ? first_port_ : static_cast<std::uint16_t>(fetch_.port + 1);
    }
    void give_up(ClientContext& context) noexcept { client_.abort(context); }
    void forward_timer(ClientContext& context) noexcept { client_.on_timer(context); }
    [[nodiscard]] bool busy() const noexcept { return client_.busy(); }
    [[nodiscard]] bool done() const noexcept { return client_.outcome() == ClientOutcome::done; }
    [[nodiscard]] const std::string& why() const noexcept { return client_.why(); }
    [[nodiscard]] Instant deadline() const noexcept { return client_.deadline(); }

private:
    TftpClientModel model_;
    TftpFetch fetch_;
    std::uint16_t first_port_;
    TftpClient client_;
};

class HttpLoadMachine final : public RepeatingMachine<HttpLoadMachine> {
public:
    explicit HttpLoadMachine(const HttpLoadOptions& options)
        : RepeatingMachine(options.limits),
          fetch_{.local = options.local,
                 .server = options.server,
                 .host = options.host,
                 .target = options.target,
                 .range_begin = options.range_begin,
                 .range_end = options.range_end,
                 .expected = options.expected},
          client_(options.new_connections ? load_http_new : load_http_kept) {}

    void on_datagram(const ClientRx& /*datagram*/, ClientContext& /*context*/) noexcept override {}
    void on_stream_open(ClientStreamId stream, ClientContext& context) noexcept override {
        if (client_.owns(stream)) {
            client_.on_stream_open(context);
            settle(context);
        }
    }
    void on_stream_data(ClientStreamId stream, Bytes bytes,
                        ClientContext& context) noexcept override {
        if (client_.owns(stream)) {
            client_.on_stream_data(bytes, context);
            settle(context);
        }
    }
    void on_stream_discarded(ClientStreamId stream, std::uint64_t size,
                             ClientContext& context) noexcept override {
        if (client_.owns(stream)) {
            client_.on_stream_discarded(size, context);
            settle(context);
        }
    }
    void on_stream_closed(ClientStreamId stream, ClientContext& context) noexcept override {
        if (client_.owns(stream)) {
            client_.on_stream_closed(context);
            settle(context);
        }
    }

    void begin(ClientContext& context) noexcept {
        if (begun_) {
            client_.repeat(context);
            return;
        }
        begun_ = true;
        fetch_.local = own_address(fetch_.local, context);
        client_.begin(std::move(fetch_), context);
    }
    void give_up(ClientContext& context) noexcept { client_.close(context); }
    void forward_timer(ClientContext& context) noexcept { client_.on_timer(context); }
    [[nodiscard]] bool busy() const noexcept { return client_.busy(); }
    [[nodiscard]] bool done() const noexcept { return client_.outcome() == ClientOutcome::done; }
    [[nodiscard]] const std::string& why() const noexcept { return client_.why(); }
    [[nodiscard]] Instant deadline() const noexcept { return client_.deadline(); }

private:
    HttpFetch fetch_;
    bool begun_ = false;
    HttpClient client_;
};

} // namespace

std::unique_ptr<ClientMachine> make_tftp_load_machine(const TftpLoadOptions& options) {
    return std::make_unique<TftpLoadMachine>(options);
}

std::unique_ptr<ClientMachine> make_http_load_machine(const HttpLoadOptions& options) {
    return std::make_unique<HttpLoadMachine>(options);
}

} // namespace muster
