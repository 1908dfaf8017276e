// SPDX-License-Identifier: Apache-2.0
// What listeners of the admin API are told, and that those who come back miss nothing.
#include "core/control/event_feed.hh"

#include "tests/unit/core/control/control_fixture.hh"

namespace muster::test {
namespace {

struct Sent {
    std::string id;
    std::string kind;
    Json data;
};

std::vector<Sent> read_stream(std::string_view text) {
    std::vector<Sent> all;
    while (!text.empty()) {
        const auto end = text.find("\n\n");
        std::string_view block = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
        Sent sent;
        while (!block.empty()) {
            const std::string_view line = block.substr(0, block.find('\n'));
            block.remove_prefix(std::min(block.size(), line.size() + 1));
            if (line.starts_with("id: ")) {
                sent.id = line.substr(4);
            } else if (line.starts_with("event: ")) {
                sent.kind = line.substr(7);
            } else if (line.starts_with("data: ")) {
                sent.data = Json::parse(line.substr(6));
            }
        }
        if (!sent.kind.empty()) {
            all.push_back(std::move(sent));
        }
    }
    return all;
}

class EventFeedTest : public ControlTest {
protected:
    std::vector<Sent> listen(const std::string& last_event_id = {}) {
        DynamicRequest request;
        request.path = "/api/v1/events";
        request.accepts_events = true;
        request.last_event_id = last_event_id;
        const auto ticket = send(std::move(request), admin_worker);
        step();
        const Said said = replies.at(ticket);
        EXPECT_EQ(said.type, "text/event-stream");
        control->set_listeners(++listeners_, now);
        return read_stream(said.body);
    }
    void leave() { control->set_listeners(--listeners_, now); }
    /// What all listeners got since the last call, after the feed's next turn.
    std::vector<Sent> heard() {
        wait(EventFeed::interval);
        return read_stream(std::exchange(feed, {}));
    }
    [[nodiscard]] static std::vector<Sent> of(const std::vector<Sent>& all, std::string_view kind) {
        std::vector<Sent> some;
        for (const Sent& one : all) {
            if (one.kind == kind) {
                some.push_back(one);
            }
        }
        return some;
    }

private:
    std::size_t listeners_ = 0;
};

TEST_F(EventFeedTest, NobodyListensAndNothingIsDue) {
    boot_to(1, InstallState::loading);
    EXPECT_EQ(feed, "");
    EXPECT_GT(control->next_deadline(), now.steady + 1s) << "no wake-ups for nobody";
}

TEST_F(EventFeedTest, AFirstVisitIsToldToAskForTheListsAndGetsAllThatComes) {
    const auto opening = listen();
    ASSERT_EQ(of(opening, "reset").size(), 1U);
    EXPECT_EQ(of(opening, "tick").size(), 1U);
    boot_to(1, InstallState::booting);
    const auto got = heard();
    const auto changes = of(got, "state-changed");
    ASSERT_FALSE(changes.empty());
    EXPECT_EQ(changes.back().data["node"], "r1n01");
    EXPECT_EQ(changes.back().id, std::to_string(control->ledger().events().back().id));
    const auto nodes = of(got, "nodes");
    ASSERT_EQ(nodes.size(), 1U);
    ASSERT_EQ(nodes[0].data["nodes"].size(), 1U);
    EXPECT_EQ(nodes[0].data["nodes"][0]["state"], "booting");
    EXPECT_EQ(nodes[0].data["nodes"][0]["revision"], node("r1n01").revision);
}

TEST_F(EventFeedTest, ProgressIsToldThoughItIsNoEvent) {
    boot_to(1, InstallState::loading);
    (void)listen();
    sample(1, "/files/debian12/linux", 500);
    const auto nodes = of(heard(), "nodes");
    ASSERT_EQ(nodes.size(), 1U);
    EXPECT_EQ(nodes[0].data["nodes"][0]["bytes_served"], node("r1n01").bytes_served);
}

TEST_F(EventFeedTest, ATickASecondCountsTheNodesByState) {
    (void)listen();
    boot_to(1, InstallState::installed);
    wait(1s);
    const auto ticks = of(heard(), "tick");
    ASSERT_FALSE(ticks.empty());
    EXPECT_EQ(ticks.back().data["states"]["installed"], 1);
    std::uint32_t sum = 0;
    for (const auto& [state, count] : ticks.back().data["states"].items()) {
        sum += count.get<std::uint32_t>();
    }
    EXPECT_EQ(sum, control->ledger().nodes().size());
}

TEST_F(EventFeedTest, WhoComesBackGetsWhatItMissedAndWhatThatChanged) {
    (void)listen();
    boot_to(1, InstallState::booting);
    const auto before = heard();
    const std::string last = of(before, "state-changed").back().id;
    leave();
    boot_to(1, InstallState::loading);
    ASSERT_EQ(
        put("/api/v1/nodes/gone", {{"mac", {"52:54:00:00:00:99"}}, {"profile", "debian12"}}).status,
        201);
    ASSERT_EQ(api(DynamicRequest::Method::del, "/api/v1/nodes/gone").status, 200);
    const auto opening = listen(last);
    EXPECT_TRUE(of(opening, "reset").empty());
    std::vector<std::uint64_t> missed;
    for (const Sent& one : opening) {
        if (!one.id.empty()) {
            missed.push_back(std::stoull(one.id));
        }
    }
    std::vector<std::uint64_t> wanted;
    for (const Event& event : control->ledger().events()) {
        if (event.id > std::stoull(last)) {
            wanted.push_back(event.id);
        }
    }
    EXPECT_EQ(missed, wanted) << "each once, in order";
    const auto nodes = of(opening, "nodes");
    ASSERT_EQ(nodes.size(), 1U);
    ASSERT_EQ(nodes[0].data["nodes"].size(), 1U);
    EXPECT_EQ(nodes[0].data["nodes"][0]["state"], "loading");
    EXPECT_EQ(nodes[0].data["removed"], Json::array({"gone"}));
}

TEST_F(EventFeedTest, BesideAnotherListenerNothingComesTwice) {
    (void)listen();
    const std::string last = std::to_string(control->ledger().events().back().id);
    boot_to(1, InstallState::booting); // waits for the feed's next turn
    const auto opening = listen(last);
    EXPECT_TRUE(of(opening, "state-changed").empty()) << "it comes with the next turn, to both";
    EXPECT_FALSE(of(heard(), "state-changed").empty());
}

TEST_F(EventFeedTest, AnIdThatIsNotKnownIsAReset) {
    EXPECT_EQ(of(listen("999999"), "reset").size(), 1U);
    EXPECT_EQ(of(listen("nonsense"), "reset").size(), 1U);
}

TEST_F(EventFeedTest, HistoryAndWaitsTellOfTheStorm) {
    boot_to(1, InstallState::installed);
    const Json history = get("/api/v1/history").json();
    ASSERT_FALSE(history["samples"].empty());
    EXPECT_EQ(history["samples"].back().size(), history["columns"].size());
    EXPECT_EQ(history["columns"][0], "time");
    const Json waits = get("/api/v1/waits").json();
    EXPECT_TRUE(waits["causes"].contains("governor"));
    EXPECT_EQ(get("/api/v1/nodes?view=brief").json()["nodes"][0]["name"], "r1n01");
    EXPECT_EQ(get("/api/v1/nodes?view=full").status, 400);
}

} // namespace
} // namespace muster::test
