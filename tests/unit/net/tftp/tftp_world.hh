// SPDX-License-Identifier: Apache-2.0
// A TftpServer with what surrounds it in production, reduced to values: files that open at once,
// a control that keeps what it is told, a clock that is set, and packets as they would be on the
// wire (DATA blocks cut out of their content).
#pragma once

#include "net/tftp/tftp_server.hh"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace muster::test {

/// Content whose bytes belong to somebody else.
class FakeContent final : public Content {
public:
    explicit FakeContent(Bytes range) { bytes = range; }
};

inline ContentRef text_content(std::string text) {
    return std::make_shared<TextContent>(std::move(text), "text/plain");
}

/// A content whose every byte depends on where it is, so that a misplaced block shows.
inline std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>((i * 2654435761U) >> 13U);
    }
    return text;
}

/// One datagram of the server, as on the wire.
struct Sent {
    Endpoint to;
    IpAddress from;
    UdpService service{};
    std::uint8_t socket = 0;
    std::uint32_t interface = 0;
    std::string bytes;

    [[nodiscard]] Bytes packet() const { return as_bytes(bytes); }
    [[nodiscard]] TftpOpcode opcode() const { return read_tftp_opcode(packet()).value(); }
    [[nodiscard]] std::uint16_t block() const { return read_tftp_data(packet()).value().block; }
    [[nodiscard]] TftpError error() const { return read_tftp_error(packet()).value(); }
    [[nodiscard]] TftpOptions oack() const { return read_tftp_oack(packet()).value(); }
};

inline constexpr Ipv4Address server_address{{10, 79, 0, 1}};

inline Endpoint client(std::uint16_t port, std::uint8_t host = 187) {
    return {Ipv4Address{{10, 79, 0, host}}, port};
}

inline std::string rrq(std::string_view name, const TftpOptions& options = {},
                       TftpMode mode = TftpMode::octet, TftpOpcode opcode = TftpOpcode::rrq) {
    std::array<std::byte, 2048> buffer{};
    ByteWriter writer{buffer};
    EXPECT_TRUE(write_tftp_request(
        writer, {.opcode = opcode, .name = name, .mode = mode, .options = options}));
    return std::string{as_text(writer.written())};
}
inline std::string ack(std::uint64_t block) {
    std::array<std::byte, 4> buffer{};
    ByteWriter writer{buffer};
    write_tftp_ack(writer, static_cast<std::uint16_t>(block));
    return std::string{as_text(writer.written())};
}
inline std::string error(unsigned code, std::string_view text) {
    std::array<std::byte, 600> buffer{};
    ByteWriter writer{buffer};
    write_tftp_error(writer, {static_cast<TftpErrorCode>(code), text});
    return std::string{as_text(writer.written())};
}

class TftpWorld {
public:
    explicit TftpWorld(const TftpLimits& limits = {}) : server(limits), limits_(limits) {}

    /// What opens, by the path of the OpenRequest with its root: `files/x`, `loaders/y`.
    std::map<std::string, ContentRef> files;
    bool answer_opens = true;
    std::vector<OpenRequest> opens;                        ///< unanswered, if answer_opens is off
    std::vector<std::unique_ptr<DynamicRequest>> dynamics; ///< told to control
    std::vector<TransferSample> samples;
    std::vector<std::unique_ptr<HandedDatagram>> handed; ///< for another worker
    std::size_t control_room = SIZE_MAX;

    TftpServer server;

    void at(Duration when) { now_.steady = Instant{} + when; }
    void pass(Duration d) { now_.steady = now_.steady + d; }
    [[nodiscard]] Instant now() const { return now_.steady; }

    /// To port 69.
    std::vector<Sent> request(const Endpoint& from, const std::string& packet) {
        return receive({.service = UdpService::tftp,
                        .interface = 3,
                        .source = from,
                        .local = server_address,
                        .payload = as_bytes(packet)});
    }
    /// To a transfer socket.
    std::vector<Sent> reply(const Endpoint& from, std::uint8_t socket, const std::string& packet) {
        const UdpService service =
            limits_.single_port ? UdpService::tftp : UdpService::tftp_transfer;
        return receive({.service = service,
                        .socket = socket,
                        .interface = 3,
                        .source = from,
                        .local = server_address,
                        .payload = as_bytes(packet)});
    }
    std::vector<Sent> receive(const RxDatagram& datagram) {
        out_.control_room = control_room;
        server.receive(datagram, now_, out_);
        return drain();
    }
    std::vector<Sent> content(const Ticket& ticket, const ContentRef& content) {
        server.on_content(ticket, content, now_, out_);
        return drain();
    }
    std::vector<Sent> no_content(const Ticket& ticket, OpenError why) {
        refuse(ticket, why);
        return drain();
    }
    std::vector<Sent> dynamic_reply(const DynamicReply& reply) {
        server.on_reply(reply, now_, out_);
        return drain();
    }
    std::vector<Sent> expire() {
        out_.control_room = control_room;
        server.expire(now_, out_);
        return drain();
    }
    /// Lets time pass to the next deadline that makes the server send something or end.
    std::vector<Sent> run_to_timer() {
        const std::uint64_t sessions = server.metrics().sessions.read();
        for (;;) {
            const Instant next = server.next_deadline();
            if (next == Instant::never()) {
                return {};
            }
            now_.steady = std::max(now_.steady, next);
            auto sent = expire();
            if (!sent.empty() || server.metrics().sessions.read() != sessions) {
                return sent;
            }
        }
    }
    [[nodiscard]] std::uint64_t refused(TftpRefusal refusal) const {
        return server.metrics().refused(refusal);
    }
    [[nodiscard]] std::uint64_t ended(TftpEnd end) const { return server.metrics().ended(end); }

    /// The promises of TftpMetrics.
    void check_accounting() const {
        const TftpMetrics& m = server.metrics();
        std::uint64_t refusals = 0;
        for (std::size_t i = 0; i < tftp_refusal_count; ++i) {
            refusals += concerns_content(static_cast<TftpRefusal>(i)) ? 0 : m.refusals[i].read();
        }
        EXPECT_EQ(m.received.read(), m.requests.read() + m.repeated_requests.read() +
                                         m.handed_on.read() + m.acks.read() +
                                         m.client_errors.read() + refusals);
        std::uint64_t ends = 0;
        for (const Counter& end : m.ends) {
            ends += end.read();
        }
        EXPECT_EQ(m.requests.read(), m.sessions.read() + ends);
    }

private:
    // Not inlined: GCC 12 with sanitizers else takes the value of the error for uninitialized.
    [[gnu::noinline]] void refuse(const Ticket& ticket, OpenError why) {
        server.on_content(ticket, std::unexpected(why), now_, out_);
    }
    std::vector<Sent> drain() {
        for (bool answered = true; answered;) {
            answered = false;
            auto asked = std::move(out_.opens);
            out_.opens.clear();
            for (OpenRequest& open : asked) {
                if (!answer_opens) {
                    opens.push_back(std::move(open));
                    continue;
                }
                const auto it = files.find(
                    (open.root == ContentRoot::files ? "files/" : "loaders/") + open.path);
                if (it == files.end()) {
                    refuse(open.ticket, OpenError::not_found);
                } else {
                    server.on_content(open.ticket, it->second, now_, out_);
                }
                answered = true;
            }
        }
        std::vector<Sent> sent;
        for (const TxDatagram& tx : out_.datagrams) {
            EXPECT_FALSE(tx.link);
            sent.push_back({tx.destination, tx.source, tx.service, tx.socket, tx.interface,
                            std::string{as_text(out_.payload(tx))}});
        }
        for (const TxBlocks& tx : out_.blocks) {
            add_blocks(tx, sent);
        }
        for (WorkerMessage& message : out_.messages) {
            if (auto* dynamic = std::get_if<std::unique_ptr<DynamicRequest>>(&message)) {
                dynamics.push_back(std::move(*dynamic));
            } else if (auto* other = std::get_if<std::unique_ptr<HandedDatagram>>(&message)) {
                handed.push_back(std::move(*other));
            } else {
                samples.push_back(*std::get<std::unique_ptr<TransferSample>>(message));
            }
        }
        out_.clear();
        check_accounting();
        return sent;
    }

    static void add_blocks(const TxBlocks& tx, std::vector<Sent>& sent) {
        const Bytes bytes = tx.content ? tx.content->bytes : Bytes{};
        for (std::uint64_t block = tx.first_block; block < tx.first_block + tx.count; ++block) {
            const std::uint64_t offset = (block - 1) * tx.blksize;
            ASSERT_LE(offset, bytes.size()) << "a block past the end";
            const Bytes payload =
                bytes.subspan(offset, std::min<std::size_t>(tx.blksize, bytes.size() - offset));
            std::vector<std::byte> buffer(payload.size() + tftp_header_size);
            ByteWriter writer{buffer};
            write_tftp_data(writer,
                            {.block = static_cast<std::uint16_t>(block), .payload = payload});
            sent.push_back({tx.destination, tx.source, tx.service, tx.socket, tx.interface,
                            std::string{as_text(writer.written())}});
        }
    }

    TftpLimits limits_;
    Now now_;
    Outbox out_;
};

} // namespace muster::test
