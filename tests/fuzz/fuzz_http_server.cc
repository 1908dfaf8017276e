// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the whole HTTP server, driven by a script of facts.
//
// Input:  the first byte is the role; then steps, each an opcode (modulo 11), a slot (modulo 4)
//         and what the step needs. Steps that a driver could not make (data while paused, an
//         answer nobody waits for) are left out, except that tickets may be stale.
// Checks: one StreamSend at a time on a stream; it stays inside what of its content has arrived;
//         every head begins
//         with the status line, or with the boundary of a part; every answer leaves one record for
//         the log; orders and sends name streams that are open; at the end all is
//         released: connections, timers, input.
#include "net/http/http_server.hh"

#include <array>
#include <deque>
#include <optional>
#include <string>

namespace muster {
namespace {

/// Takes bytes off the script; zeros when it is over.
class Script {
public:
    explicit Script(Bytes bytes) : rest_(bytes) {}
    [[nodiscard]] bool over() const { return rest_.empty(); }
    std::uint8_t byte() {
        if (rest_.empty()) {
            return 0;
        }
        const auto value = std::to_integer<std::uint8_t>(rest_.front());
        rest_ = rest_.subspan(1);
        return value;
    }
    Bytes bytes(std::size_t size) {
        const Bytes taken = rest_.first(std::min(size, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

private:
    Bytes rest_;
};

/// Bytes that come while they are asked for.
class ArrivingContent final : public Content {
public:
    explicit ArrivingContent(std::string text) : text_(std::move(text)) {
        bytes = as_bytes(text_);
        etag = "\"v2\"";
        checked = {784'111'777'000};
    }
    [[nodiscard]] std::uint64_t arrived() const noexcept override { return there; }
    [[nodiscard]] bool ended() const noexcept override { return over; }

    std::uint64_t there = 0;
    bool over = false;

private:
    std::string text_;
};

class Driver {
public:
    Driver(HttpRole role, Bytes script) : script_(script), server_(limits(), role) {
        auto file = std::make_shared<TextContent>(std::string(3000, 'f'), "text/plain");
        file->etag = "\"v1\"";
        file->modified = {784'111'777'000};
        file_ = std::move(file);
        text_ = std::make_shared<TextContent>("text\n", "text/plain");
        auto site = std::make_shared<Snapshot>();
        site->mirrors.push_back(
            {.path = "/m", .upstream = "http://h", .revalidate = 1min, .ca = {}});
        server_.on_snapshot(std::move(site));
    }

    void run() {
        while (!script_.over()) {
            step();
            perform();
        }
        for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
            if (slots_[slot].open) {
                server_.on_stream_closed(id(slot), now_, out_);
                slots_[slot].open = false;
                perform();
            }
        }
        MUSTER_CHECK(server_.metrics().connections.read() == 0);
        // Answers to what was no request leave none, requests without an answer leave one.
        MUSTER_CHECK(records_ == requests());
        MUSTER_CHECK(server_.next_deadline() == Instant::never());
    }

private:
    struct Slot {
        std::uint32_t generation = 1;
        bool open = false;
        bool paused = false;
        bool ended = false;            ///< the peer sends no more
        bool closing = false;          ///< the server ordered to close
        std::optional<StreamSend> out; ///< its sizes; what is being sent
    };

    static HttpLimits limits() {
        HttpLimits limits;
        limits.connections = 4;
        limits.input_blocks = 2;
        limits.receive_bytes_max = 256;
        limits.head = {.line_bytes_max = 200, .head_bytes_max = 600, .fields_max = 8};
        limits.body_bytes_max = 300;
        limits.admin_body_bytes_max = 500;
        limits.bodies_bytes_max = 600;
        limits.access_log = true;
        return limits;
    }
    [[nodiscard]] StreamId id(std::uint32_t slot) const { return {slot, slots_[slot].generation}; }

    void step() {
        const unsigned opcode = script_.byte() % 11U;
        const std::uint32_t slot = script_.byte() % 4U;
        Slot& s = slots_[slot];
        switch (opcode) {
        case 0:
            if (!s.open) {
                s = {.generation = s.generation + 2, .open = true, .out = {}};
                server_.on_stream_open(id(slot), {Ipv4Address{{10, 0, 0, 2}}, 1}, {}, now_, out_);
            }
            break;
        case 1:
        case 2: {
            const Bytes bytes = script_.bytes(script_.byte());
            if (s.open && !s.paused && !s.ended && !bytes.empty()) {
                server_.on_stream_data(id(slot), bytes, now_, out_);
            }
            break;
        }
        case 3:
            pass(script_.byte());
            break;
        case 4:
            if (s.out) {
                s.out.reset();
                server_.on_stream_sent(id(slot), now_, out_);
            }
            break;
        case 5:
            if (s.out) {
                server_.on_stream_progress(id(slot), script_.byte() * 16U, now_, out_);
            }
            break;
        case 6:
            if (s.open) {
                s.open = false;
                s.out.reset();
                server_.on_stream_closed(id(slot), now_, out_);
            }
            break;
        case 7:
            answer_open(script_.byte());
            break;
        case 8:
            answer_request(script_.byte());
            break;
        case 9:
            if (s.open && !s.ended && !s.closing) {
                s.ended = true;
                server_.on_stream_end(id(slot), now_, out_);
            }
            break;
        default: {
            const std::uint8_t how = script_.byte();
            room_ = how % 3U;
            if (how >= 64) {
                grow(how);
            }
            break;
        }
        }
    }
    /// Heads that were read, by the server's own count.
    [[nodiscard]] std::size_t requests() const {
        std::size_t count = 0;
        for (const Counter& method : server_.metrics().requests) {
            count += method.read();
        }
        MUSTER_CHECK(answers_ <= count + server_.metrics().connections_opened.read());
        return count;
    }
    void pass(std::uint8_t how_long) {
        constexpr std::array<Duration, 8> steps{1ms, 5ms, 100ms, 1s, 4s, 10s, 60s, 120s};
        now_.steady = now_.steady + steps[how_long % steps.size()];
        now_.wall = now_.wall + steps[how_long % steps.size()];
        server_.expire(now_, out_);
        MUSTER_CHECK(server_.next_deadline() > now_.steady);
    }
    /// More arrives, or no more ever.
    void grow(std::uint8_t how) {
        arriving_->there =
            std::min<std::uint64_t>(arriving_->bytes.size(), arriving_->there + how * 8U);
        arriving_->over = how >= 224 || arriving_->there == arriving_->bytes.size();
        server_.on_content_grown(now_, out_);
        if (arriving_->over) {
            arriving_ = std::make_shared<ArrivingContent>(std::string(3000, 'a'));
        }
    }
    void answer_open(std::uint8_t how) {
        if (opens_.empty()) {
            return;
        }
        const Ticket ticket = opens_.front();
        if (how % 8 != 7) { // else it is answered again later: a stale ticket
            opens_.pop_front();
        }
        Result<ContentRef, OpenError> content{file_};
        if (how % 4 == 3) {
            content = std::unexpected(static_cast<OpenError>(how / 4 % 5));
        } else if (how % 4 == 2) {
            content = arriving_;
        }
        server_.on_content(ticket, std::move(content), now_, out_);
    }
    void answer_request(std::uint8_t how) {
        if (asked_.empty()) {
            return;
        }
        const Ticket ticket = asked_.front();
        if (how % 8 != 7) {
            asked_.pop_front();
        }
        constexpr std::array<std::uint16_t, 8> statuses{200, 200, 204, 404, 503, 0, 100, 599};
        server_.on_reply({ticket, statuses[how % 8], how % 3 == 0 ? nullptr : text_, how % 2U},
                         now_, out_);
    }

    void perform() {
        for (const StreamOrder& order : out_.stream_orders) {
            Slot& s = slots_[order.stream.slot];
            MUSTER_CHECK(s.open && s.generation == order.stream.generation && !s.closing);
            switch (order.kind) {
            case StreamOrder::Kind::pause:
                MUSTER_CHECK(!s.paused);
                s.paused = true;
                break;
            case StreamOrder::Kind::resume:
                MUSTER_CHECK(s.paused);
                s.paused = false;
                break;
            case StreamOrder::Kind::close:
                s.closing = true;
                s.out.reset();
                break;
            }
        }
        for (const StreamSend& send : out_.stream_sends) {
            Slot& s = slots_[send.stream.slot];
            MUSTER_CHECK(s.open && s.generation == send.stream.generation && !s.out);
            const std::string_view head = as_text(out_.head(send));
            MUSTER_CHECK(head.starts_with("HTTP/1.1 ") || head.starts_with("\r\n--muster_") ||
                         (head.empty() && send.size > 0));
            answers_ += head.starts_with("HTTP/1.1 ") && !head.starts_with("HTTP/1.1 100 ");
            MUSTER_CHECK((send.content == nullptr) == (send.size == 0));
            MUSTER_CHECK(!send.content || send.offset + send.size <= send.content->arrived());
            s.out = send;
        }
        records_ += out_.accesses.size();
        for (const OpenRequest& request : out_.opens) {
            opens_.push_back(request.ticket);
        }
        MUSTER_CHECK(out_.messages.size() <= out_.control_room);
        for (WorkerMessage& message : out_.messages) {
            if (auto* request = std::get_if<std::unique_ptr<DynamicRequest>>(&message)) {
                asked_.push_back((*request)->ticket);
            }
        }
        out_.clear();
        out_.control_room = room_;
    }

    Script script_;
    HttpServer server_;
    Outbox out_;
    Now now_{.steady = {}, .wall = {1'795'334'718'000}};
    std::size_t room_ = 2;
    std::size_t answers_ = 0;
    std::size_t records_ = 0;
    std::array<Slot, 4> slots_{};
    std::deque<Ticket> opens_;
    std::deque<Ticket> asked_;
    ContentRef file_;
    ContentRef text_;
    std::shared_ptr<ArrivingContent> arriving_ =
        std::make_shared<ArrivingContent>(std::string(3000, 'a'));
};

} // namespace
} // namespace muster

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 0) {
        const muster::Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
        const auto role = data[0] % 2 == 0 ? muster::HttpRole::content : muster::HttpRole::admin;
        muster::Driver{role, bytes.subspan(1)}.run();
    }
    return 0;
}
