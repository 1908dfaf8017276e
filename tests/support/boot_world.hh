// SPDX-License-Identifier: Apache-2.0
// Machines of a fleet and the real server, engine and control with a store in memory, on one wire:
// every datagram and every piece of a stream arrives after the same short time, none is lost. No
// more than boot machines need to be tested; the simulator is the place for faults.
#pragma once

#include "core/content/media_type.hh"
#include "core/control/control.hh"
#include "core/store/memory_store.hh"
#include "net/client/client_fleet.hh"
#include "net/engine.hh"
#include "net/wire/ipv4_udp.hh"

#include <functional>
#include <map>
#include <set>

namespace muster::test {

/// Files by name; those of loaders begin with `loaders/`.
class WorldFiles final : public ContentIndex {
public:
    void add(const std::string& name, std::string text) {
        auto content = std::make_shared<TextContent>(std::move(text), media_type(name));
        content->etag = '"' + name + '"';
        files[name] = std::move(content);
    }
    [[nodiscard]] std::optional<std::uint64_t> size(std::string_view path) const override {
        const auto at = files.find(path);
        return at == files.end() ? std::nullopt
                                 : std::optional<std::uint64_t>{at->second->bytes.size()};
    }
    std::map<std::string, ContentRef, std::less<>> files;
};

class BootWorld {
public:
    static constexpr Duration latency = std::chrono::microseconds{100};
    static constexpr std::uint16_t transfer_port = 30'000;
    static constexpr std::uint32_t interface_index = 7;
    const Ipv4Address server_ip{{10, 79, 0, 1}};

    explicit BootWorld(Site site, bool router_advertisements = true)
        : engine(engine_options(router_advertisements)) {
        site_ = std::make_shared<const Site>(std::move(site));
        control = std::make_unique<Control>(
            store, files,
            [this](MutableBytes bytes) {
                for (std::byte& b : bytes) {
                    b = static_cast<std::byte>(random_.next());
                }
            },
            control_options());
        auto state = store.load();
        control->start(std::move(*state), site_, now);
        step_control();
    }

    void start(MachineIndex index, const MacAddress& mac, std::unique_ptr<ClientMachine> machine) {
        ClientIdentity identity;
        identity.index = index;
        identity.mac = mac;
        identity.uuid[15] = static_cast<std::uint8_t>(index);
        fleet.start(identity, std::move(machine), now, client_out);
        from_clients();
    }
    void pull_the_plug(MachineIndex index) {
        fleet.stop(index, now, client_out);
        from_clients();
    }
    void reload(Site site) {
        site_ = std::make_shared<const Site>(std::move(site));
        control->on_site(site_);
        step_control();
    }
    [[nodiscard]] std::size_t connections() const { return connections_.size(); }
    /// Until no machine runs or the time is over.
    void run_for(Duration limit) {
        const Instant end = now.steady + limit;
        while (fleet.running_count() > 0) {
            Instant next =
                std::min({fleet.next_deadline(), engine.next_deadline(), control->next_deadline()});
            if (!events_.empty()) {
                next = std::min(next, events_.begin()->first);
            }
            if (next > end) {
                return;
            }
            turn(std::max(next, now.steady));
        }
    }

    [[nodiscard]] std::vector<ClientNote> noted(ClientNote::Kind kind) const {
        std::vector<ClientNote> found;
        for (const ClientNote& note : notes) {
            if (note.kind == kind) {
                found.push_back(note);
            }
        }
        return found;
    }
    [[nodiscard]] std::vector<ClientStage> stages() const {
        std::vector<ClientStage> found;
        for (const ClientNote& note : noted(ClientNote::Kind::stage)) {
            found.push_back(note.stage);
        }
        return found;
    }
    [[nodiscard]] Duration waited(ClientWait wait) const {
        Duration sum{};
        for (const ClientNote& note : noted(ClientNote::Kind::waited)) {
            sum += note.wait == wait ? note.duration : Duration{};
        }
        return sum;
    }
    [[nodiscard]] std::string install_state(const std::string& node) const {
        const NodeRecord* const record = control->ledger().nodes().find(node);
        return record == nullptr ? "(none)" : std::string{to_text(record->install.state)};
    }

    Now now{Instant{} + std::chrono::hours{1}, UnixTime{1'700'000'000'000}};
    WorldFiles files;
    MemoryStore store;
    Engine engine;
    std::unique_ptr<Control> control;
    ClientFleet fleet{ClientFleetLimits{.machines = 16, .streams = 64}};
    ClientOutbox client_out;
    std::vector<ClientNote> notes;
    bool deaf = false;                 ///< the server hears nothing any more
    std::uint64_t stream_rate = 0;     ///< bytes a second of each stream; 0: at once
    std::vector<std::string> requests; ///< `TFTP name` and the first line of each HTTP request

private:
    struct Connection {
        ClientStreamId client{};
        StreamId server{};
        bool client_open = true; ///< it has not closed it, and was not told that it is closed
        bool server_open = true;
    };

    static EngineOptions engine_options(bool router_advertisements) {
        EngineOptions options;
        options.router_advertisements = router_advertisements;
        InterfaceInfo interface;
        interface.index = interface_index;
        interface.name = "rack0";
        interface.mac = {{2, 0, 0, 0, 0, 7}};
        interface.address = {{10, 79, 0, 1}};
        interface.link_local = {{0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE, 0, 0, 7}};
        options.interfaces = {interface};
        return options;
    }
    static ControlOptions control_options() {
        ControlOptions options;
        options.server_address = Ipv4Address{{10, 79, 0, 1}};
        return options;
    }

    void later(std::function<void()> what, Duration more = {}) {
        events_.emplace(now.steady + latency + more, std::move(what));
    }

    void turn(Instant at) {
        now.wall = UnixTime{now.wall.ms + (at.ns / 1'000'000 - now.steady.ns / 1'000'000)};
        now.steady = at;
        while (!events_.empty() && events_.begin()->first <= at) {
            const auto what = std::move(events_.begin()->second);
            events_.erase(events_.begin());
            what();
        }
        engine.expire(now, out_);
        from_server();
        if (control->next_deadline() <= at) {
            step_control();
        }
        fleet.expire(now, client_out);
        from_clients();
    }

    void step_control() {
        ControlOutbox answers;
        control->step(now, answers);
        for (auto& addressed : answers.messages) {
            if (addressed.worker == WorkerId{0}) {
                engine.on_control(std::move(addressed.message), now, out_);
            }
        }
        from_server();
    }

    void from_clients();
    void from_client(const ClientTx& datagram);
    void from_server();
    void to_clients(const Endpoint& source, const Endpoint& destination,
                    const std::vector<std::byte>& payload, ClientProtocol protocol,
                    std::optional<MacAddress> link = {});
    void server_datagram(const TxDatagram& datagram);
    void server_stream(const StreamSend& send);
    std::expected<ContentRef, OpenError> open(const OpenRequest& request) const {
        const std::string folder = request.root == ContentRoot::loaders ? "loaders/" : "";
        const auto at = files.files.find(folder + request.path);
        if (at == files.files.end()) {
            return std::unexpected(OpenError::not_found);
        }
        return at->second;
    }

    std::shared_ptr<const Site> site_;
    Outbox out_;
    Prng random_{7};
    std::multimap<Instant, std::function<void()>> events_;
    std::vector<std::shared_ptr<Connection>> connections_;
    std::uint32_t next_stream_ = 0;
};

} // namespace muster::test
