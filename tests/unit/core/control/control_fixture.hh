// SPDX-License-Identifier: Apache-2.0
// A control driven as a script: facts and times in, messages out. The store is a MemoryStore,
// which outlives the control, so that a restart is a new Control over the same store.
#pragma once

#include "core/control/control.hh"
#include "core/store/memory_store.hh"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <optional>

namespace muster::test {

using Json = nlohmann::json;

constexpr MacAddress mac_of(unsigned n) {
    return {{0x52, 0x54, 0, 0, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
}
constexpr Ipv4Address address_of(unsigned n) {
    return {{10, 0, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
}

/// Files that are there, by path below files/.
class MapIndex final : public ContentIndex {
public:
    std::map<std::string, std::uint64_t, std::less<>> files{{"debian12/linux", 1'000},
                                                            {"debian12/initrd.gz", 3'000}};

    [[nodiscard]] std::optional<std::uint64_t> size(std::string_view path) const override {
        const auto it = files.find(path);
        return it == files.end() ? std::nullopt : std::optional{it->second};
    }
};

inline NodeSpec spec_of(std::string name, unsigned n, std::string profile = "debian12") {
    NodeSpec spec;
    spec.name = std::move(name);
    spec.macs = {mac_of(n)};
    spec.profile = std::move(profile);
    spec.tags = {"rack1"};
    return spec;
}

/// Two nodes, one profile, unknown machines ignored.
inline Site make_site() {
    Site site;
    site.folder = "/site";
    site.server_address = Ipv4Address{{10, 0, 0, 1}};
    SubnetPlan plan;
    plan.subnet = {.network = {{10, 0, 0, 0}}, .prefix_length = 16};
    plan.pools = {AddressRange{.first = {{10, 0, 1, 0}}, .last = {{10, 0, 255, 250}}}};
    plan.domain = "rack.example";
    site.subnets.push_back(plan);
    Profile profile;
    profile.name = "debian12";
    profile.kernel = "debian12/linux";
    profile.initrd = {"debian12/initrd.gz"};
    profile.cmdline = "auto=true url={{answers_url}}/preseed.cfg";
    profile.answers = {{"preseed.cfg", "debian.mustache"}};
    profile.deadlines = {.booting = 5min, .installing = 45min};
    profile.retries = 1;
    site.profiles.emplace(profile.name, profile);
    site.templates = {{"debian.mustache", "host {{node.name}} report {{report_url}}\n"}};
    site.nodes = {spec_of("r1n01", 1), spec_of("r1n02", 2)};
    return site;
}

/// With answers `broken.cfg` that cannot be rendered. The loader of sites refuses such a one; a
/// variable that a template turns out to need in a branch gets past it.
inline Site make_broken_site() {
    Site site = make_site();
    site.profiles.at("debian12").answers.emplace("broken.cfg", "broken.mustache");
    site.templates.emplace("broken.mustache", "{{no_such_variable}}");
    return site;
}

/// An answer of the control.
struct Said {
    std::uint16_t status = 0;
    std::string body;
    std::string type;
    std::uint32_t retry_after_s = 0;

    [[nodiscard]] Json json() const { return Json::parse(body, nullptr, false); }
};

class ControlTest : public testing::Test {
protected:
    MemoryStore store;
    MapIndex content;
    ControlOptions options;
    std::unique_ptr<Control> control;
    ControlOutbox out;
    Now now{.steady = {0}, .wall = {1'700'000'000'000}};

    std::map<MacAddress, NodeBoot> boots;    ///< as worker 0 knows them
    std::map<std::string, NodeBoot> aliases; ///< the same, by NodeBoot::alias
    SnapshotRef snapshot;                    ///< the last one that worker 0 got
    std::map<std::uint32_t, bool> leases;    ///< request slot → durable
    std::map<std::uint32_t, Said> replies;   ///< ticket slot → answer
    std::vector<Event> log;
    std::string feed; ///< what listeners were sent

    void SetUp() override { restart(); }

    /// As after kill -9 and a new start: only the store is left.
    void restart(std::optional<Site> site = {}) {
        if (site) {
            site_ = std::move(*site);
        }
        control = std::make_unique<Control>(
            store, content,
            [this](MutableBytes bytes) {
                for (std::byte& b : bytes) {
                    b = static_cast<std::byte>(++random_ * 0x9E3779B97F4A7C15ULL >> 56U);
                }
            },
            options);
        boots.clear();
        auto state = store.load();
        ASSERT_TRUE(state.has_value());
        control->start(std::move(*state), std::make_shared<const Site>(site_), now);
        step();
    }
    void reload(Site site) {
        site_ = std::move(site);
        control->on_site(std::make_shared<const Site>(site_));
        step();
    }
    [[nodiscard]] const Site& site() const { return site_; }

    /// Steps until there is nothing to do at this moment.
    void step() {
        do {
            control->step(now, out);
            deliver();
        } while (control->next_deadline() <= now.steady); // for ever, if nothing comes of it
    }
    void wait(Duration duration) {
        now.steady = now.steady + duration;
        now.wall = now.wall + duration;
        step();
    }
    void tell(WorkerMessage message, WorkerId worker = WorkerId{0}) {
        control->on_message(worker, std::move(message), now);
    }

    // Facts.
    void lease(unsigned n, std::uint32_t request = 0) {
        LeaseCommit commit;
        commit.request = {.slot = request, .generation = request == 0 ? 0U : 1U};
        commit.lease.address = address_of(n);
        commit.lease.mac = mac_of(n);
        commit.lease.expires = now.wall + 1h;
        tell(commit);
    }
    void seen(unsigned n, DhcpClientKind kind = DhcpClientKind::pxe, bool acknowledged = false) {
        MachineSeen machine;
        machine.mac = mac_of(n);
        machine.address = address_of(n);
        machine.kind = kind;
        machine.acknowledged = acknowledged;
        tell(machine);
    }
    void sample(unsigned n, std::string path, std::uint64_t sent,
                TransferSample::Phase phase = TransferSample::Phase::running) {
        auto s = std::make_unique<TransferSample>();
        s->client = address_of(n);
        s->path = std::move(path);
        s->sent = sent;
        s->phase = phase;
        tell(std::move(s), WorkerId{1});
    }
    /// A request whose answer comes with the next step.
    std::uint32_t send(DynamicRequest request, WorkerId worker) {
        request.ticket.handle = {.slot = ++tickets_, .generation = 1};
        const auto question = request.path.find('?');
        if (question != std::string::npos) {
            request.query = request.path.substr(question + 1);
            request.path.resize(question);
        }
        tell(std::make_unique<DynamicRequest>(std::move(request)), worker);
        return tickets_;
    }
    std::uint32_t send(unsigned n, std::string path,
                       DynamicRequest::Method method = DynamicRequest::Method::get,
                       std::string body = {}) {
        DynamicRequest request;
        request.method = method;
        request.client = {.address = address_of(n), .port = 1234};
        request.server = Ipv4Address{{10, 0, 0, 1}};
        request.path = std::move(path);
        request.body = std::move(body);
        return send(std::move(request), WorkerId{1});
    }
    Said ask(unsigned n, std::string path,
             DynamicRequest::Method method = DynamicRequest::Method::get, std::string body = {}) {
        const auto ticket = send(n, std::move(path), method, std::move(body));
        step();
        return replies.at(ticket);
    }
    Said api(DynamicRequest::Method method, std::string path, std::string body = {},
             std::string authorization = {}) {
        DynamicRequest request;
        request.method = method;
        request.path = std::move(path);
        request.body = std::move(body);
        request.authorization = std::move(authorization);
        const auto ticket = send(std::move(request), admin_worker);
        step();
        return replies.at(ticket);
    }
    Said get(std::string path) { return api(DynamicRequest::Method::get, std::move(path)); }
    Said post(std::string path) { return api(DynamicRequest::Method::post, std::move(path)); }
    Said put(std::string path, const Json& body) {
        return api(DynamicRequest::Method::put, std::move(path), body.dump());
    }

    [[nodiscard]] const NodeRecord& node(std::string_view name) const {
        const NodeRecord* const found = control->ledger().nodes().find(name);
        if (found == nullptr) {
            throw std::runtime_error{"no node " + std::string{name}};
        }
        return *found;
    }
    [[nodiscard]] InstallState state(std::string_view name) const {
        return node(name).install.state;
    }
    [[nodiscard]] std::string token(std::string_view name) const {
        return to_text(node(name).install.token);
    }
    [[nodiscard]] std::size_t logged(EventKind kind) const {
        return static_cast<std::size_t>(std::count_if(
            log.begin(), log.end(), [kind](const Event& event) { return event.kind == kind; }));
    }

    /// r1n0N from its lease to the state, as a machine would bring it there.
    void boot_to(unsigned n, InstallState wanted) {
        const std::string name = fmt::format("r1n{:02}", n);
        lease(n);
        seen(n);
        step();
        if (wanted == InstallState::booting) {
            return;
        }
        EXPECT_EQ(ask(n, "/boot/ipxe").status, 200);
        sample(n, "/files/debian12/linux", 1'000);
        step();
        if (wanted == InstallState::loading) {
            return;
        }
        EXPECT_EQ(ask(n, "/answers/" + token(name) + "/preseed.cfg").status, 200);
        if (wanted == InstallState::installing) {
            return;
        }
        EXPECT_EQ(ask(n, "/report/" + token(name) + "/started").status, 200);
        const std::string end = wanted == InstallState::installed ? "/installed" : "/failed";
        EXPECT_EQ(ask(n, "/report/" + token(name) + end).status, 200);
    }

private:
    void deliver() {
        for (auto& [worker, message] : out.messages) {
            if (auto* const reply = std::get_if<std::unique_ptr<DynamicReply>>(&message)) {
                Said said{(*reply)->status, {}, {}, (*reply)->retry_after_s};
                if ((*reply)->content) {
                    said.body = as_text((*reply)->content->bytes);
                    said.type = (*reply)->content->type;
                }
                EXPECT_TRUE(replies.emplace((*reply)->ticket.handle.slot, std::move(said)).second)
                    << "answered twice";
            } else if (const auto* const boot = std::get_if<NodeBoot>(&message)) {
                EXPECT_EQ(worker, WorkerId{0});
                boot->alias.empty() ? void(boots.insert_or_assign(boot->mac, *boot))
                                    : void(aliases.insert_or_assign(boot->alias, *boot));
            } else if (const auto* const lease = std::get_if<LeaseCommitted>(&message)) {
                leases.emplace(lease->request.slot, lease->durable);
            } else if (const auto* const shot = std::get_if<SnapshotRef>(&message)) {
                if (worker == WorkerId{0}) {
                    snapshot = *shot;
                    boots.clear();
                    aliases.clear();
                    for (const NodeBoot& known : snapshot->nodes) {
                        known.alias.empty() ? void(boots.insert_or_assign(known.mac, known))
                                            : void(aliases.insert_or_assign(known.alias, known));
                    }
                }
            }
        }
        if (out.feed) {
            feed += as_text(out.feed->bytes);
        }
        log.insert(log.end(), out.events.begin(), out.events.end());
        out.clear();
    }

    Site site_ = make_site();
    std::uint64_t random_ = 0;
    std::uint32_t tickets_ = 0;
};

} // namespace muster::test
