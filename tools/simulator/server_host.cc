// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/server_host.hh"

#include "core/base/check.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/streams.hh"

#include <algorithm>

namespace muster::sim {
namespace {

constexpr std::uint32_t interface_index = 7;
constexpr std::uint16_t dhcp_port = 67;
constexpr std::uint16_t tftp_port = 69;
constexpr std::uint16_t transfer_ports = 30'000; ///< worker, then socket
constexpr std::uint16_t ports_a_worker = 256;

/// The kernel's choice among sockets that share a port; any function of the client will do.
std::uint64_t hash_of(const Endpoint& source) noexcept {
    Digest digest;
    digest.add(as_bytes({reinterpret_cast<const char*>(source.address.octets.data()), 16}));
    digest.add(source.port);
    return digest.value();
}

} // namespace

ServerHost::ServerHost(Universe& universe, SimStore& store, const ServerOptions& options,
                       const NetworkOptions& network, std::shared_ptr<const Site> site)
    : universe_(universe),
      store_(store),
      options_(options),
      network_(network),
      site_(std::move(site)),
      secrets_(universe.random.split()) {
    InterfaceInfo interface;
    interface.index = interface_index;
    interface.name = "sim0";
    interface.mac = network.server_mac;
    interface.address = network.server_address;
    interface.prefix_length = 8;
    interface.link_local.octets = {0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE, 0, 0, 1};
    options_.engine.interfaces = {interface};
    options_.engine.http_limits.connections = options_.connections_max;
}

ServerHost::~ServerHost() = default;

void ServerHost::connect(Datagrams& datagrams, Streams& streams, Accounting& accounting) noexcept {
    datagrams_ = &datagrams;
    streams_ = &streams;
    accounting_ = &accounting;
}

void ServerHost::start(Duration delay) {
    if (up() || starting_) {
        return;
    }
    starting_ = true;
    universe_.events.post(universe_.now.steady + delay + options_.process_start, Part::server,
                          process_ready, process_);
}

/// What the daemon does between its first line and its "ready".
void ServerHost::open_process() {
    starting_ = false;
    ++starts_;
    universe_.note([] { return "musterd starts"; });
    auto stored = store_.load();
    MUSTER_CHECK(stored.has_value());
    members_.clear();
    for (unsigned i = 0; i < options_.workers; ++i) {
        EngineOptions engine = options_.engine;
        engine.dhcp = i == 0;
        engine.router_advertisements = i == 0;
        members_.push_back({});
        members_.back().engine = std::make_unique<Engine>(engine);
    }
    if (universe_.canary != Canary::leases_forgotten) {
        members_.front().engine->restore(stored->leases, stored->leases6, universe_.now);
    }
    ControlOptions control;
    control.workers = options_.workers;
    control.governor = options_.governor;
    control.server_address = network_.server_address;
    control.find_loaders = [this](const auto&) {
        return universe_.files.loaders();
    };
    control_ = std::make_unique<Control>(
        store_, universe_.files, [this](MutableBytes bytes) { fill_random(bytes); },
        std::move(control));
    control_->start(std::move(*stored), site_, universe_.now);
    std::vector<std::vector<UdpPortRange>> ports;
    for (unsigned i = 0; i < options_.workers; ++i) {
        ports.push_back(ports_of(i));
    }
    datagrams_->on_server_start(options_.engine.interfaces.front(), ports);
    accounting_->on_start(options_.workers);
    want_control_turn();
    refresh_deadline();
}

void ServerHost::kill() {
    ++process_;
    starting_ = false;
    if (!up()) {
        return;
    }
    universe_.note([] { return "musterd is killed"; });
    accounting_->check(*this, *streams_, universe_);
    store_.crash(universe_.random.chance(0.5));
    control_.reset();
    members_.clear();
    control_out_.clear();
    answers_.clear();
    control_busy_ = turn_wanted_ = false;
    control_paused_ = {};
    next_deadline_ = Instant::never();
    streams_->on_server_death();
    datagrams_->on_server_death();
}

void ServerHost::fill_random(MutableBytes bytes) {

    for (std::byte& b : bytes) {
        b = static_cast<std::byte>(secrets_.next());
    }
}

void ServerHost::pause_worker(unsigned worker, Instant until) {
    if (worker < members_.size()) {
        members_[worker].paused = until;
        any_paused_ = std::max(any_paused_, until);
        universe_.events.post(until, Part::server, worker_turn, process_, worker);
        refresh_deadline();
    }
}

unsigned ServerHost::worker_of(const Endpoint& source) const noexcept {
    return options_.workers == 1 ? 0 : static_cast<unsigned>(hash_of(source) % options_.workers);
}

std::optional<ServerHost::Socket> ServerHost::socket_of(const Endpoint& source,
                                                        std::uint16_t port) const noexcept {
    if (port == dhcp_port) {
        return Socket{.service = UdpService::dhcp};
    }
    if (port == tftp_port) {
        return Socket{.service = UdpService::tftp, .worker = worker_of(source)};
    }
    if (port < transfer_ports) {
        return std::nullopt;
    }
    const unsigned number = port - transfer_ports;
    const Socket socket{.service = UdpService::tftp_transfer,
                        .worker = number / ports_a_worker,
                        .index = static_cast<std::uint8_t>(number % ports_a_worker)};
    const bool bound = socket.worker < options_.workers &&
                       socket.index < options_.engine.tftp_limits.transfer_sockets;
    return bound ? std::optional{socket} : std::nullopt;
}

/// The same as ranges, for a driver that has no sockets.
std::vector<UdpPortRange> ServerHost::ports_of(unsigned worker) const {
    std::vector<UdpPortRange> ports{
        {UdpService::tftp, tftp_port},
        {UdpService::tftp_transfer,
         static_cast<std::uint16_t>(transfer_ports + worker * ports_a_worker),
         options_.engine.tftp_limits.transfer_sockets}};
    if (worker == 0) {
        ports.push_back({UdpService::dhcp, dhcp_port});
    }
    return ports;
}

std::optional<unsigned> ServerHost::worker_for(const Endpoint& source,
                                               std::uint16_t port) const noexcept {
    const auto socket = socket_of(source, port);
    return socket ? std::optional{socket->worker} : std::nullopt;
}

Instant ServerHost::ready_at(unsigned worker) const noexcept {
    return worker < members_.size() ? members_[worker].paused : Instant{};
}

Instant ServerHost::ready_at(const Endpoint& source, std::uint16_t port) const noexcept {
    if (any_paused_ <= universe_.now.steady) {
        return {};
    }
    const auto socket = socket_of(source, port);
    return socket ? ready_at(socket->worker) : Instant{};
}

template <class Call>
void ServerHost::run(unsigned worker, Call&& call) {
    Member& member = members_[worker];
    member.out.control_room =
        options_.mailbox_capacity - std::min(options_.mailbox_capacity, member.to_control.size());
    call(*member.engine, member.out);
    perform(worker);
    member.deadline = member.engine->next_deadline();
    refresh_deadline();
}

bool ServerHost::receive(const ClientRx& datagram) {
    RxDatagram rx{.interface = interface_index,
                  .source = datagram.source,
                  .local = datagram.destination.address,
                  .payload = datagram.payload};
    unsigned worker = 0;
    if (datagram.protocol == ClientProtocol::icmpv6) {
        rx.service = UdpService::icmpv6;
    } else {
        const auto socket = socket_of(datagram.source, datagram.destination.port);
        if (!socket) {
            return false;
        }
        rx.service = socket->service;
        rx.socket = socket->index;
        worker = socket->worker;
    }
    receive(worker, rx);
    return true;
}

void ServerHost::receive(unsigned worker, const RxDatagram& rx) {
    accounting_->on_datagram(worker, rx.service);
    if (universe_.canary == Canary::uncounted_drop && universe_.random.below(20) == 0) {
        return;
    }
    run(worker, [&](Engine& engine, Outbox& out) { engine.receive(rx, universe_.now, out); });
}

void ServerHost::on_stream_open(unsigned worker, StreamId id, const Endpoint& peer,
                                const Endpoint& local) {
    accounting_->on_stream(worker);
    run(worker, [&](Engine& engine, Outbox& out) {
        engine.on_stream_open(id, peer, local, universe_.now, out);
    });
}

void ServerHost::on_stream_data(unsigned worker, StreamId id, Bytes bytes) {
    run(worker,
        [&](Engine& engine, Outbox& out) { engine.on_stream_data(id, bytes, universe_.now, out); });
}

void ServerHost::on_stream_progress(unsigned worker, StreamId id, std::uint64_t sent) {
    run(worker, [&](Engine& engine, Outbox& out) {
        engine.on_stream_progress(id, sent, universe_.now, out);
    });
}

void ServerHost::on_stream_sent(unsigned worker, StreamId id) {
    run(worker,
        [&](Engine& engine, Outbox& out) { engine.on_stream_sent(id, universe_.now, out); });
}

void ServerHost::on_stream_closed(unsigned worker, StreamId id) {
    run(worker,
        [&](Engine& engine, Outbox& out) { engine.on_stream_closed(id, universe_.now, out); });
}

std::expected<ContentRef, OpenError> ServerHost::open(const Member& member,
                                                      const OpenRequest& request) const {
    if (!member.snapshot) {
        return std::unexpected(OpenError::unavailable);
    }
    if (request.root == ContentRoot::loaders && !member.snapshot->loaders.contains(request.path)) {
        return std::unexpected(OpenError::not_found);
    }
    return universe_.files.open(request.root, request.path);
}

/// As Worker::perform().
void ServerHost::perform(unsigned worker) {
    Member& member = members_[worker];
    Outbox& out = member.out;
    while (!out.opens.empty()) {
        member.opens.swap(out.opens);
        for (const OpenRequest& request : member.opens) {
            member.engine->on_content(request.ticket, open(member, request), universe_.now, out);
        }
        member.opens.clear();
    }
    const auto port_of = [&](UdpService service, std::uint8_t socket) {
        switch (service) {
        case UdpService::dhcp:
            return dhcp_port;
        case UdpService::tftp:
            return tftp_port;
        case UdpService::tftp_transfer:
            return static_cast<std::uint16_t>(transfer_ports + worker * ports_a_worker + socket);
        case UdpService::pxe:
        case UdpService::dhcp6:
        case UdpService::icmpv6:
            break;
        }
        return std::uint16_t{0};
    };
    for (const TxDatagram& datagram : out.datagrams) {
        datagrams_->send(worker, port_of(datagram.service, datagram.socket), datagram,
                         out.payload(datagram));
    }
    for (const TxBlocks& blocks : out.blocks) {
        datagrams_->send(worker, port_of(blocks.service, blocks.socket), blocks);
    }
    for (const StreamSend& send : out.stream_sends) {
        streams_->send(worker, send, out.head(send));
    }
    for (const StreamOrder& order : out.stream_orders) {
        streams_->order(worker, order);
    }
    if (universe_.canary == Canary::report_unheard) {
        misread_reports(out.messages);
    }
    if (!out.messages.empty()) {
        std::move(out.messages.begin(), out.messages.end(), std::back_inserter(member.to_control));
        want_control_turn();
    }
    out.clear();
}

/// The planted bug: that a machine is installed is taken for one more word about its progress.
void ServerHost::misread_reports(std::vector<WorkerMessage>& messages) {
    constexpr std::string_view end = "/installed";
    for (WorkerMessage& message : messages) {
        auto* const request = std::get_if<std::unique_ptr<DynamicRequest>>(&message);
        if (request != nullptr && (*request)->path.ends_with(end)) {
            (*request)->path.replace((*request)->path.size() - end.size(), end.size(), "/progress");
        }
    }
}

void ServerHost::expire() {
    const Instant now = universe_.now.steady;
    for (unsigned i = 0; i < members_.size(); ++i) {
        if (members_[i].deadline <= now && members_[i].paused <= now) {
            run(i, [&](Engine& engine, Outbox& out) { engine.expire(universe_.now, out); });
        }
    }
    if (control_ && !control_busy_ && control_paused_ <= now && control_->next_deadline() <= now) {
        take_control_turn();
    }
    refresh_deadline();
}

void ServerHost::refresh_deadline() noexcept {
    next_deadline_ = Instant::never();
    for (const Member& member : members_) {
        next_deadline_ = std::min(next_deadline_, std::max(member.deadline, member.paused));
    }
    if (control_ && !control_busy_ && !turn_wanted_) {
        next_deadline_ =
            std::min(next_deadline_, std::max(control_->next_deadline(), control_paused_));
    }
}

void ServerHost::on_event(const AgendaEvent& event) {
    if (event.a != process_) {
        return;
    }
    switch (static_cast<What>(event.what)) {
    case process_ready:
        open_process();
        break;
    case control_turn:
        turn_wanted_ = false;
        if (!control_busy_) {
            take_control_turn();
        }
        break;
    case commit_returned:
        hand_out();
        break;
    case worker_turn: {
        std::vector<ControlMessage> messages = std::exchange(members_[event.b].to_worker, {});
        for (ControlMessage& message : messages) {
            tell_worker(event.b, std::move(message));
        }
        break;
    }
    }
    refresh_deadline();
}

void ServerHost::reload(std::shared_ptr<const Site> site) {
    site_ = std::move(site);
    if (up()) {
        control_->on_site(site_);
        want_control_turn();
    }
}

void ServerHost::order(DynamicRequest::Method method, std::string path) {
    auto request = std::make_unique<DynamicRequest>();
    request->method = method;
    request->path = std::move(path);
    request->ticket = {Ticket::Owner::http, {0, 1}};
    control_->on_message(admin_worker, std::move(request), universe_.now);
    want_control_turn();
}

std::string ServerHost::metrics(unsigned worker) const {
    Exposition exposition;
    members_.at(worker).engine->report(exposition);
    return exposition.text();
}

} // namespace muster::sim
