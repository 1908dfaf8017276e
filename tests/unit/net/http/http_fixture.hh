// SPDX-License-Identifier: Apache-2.0
// A driver, a tree of files and a control for tests of HttpServer: they perform its effects at
// once, in the order of a real driver, and write down everything that a client would see.
#pragma once

#include "net/http/http_server.hh"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace muster::test {

/// A response as a client reads it.
struct Response {
    int status = 0;
    std::string head;
    std::string body;
    std::multimap<std::string, std::string> fields; ///< names exactly as sent

    [[nodiscard]] std::string field(const std::string& name) const {
        const auto it = fields.find(name);
        return it == fields.end() ? std::string{} : it->second;
    }
    [[nodiscard]] bool has(const std::string& name) const { return fields.contains(name); }
};

/// Splits what a client received. `heads`: for each response whether it answers a HEAD.
inline std::vector<Response> read_responses(std::string_view bytes,
                                            const std::vector<bool>& heads = {}) {
    std::vector<Response> all;
    while (!bytes.empty()) {
        const auto end = bytes.find("\r\n\r\n");
        if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.1 ")) {
            ADD_FAILURE() << "no response head: " << bytes;
            return all;
        }
        Response response;
        response.head = bytes.substr(0, end + 4);
        response.status = std::stoi(std::string{bytes.substr(9, 3)});
        std::string_view lines = bytes.substr(0, end + 2);
        lines.remove_prefix(lines.find("\r\n") + 2);
        while (!lines.empty()) {
            const auto line = lines.substr(0, lines.find("\r\n"));
            const auto colon = line.find(": ");
            EXPECT_NE(colon, std::string_view::npos) << line;
            response.fields.emplace(line.substr(0, colon), line.substr(colon + 2));
            lines.remove_prefix(line.size() + 2);
        }
        bytes.remove_prefix(end + 4);
        const bool is_head = all.size() < heads.size() && heads[all.size()];
        if (response.has("Content-Length") && !is_head && response.status != 304) {
            const std::size_t size = std::stoull(response.field("Content-Length"));
            EXPECT_LE(size, bytes.size()) << response.head;
            response.body = bytes.substr(0, size);
            bytes.remove_prefix(std::min(size, bytes.size()));
        }
        all.push_back(std::move(response));
    }
    return all;
}

/// 2026-11-22 08:05:18 GMT, a Sunday.
inline constexpr UnixTime test_wall{1'795'334'718'000};

class FileContent final : public Content {
public:
    FileContent(std::string text, std::string tag, UnixTime at) : text_(std::move(text)) {
        bytes = as_bytes(text_);
        etag = std::move(tag);
        modified = at;
        type = "application/octet-stream";
    }

private:
    std::string text_;
};

/// One server with its surroundings. Effects are performed by perform(); what is held back there
/// (sends, opens, replies) is released by the test.
class HttpWorld {
public:
    explicit HttpWorld(HttpRole role = HttpRole::content, HttpLimits limits = small())
        : server(limits, role) {
        now.wall = test_wall;
    }

    /// Few connections, so that constructing a server costs nothing.
    static HttpLimits small() {
        HttpLimits limits;
        limits.connections = 16;
        limits.input_blocks = 4;
        return limits;
    }

    StreamId open(std::uint32_t slot = 0) {
        const StreamId stream{slot, next_generation};
        next_generation += 2;
        server.on_stream_open(stream, client, local, now, out);
        perform();
        return stream;
    }
    void data(StreamId stream, std::string_view bytes) {
        server.on_stream_data(stream, as_bytes(bytes), now, out);
        perform();
    }
    /// A fresh connection sends `bytes`; returns all that came back.
    std::string exchange(std::string_view bytes) {
        const StreamId stream = open();
        data(stream, bytes);
        std::string back = received[stream.slot];
        hang_up(stream);
        return back;
    }
    Response get(std::string_view bytes) {
        const bool is_head = bytes.starts_with("HEAD");
        const auto all = read_responses(exchange(bytes), {is_head});
        EXPECT_EQ(all.size(), 1U) << bytes;
        return all.empty() ? Response{} : all.front();
    }
    void hang_up(StreamId stream) {
        server.on_stream_closed(stream, now, out);
        perform();
        received.erase(stream.slot);
        shut.erase(stream.slot);
    }
    void pass(Duration time) {
        now.steady = now.steady + time;
        now.wall = now.wall + time;
        server.expire(now, out);
        perform();
    }
    /// Lets time pass in the steps that the server asks for, as a driver does.
    void run_until(Instant end) {
        while (server.next_deadline() <= end) {
            const Instant next = std::max(server.next_deadline(), now.steady + 1ms);
            pass(next - now.steady);
        }
        pass(end - now.steady);
    }

    /// Performs effects until there are none, as far as they are not held back.
    void perform() {
        while (!out.empty()) {
            Outbox batch;
            batch.control_room = out.control_room;
            std::swap(batch, out);
            for (const StreamOrder& order : batch.stream_orders) {
                orders.push_back(order);
            }
            for (const StreamSend& send : batch.stream_sends) {
                take_send(send, batch);
            }
            for (OpenRequest& request : batch.opens) {
                opened.push_back(request);
                if (!hold_opens) {
                    answer_open(request);
                }
            }
            for (const auto& access : batch.accesses) {
                accesses.push_back(*access);
            }
            for (WorkerMessage& message : batch.messages) {
                take_message(message);
            }
        }
    }
    void answer_open(const OpenRequest& request) {
        if (open_error) {
            server.on_content(request.ticket, std::unexpected(*open_error), now, out);
            return;
        }
        const std::string root = request.root == ContentRoot::files ? "files:" : "loaders:";
        const auto it = files.find(root + request.path);
        server.on_content(request.ticket,
                          it == files.end()
                              ? Result<ContentRef, OpenError>{std::unexpected(OpenError::not_found)}
                              : it->second,
                          now, out);
    }
    /// Finishes the send of a stream that hold_sends kept.
    void finish_send(StreamId stream) {
        server.on_stream_sent(stream, now, out);
        perform();
    }
    void reply(const DynamicRequest& request, std::uint16_t status, ContentRef content,
               std::uint32_t retry_after_s = 0) {
        server.on_reply({request.ticket, status, std::move(content), retry_after_s}, now, out);
        perform();
    }
    void add_file(const std::string& name, std::string text, std::string tag = "\"v1\"",
                  UnixTime at = {test_wall.ms - 3'600'000}) {
        files[name] = std::make_shared<FileContent>(std::move(text), std::move(tag), at);
    }
    [[nodiscard]] std::size_t orders_of(StreamOrder::Kind kind) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(orders, [kind](const auto& o) { return o.kind == kind; }));
    }

    Now now;
    Endpoint client{Ipv4Address{{10, 79, 0, 187}}, 40'000};
    Endpoint local{Ipv4Address{{10, 79, 0, 1}}, 80};
    Outbox out;
    HttpServer server;
    std::uint32_t next_generation = 1;

    bool hold_sends = false;
    bool hold_opens = false;
    bool hold_replies = false;
    std::optional<OpenError> open_error;
    std::map<std::string, ContentRef> files;
    std::map<std::string, std::string> texts; ///< what control renders: path → text
    std::string feed_path;                    ///< whose text only begins its answer

    std::map<std::uint32_t, std::string> received; ///< by slot
    std::map<std::uint32_t, bool> shut;            ///< by slot: our side ended
    std::vector<StreamOrder> orders;
    std::vector<OpenRequest> opened;
    std::vector<StreamSend> sends;
    std::vector<TransferSample> samples;
    std::deque<DynamicRequest> asked;
    std::vector<AccessRecord> accesses;

private:
    void take_send(const StreamSend& send, const Outbox& batch) {
        sends.push_back(send);
        std::string& to = received[send.stream.slot];
        to += as_text(batch.head(send));
        if (send.content) {
            to += as_text(send.content->bytes.subspan(send.offset, send.size));
        } else {
            EXPECT_EQ(send.size, 0U);
        }
        shut[send.stream.slot] = send.close_after;
        if (!hold_sends) {
            server.on_stream_sent(send.stream, now, out);
        }
    }
    void take_message(WorkerMessage& message) {
        if (auto* sample = std::get_if<std::unique_ptr<TransferSample>>(&message)) {
            samples.push_back(**sample);
        } else if (auto* request = std::get_if<std::unique_ptr<DynamicRequest>>(&message)) {
            asked.push_back(std::move(**request));
            if (!hold_replies) {
                const DynamicRequest& last = asked.back();
                const auto text = texts.find(last.path);
                const bool known = text != texts.end();
                server.on_reply(
                    {last.ticket, known ? std::uint16_t{200} : std::uint16_t{404},
                     known ? std::make_shared<TextContent>(text->second, "text/plain") : nullptr, 0,
                     last.path == feed_path},
                    now, out);
            }
        } else {
            ADD_FAILURE() << "the HTTP server says nothing else";
        }
    }
};

} // namespace muster::test
