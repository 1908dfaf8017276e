// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/daemon.hh"

#include "core/content/loaders.hh"
#include "core/control/control.hh"
#include "core/lease/lease_room.hh"
#include "core/site/loader.hh"
#include "core/site/neighbour_warning.hh"
#include "core/store/memory_store.hh"
#include "io/host/access_log.hh"
#include "io/host/interfaces.hh"
#include "io/host/process.hh"
#include "io/host/site_files.hh"
#include "io/host/sockets.hh"
#include "io/mirror/mirror_thread.hh"
#include "io/store/file_index.hh"
#include "io/store/sqlite_store.hh"

#include "tools/musterd/assets.hh"
#include "tools/musterd/capture.hh"
#include "tools/musterd/control_thread.hh"
#include "tools/musterd/dpdk_backend.hh"
#include "tools/musterd/fleet.hh"
#include "tools/musterd/log.hh"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>

namespace muster {
namespace {

/// Why musterd does not start: one line, and the exit status.
struct StartError {
    std::string text;
    int status = 1;
};

int fail(const StartError& error) {
    std::fprintf(stderr, "musterd: %s\n", error.text.c_str());
    return error.status;
}

/// Reads the site and says every problem; null when there was one.
std::shared_ptr<const Site> read_site(const Options& options,
                                      const std::function<void(const std::string&)>& say) {
    const std::string& folder = options.site;
    std::error_code error;
    const std::string absolute = std::filesystem::absolute(folder, error).string();
    auto site = load_site(HostSiteFiles{absolute}, absolute);
    if (!site) {
        for (const SiteProblem& problem : site.error()) {
            say(to_text(problem, folder));
        }
        return nullptr;
    }
    if (site->http_boot_by_https && !options.https_port && !options.check) {
        say(folder + "/site.yaml: http-boot: https needs --https-port");
        return nullptr;
    }
    return std::make_shared<const Site>(std::move(*site));
}

void to_stderr(const std::string& line) {
    std::fprintf(stderr, "%s\n", line.c_str());
}

Result<std::vector<InterfaceInfo>, StartError> find_interfaces(const Options& options) {
    std::vector<InterfaceInfo> found;
    for (const std::string& name : options.interfaces) {
        auto interface = find_interface(name);
        if (!interface) {
            return std::unexpected(
                StartError{"--interface " + name + ": " + interface.error().text(), 2});
        }
        found.push_back(std::move(*interface));
    }
    return found;
}

Result<std::string, StartError> read_token(const Options& options) {
    if (options.admin_token_file.empty()) {
        return std::string{};
    }
    std::ifstream in{options.admin_token_file};
    std::string token;
    if (!std::getline(in, token) || token.empty()) {
        return std::unexpected(StartError{"--admin-token-file " + options.admin_token_file +
                                              ": cannot be read, or its first line is empty",
                                          2});
    }
    return token;
}

/// What machines are told where the site names no address and nobody asked on one.
IpAddress own_address(const std::vector<InterfaceInfo>& interfaces) {
    for (const InterfaceInfo& interface : interfaces) {
        if (!interface.address.is_unspecified()) {
            return interface.address;
        }
    }
    for (const InterfaceInfo& interface : interfaces) {
        if (!interface.addresses6.empty()) {
            return interface.addresses6.front();
        }
    }
    return {};
}

/// Blocks the signals that musterd waits for, in this thread and all it starts.
sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
        sigaddset(&signals, signal);
    }
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return signals;
}

void fill_random(MutableBytes bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
        bytes = bytes.subspan(got < 0 ? 0 : static_cast<std::size_t>(got)); // -1: interrupted
    }
}

/// Where the boot loaders are; warns of those that are not there.
std::map<std::string, std::string>
find_loaders(const std::map<std::string, std::string>& overrides) {
    LoaderTable table = resolve_loaders(overrides, HostLoaderFiles{});
    for (const MissingLoader& missing : table.missing) {
        spdlog::warn("boot loader {} is not there ({}){}", missing.name, missing.path,
                     missing.package.empty() ? "" : ": install package " + missing.package);
    }
    return std::move(table.found);
}

std::unique_ptr<MirrorThread> make_mirrors(const Options& options) {
    MirrorOptions mirror;
    mirror.folder = options.cache;
    mirror.limits.bytes_max = options.cache_size;
    mirror.upstream.user_agent = "muster/" MUSTER_VERSION;
    mirror.log = [](bool warning, const std::string& line) {
        spdlog::log(warning ? spdlog::level::warn : spdlog::level::info, "{}", line);
    };
    return std::make_unique<MirrorThread>(std::move(mirror));
}

/// Everything of a running musterd, in the order in which it must go away again.
class Daemon {
public:
    explicit Daemon(const Options& options) : options_(options) {}
    ~Daemon() { stop(); }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    [[nodiscard]] Result<void, StartError> start();
    /// Waits for signals until one of them ends us.
    void run(const sigset_t& signals);
    void stop();

private:
    [[nodiscard]] bool keeps_nothing() const noexcept { return options_.store == "memory:"; }
    [[nodiscard]] Result<StoredState, StartError> open_store();
    [[nodiscard]] Result<void, StartError>
    give_up_root(const std::vector<std::string>& folders) const;
    [[nodiscard]] Result<void, StartError> start_control(Fd listener);
    [[nodiscard]] Result<void, StartError> load_certificate();
    [[nodiscard]] std::string ready_line() const;
    void reload();
    void tell_service_manager(bool watched);
    [[nodiscard]] std::vector<std::string> names_of(const std::vector<IpAddress>& addresses);

    const Options& options_;
    std::vector<InterfaceInfo> interfaces_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<FileIndex> index_;
    std::unique_ptr<Control> control_;
    Wake control_wake_;
    std::unique_ptr<AccessLog> access_log_;
    std::unique_ptr<MirrorThread> mirrors_; ///< after workers, whose mailboxes it wakes, to stop
    std::unique_ptr<TlsServer> tls_;
    std::unique_ptr<DpdkBackend> dpdk_; ///< null: io_uring moves everything
    std::unique_ptr<Fleet> fleet_;
    std::unique_ptr<HttpServer> admin_server_;
    std::unique_ptr<ControlThread> control_loop_;
    std::thread control_thread_;
    /// Control has said what it was last asked to say.
    std::shared_ptr<std::atomic<bool>> told_ = std::make_shared<std::atomic<bool>>(true);
    unsigned workers_ = 1;
    bool serves_ipv6_ = false; ///< as the site was at start
};

Result<StoredState, StartError> Daemon::open_store() {
    if (keeps_nothing()) {
        spdlog::warn("--store memory: leases and installs are forgotten when musterd ends");
        store_ = std::make_unique<MemoryStore>();
    } else {
        auto opened = SqliteStore::open(options_.data);
        if (!opened) {
            return std::unexpected(
                StartError{"--data " + options_.data + ": " + opened.error().text});
        }
        store_ = std::move(*opened);
    }
    auto loaded = store_->load();
    if (!loaded) {
        return std::unexpected(StartError{"--data " + options_.data + ": " + loaded.error().text});
    }
    return std::move(*loaded);
}

/// The user to serve as: the one of --user, else `muster` if there is one. It gets the folders.
Result<void, StartError> Daemon::give_up_root(const std::vector<std::string>& folders) const {
    const bool named = !options_.user.empty();
    const std::string user = named ? options_.user : "muster";
    if (::geteuid() != 0 || (!named && !user_exists(user))) {
        return {};
    }
    if (auto became = become_user(user, folders); !became) {
        return std::unexpected(StartError{became.error().text(), named ? 2 : 1});
    }
    return {};
}

Result<void, StartError> Daemon::start_control(Fd listener) {
    control_loop_ = std::make_unique<ControlThread>(*control_, *admin_server_, fleet_->mailboxes(),
                                                    control_wake_);
    std::promise<Result<void, SysError>> ready;
    auto outcome = ready.get_future();
    control_thread_ =
        std::thread{[this, ready = std::move(ready), socket = std::move(listener)]() mutable {
            auto opened = control_loop_->open(std::move(socket));
            const bool good = opened.has_value();
            ready.set_value(std::move(opened));
            if (good) {
                control_loop_->run();
            }
        }};
    if (auto started = outcome.get(); !started) {
        return std::unexpected(StartError{started.error().text()});
    }
    return {};
}

/// At start, as root if that is what we are: afterwards a reload reads the files as the user that
/// we became.
Result<void, StartError> Daemon::load_certificate() {
    if (!options_.https_port) {
        return {};
    }
    tls_ = std::make_unique<TlsServer>(options_.tls_cert, options_.tls_key);
    auto loaded = tls_->load();
    if (!loaded) {
        return std::unexpected(StartError{std::move(loaded.error()), 2});
    }
    for (const std::string& warning : *loaded) {
        spdlog::warn("{}", warning);
    }
    return {};
}

Result<void, StartError> Daemon::start() {
    raise_file_limit();
    const auto site = read_site(options_, to_stderr);
    if (!site) {
        return std::unexpected(StartError{"--site " + options_.site + ": see above", 2});
    }
    auto token = read_token(options_);
    if (!token) {
        return std::unexpected(token.error());
    }
    if (auto loaded = load_certificate(); !loaded) {
        return loaded;
    }
    if (options_.backend == "dpdk") { // first: the interface is made by it
        auto opened = open_dpdk_backend(options_, *site);
        if (!opened) {
            return std::unexpected(StartError{opened.error()});
        }
        dpdk_ = std::move(*opened);
    }
    auto interfaces = find_interfaces(options_);
    if (!interfaces) {
        return std::unexpected(interfaces.error());
    }
    interfaces_ = std::move(*interfaces);
    auto stored = open_store();
    if (!stored) {
        return std::unexpected(stored.error());
    }

    workers_ = options_.workers != 0 ? options_.workers
                                     : std::max(1U, std::thread::hardware_concurrency());
    serves_ipv6_ = !site->subnets6.empty();
    std::vector<std::string> warnings;
    auto sockets = open_sockets(options_, interfaces_, workers_, !site->subnets6.empty(), warnings);
    if (!sockets) {
        return std::unexpected(StartError{sockets.error().text()});
    }
    if (const auto limit = neighbour_limit()) {
        if (auto warning = neighbour_warning(site->subnets, interfaces_, *limit)) {
            warnings.push_back(std::move(*warning));
        }
    }
    for (const std::string& warning : warnings) {
        spdlog::warn("{}", warning);
    }
    Fd admin;
    if (options_.admin) {
        auto listener = open_listener(options_.admin->address, options_.admin->port, false,
                                      "admin API (--admin)");
        if (!listener) {
            return std::unexpected(StartError{listener.error().text()});
        }
        admin = std::move(*listener);
    }
    if (!options_.access_log.empty()) {
        access_log_ = std::make_unique<AccessLog>(
            options_.access_log, options_.log_json ? AccessFormat::json : AccessFormat::text,
            workers_);
        if (auto opened = access_log_->open(); !opened) {
            return std::unexpected(StartError{opened.error().text(), 2});
        }
    }
    std::vector<std::string> folders;
    if (!keeps_nothing()) {
        folders.push_back(options_.data);
    }
    if (!site->mirrors.empty()) { // while we may make folders anywhere
        if (auto prepared = MirrorStore{options_.cache}.prepare(); !prepared) {
            return std::unexpected(StartError{"--cache " + prepared.error().text()});
        }
        folders.push_back(options_.cache);
    }
    if (auto given_up = give_up_root(folders); !given_up) {
        return given_up;
    }

    index_ = std::make_unique<FileIndex>(site->folder + "/files");
    const std::size_t leases = std::max(stored->leases.size(), stored->leases6.size());
    fleet_ = std::make_unique<Fleet>(options_, interfaces_, *stored,
                                     lease_room(site->subnets, site->subnets6, leases), workers_,
                                     control_wake_);
    if (dpdk_) {
        fleet_->move_by(dpdk_->start(options_, interfaces_.front()));
    }
    mirrors_ = make_mirrors(options_);
    fleet_->mirror_by(*mirrors_);
    if (tls_) {
        fleet_->use_tls(*tls_);
    }
    admin_server_ = std::make_unique<HttpServer>(HttpLimits{}, HttpRole::admin);
    ControlOptions control;
    control.workers = workers_;
    control.http_port = options_.http_port;
    control.https_port = options_.https_port.value_or(0);
    if (options_.boot_slots) {
        control.governor = GovernorOptions{
            .slots = *options_.boot_slots,
            .egress = options_.egress != 0 ? options_.egress : link_rate(options_.interfaces)};
    }
    control.find_loaders = find_loaders;
    control.assets = admin_assets();
    control.admin_token = *token;
    control.server_address = own_address(interfaces_);
    control.scrape = [this](Exposition& exposition) {
        fleet_->report(exposition);
        admin_server_->report(exposition);
        if (dpdk_) {
            dpdk_->report(exposition);
        }
        mirrors_->report(exposition);
        if (const auto lost = receive_buffer_errors()) {
            exposition.add(Exposition::Kind::counter, "muster_host_udp_receive_buffer_errors_total",
                           {},
                           "UDP datagrams of this network namespace that found the receive buffer "
                           "of their socket full.",
                           static_cast<double>(*lost));
        }
    };
    if (options_.packet_log != 0) {
        fleet_->remember_packets(options_.packet_log, options_);
        control.packets = [this](const PacketsWanted& wanted) {
            return capture(fleet_->packets(), wanted, own_address(interfaces_));
        };
    }
    control_ = std::make_unique<Control>(*store_, *index_, fill_random, std::move(control));
    control_->start(std::move(*stored), site, read_clock());

    if (auto started = start_control(std::move(admin)); !started) {
        return started;
    }
    if (access_log_) {
        fleet_->log_to(*access_log_);
        access_log_->start([this](const auto& addresses) { return names_of(addresses); });
    }
    mirrors_->start(site->mirrors);
    if (auto started = fleet_->start(std::move(*sockets), options_.pin); !started) {
        return std::unexpected(StartError{started.error().text()});
    }
    std::printf("%s\n", ready_line().c_str());
    std::fflush(stdout);
    notify_service_manager("READY=1\nSTATUS=" + ready_line());
    return {};
}

std::string Daemon::ready_line() const {
    std::string line = "muster: ready";
    for (const InterfaceInfo& interface : interfaces_) {
        const bool ipv4 = !interface.address.is_unspecified();
        line +=
            fmt::format(" {} {}", interface.name,
                        to_text(ipv4 ? IpAddress{interface.address} : own_address({interface})));
        if (options_.dhcp != "off" && ipv4) {
            line += fmt::format(" dhcp:{}", options_.dhcp_port);
        }
        if (options_.dhcp == "server" && options_.dhcp6 && serves_ipv6_ &&
            !interface.link_local.is_unspecified()) {
            line += fmt::format(" dhcp6:{}", options_.dhcp6_port);
        }
        if (options_.dhcp == "proxy" && ipv4) {
            line += fmt::format(" pxe:{}", options_.pxe_port);
        }
        if (options_.tftp) {
            line += fmt::format(" tftp:{}", options_.tftp_port);
        }
        if (options_.http) {
            line += fmt::format(" http:{}", options_.http_port);
        }
        if (options_.https_port) {
            line += fmt::format(" https:{}", *options_.https_port);
        }
    }
    if (options_.admin) {
        line += fmt::format(" admin http://{}:{}/", to_text(options_.admin->address),
                            options_.admin->port);
    }
    return line + fmt::format(" workers {} ({})", workers_, options_.backend);
}

/// For the access log, in its thread: control knows who has which address.
std::vector<std::string> Daemon::names_of(const std::vector<IpAddress>& addresses) {
    auto names = std::make_shared<std::promise<std::vector<std::string>>>();
    auto outcome = names->get_future();
    control_loop_->post([names, addresses](Control& control, const Now&) {
        std::vector<std::string> found;
        for (const IpAddress& address : addresses) {
            const NodeRecord* const node = control.ledger().node_at(address);
            found.push_back(node != nullptr ? node->name() : std::string{});
        }
        names->set_value(std::move(found));
    });
    // A control that does not answer is busy with more than a log, or on its way out.
    constexpr auto patience = std::chrono::seconds{1};
    return outcome.wait_for(patience) == std::future_status::ready ? outcome.get()
                                                                   : std::vector<std::string>{};
}

void Daemon::reload() {
    if (access_log_) {
        access_log_->reopen();
    }
    notify_service_manager("RELOADING=1");
    const auto site =
        read_site(options_, [](const std::string& line) { spdlog::error("{}", line); });
    if (site) {
        mirrors_->set_mirrors(site->mirrors); // first: a worker asks for what it was told of
        control_loop_->post([site](Control& control, const Now&) { control.on_site(site); });
    } else {
        spdlog::error("the site is broken (see above): the old one stays");
    }
    if (tls_) {
        if (const auto loaded = tls_->load(); !loaded) {
            spdlog::error("{}: the old certificate stays", loaded.error());
        } else {
            for (const std::string& warning : *loaded) {
                spdlog::warn("{}", warning);
            }
            spdlog::info("certificate and key are read again");
        }
    }
    notify_service_manager("READY=1");
}

/// Says to the service manager how the site is and that all threads turn: control itself says it,
/// and only while no worker stands still. Silent otherwise, so that its watchdog ends the process.
void Daemon::tell_service_manager(bool watched) {
    if (!fleet_->is_moving()) {
        spdlog::error("a worker stands still");
        return;
    }
    if (told_->exchange(false)) { // else control has not said the last one yet
        control_loop_->post([told = told_, watched](Control& control, const Now&) {
            notify_service_manager((watched ? "WATCHDOG=1\nSTATUS=" : "STATUS=") +
                                   summary_of(control));
            told->store(true);
        });
    }
}

void Daemon::run(const sigset_t& signals) {
    constexpr Duration status_interval = std::chrono::seconds{10};
    const auto watchdog = watchdog_time();
    const Duration interval = watchdog ? std::min(*watchdog / 3, status_interval) : status_interval;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(interval);
    const timespec wait{.tv_sec = seconds.count(), .tv_nsec = (interval - seconds).count()};
    const bool tells = has_service_manager();
    for (;;) {
        const int signal =
            tells ? ::sigtimedwait(&signals, nullptr, &wait) : ::sigwaitinfo(&signals, nullptr);
        if (signal < 0) {
            if (tells && errno == EAGAIN) {
                tell_service_manager(watchdog.has_value());
            }
            continue;
        }
        switch (signal) {
        case SIGHUP:
            reload();
            break;
        case SIGUSR1:
            control_loop_->post([](Control& control, const Now&) { log_summary(control); });
            break;
        default:
            notify_service_manager("STOPPING=1");
            return;
        }
    }
}

void Daemon::stop() {
    if (fleet_) {
        fleet_->stop(); // first: what workers still say is committed below
    }
    if (mirrors_) {
        mirrors_->stop();
    }
    if (access_log_) {
        access_log_->stop(); // while control can still name nodes
    }
    if (control_thread_.joinable()) {
        control_loop_->stop();
        control_thread_.join();
    }
}

} // namespace

int check_site(const Options& options) {
    return read_site(options, to_stderr) ? 0 : 2;
}

int check_dpdk(const Options& options) {
    std::error_code error;
    const bool there = std::filesystem::exists(options.site + "/site.yaml", error);
    const auto site = there ? read_site(options, to_stderr) : nullptr;
    const int status = check_dpdk_backend(options, site.get());
    return there && !site ? 1 : status;
}

int run_daemon(const Options& options) {
    const sigset_t signals = block_signals();
    open_log(options.log_level, options.log_json);
    Daemon daemon{options};
    if (const auto started = daemon.start(); !started) {
        return fail(started.error());
    }
    daemon.run(signals);
    daemon.stop();
    return 0;
}

} // namespace muster
