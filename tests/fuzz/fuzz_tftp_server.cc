// SPDX-License-Identifier: Apache-2.0
// The TFTP engine driven by a script that the input spells: packets from a few clients, time,
// answers of the driver and of control. After every step the accounting of TftpMetrics must hold
// and every effect must be one that a driver can perform.
#include "core/base/byte_reader.hh"
#include "core/base/check.hh"
#include "net/tftp/tftp_server.hh"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

using namespace muster;

constexpr std::size_t steps_max = 4000;

class Script {
public:
    Script(Bytes input, bool single_port)
        : input_(input), server_(limits(single_port)), single_port_(single_port) {}

    void run() {
        for (std::size_t step = 0; step < steps_max && !input_.empty(); ++step) {
            perform(next());
            check();
            out_.clear();
        }
        finish();
    }

private:
    static TftpLimits limits(bool single_port) {
        TftpLimits limits;
        limits.sessions = 3; // small, so that it is full now and then
        limits.transfer_sockets = 2;
        limits.multicast.groups = 2;
        limits.multicast.first_address = {{239, 255, 69, 0}};
        limits.single_port = single_port;
        return limits;
    }

    std::uint8_t next() { return input_.u8().value_or(0); }
    Bytes bytes(std::size_t size) { return *input_.take(std::min(size, input_.remaining())); }

    void receive(UdpService service, std::uint8_t who, Bytes packet) {
        RxDatagram datagram;
        datagram.service = service;
        datagram.socket = (who >> 4U) & 1U;
        datagram.source = {Ipv4Address{{10, 0, 0, static_cast<std::uint8_t>(1 + (who & 1U))}},
                           static_cast<std::uint16_t>(1000 + ((who >> 1U) & 3U))};
        datagram.local = Ipv4Address{{10, 0, 0, static_cast<std::uint8_t>(254 - (who >> 7U))}};
        datagram.payload = packet;
        server_.receive(datagram, now_, out_);
    }

    /// A whole request in a few bytes, so that the fuzzer need not find the words.
    void request(std::uint8_t who, std::uint8_t shape) {
        TftpRequest request;
        constexpr std::array<std::string_view, 4> names{"f", "boot/ipxe", "../f", "loaders/l"};
        request.name = names[shape & 3U];
        if ((shape & 4U) != 0) {
            request.options.tsize = 0;
        }
        if ((shape & 8U) != 0) {
            request.options.blksize = static_cast<std::uint16_t>(8 + next());
        }
        if ((shape & 16U) != 0) {
            request.options.windowsize = static_cast<std::uint16_t>(1 + next());
        }
        if ((shape & 32U) != 0) {
            request.options.timeout = static_cast<std::uint8_t>(1 + (next() & 0x7FU));
        }
        if ((shape & 64U) != 0) {
            request.options.multicast.emplace();
        }
        std::array<std::byte, 256> buffer; // NOLINT: written before it is read
        ByteWriter writer{buffer};
        MUSTER_CHECK(write_tftp_request(writer, request));
        receive(UdpService::tftp, who, writer.written());
    }

    void acknowledge(std::uint8_t who, std::uint8_t block) {
        // Around the last block that was sent, or any number.
        const auto number = block < 128 ? static_cast<std::uint16_t>(last_sent_ - 64 + block)
                                        : static_cast<std::uint16_t>(block << 8U | next());
        std::array<std::byte, 4> buffer; // NOLINT: written before it is read
        ByteWriter writer{buffer};
        write_tftp_ack(writer, number);
        receive(transfer_service(), who, writer.written());
    }

    void answer(std::uint8_t which, std::uint8_t how) {
        if (tickets_.empty()) {
            return;
        }
        const Ticket ticket = tickets_[which % tickets_.size()]; // stays: answers may come twice
        ContentRef content;
        if ((how & 1U) != 0) {
            content = std::make_shared<TextContent>(std::string(next() * 40U, 'x'), "text/plain");
        } else if ((how & 2U) != 0) {
            content = file_; // the same for all: who asks for multicast shares a group
        }
        switch (how >> 6U) {
        case 0:
            server_.on_content(ticket, content, now_, out_);
            return;
        case 1:
            server_.on_content(ticket, std::unexpected(static_cast<OpenError>(how % 3)), now_,
                               out_);
            return;
        default:
            server_.on_reply(
                {.ticket = ticket,
                 .status = static_cast<std::uint16_t>(how >= 192 ? 200 : 400 + how % 8),
                 .content = content},
                now_, out_);
        }
    }

    void perform(std::uint8_t step) {
        switch (step & 7U) {
        case 0: {
            const std::uint8_t who = next();
            receive(UdpService::tftp, who, bytes(next()));
            return;
        }
        case 1: {
            const std::uint8_t who = next();
            receive(transfer_service(), who, bytes(next()));
            return;
        }
        case 2:
        case 3: {
            const std::uint8_t who = next();
            request(who, next());
            return;
        }
        case 4:
        case 5: {
            const std::uint8_t who = next();
            acknowledge(who, next());
            return;
        }
        case 6: {
            const std::uint8_t which = next();
            answer(which, next());
            return;
        }
        case 7:
            out_.control_room = (step & 8U) != 0 ? 0 : SIZE_MAX;
            now_.steady = now_.steady + std::chrono::milliseconds{1U << (step >> 4U)};
            server_.expire(now_, out_);
            return;
        default:
            return;
        }
    }

    void check() {
        const TftpMetrics& m = server_.metrics();
        std::uint64_t refusals = 0;
        for (std::size_t i = 0; i < tftp_refusal_count; ++i) {
            refusals += concerns_content(static_cast<TftpRefusal>(i)) ? 0 : m.refusals[i].read();
        }
        MUSTER_CHECK(m.received.read() == m.requests.read() + m.repeated_requests.read() +
                                              m.handed_on.read() + m.acks.read() +
                                              m.client_errors.read() + refusals);
        std::uint64_t ends = 0;
        for (const Counter& end : m.ends) {
            ends += end.read();
        }
        MUSTER_CHECK(m.requests.read() == m.sessions.read() + ends);
        MUSTER_CHECK(m.sessions.read() <= 3);
        MUSTER_CHECK((server_.next_deadline() == Instant::never()) == (m.sessions.read() == 0));
        for (const TxDatagram& tx : out_.datagrams) {
            const auto opcode = read_tftp_opcode(out_.payload(tx));
            MUSTER_CHECK(opcode == TftpOpcode::oack || opcode == TftpOpcode::error);
            MUSTER_CHECK(tx.payload_size <= tftp_error_size_max && tx.socket < 2);
            MUSTER_CHECK(tx.service == transfer_service());
        }
        for (const TxBlocks& tx : out_.blocks) {
            const std::uint64_t size = tx.content ? tx.content->bytes.size() : 0;
            MUSTER_CHECK(tx.count > 0 && tx.first_block > 0 && tx.service == transfer_service());
            MUSTER_CHECK((tx.first_block + tx.count - 2) * tx.blksize <= size);
            last_sent_ = tx.first_block + tx.count - 1;
        }
        for (const OpenRequest& open : out_.opens) {
            remember(open.ticket);
        }
        for (const WorkerMessage& message : out_.messages) {
            if (const auto* ask = std::get_if<std::unique_ptr<DynamicRequest>>(&message)) {
                remember((*ask)->ticket);
            }
        }
    }

    void remember(const Ticket& ticket) {
        if (tickets_.size() == 8) {
            tickets_.erase(tickets_.begin());
        }
        tickets_.push_back(ticket);
    }

    /// Left alone, every transfer ends.
    void finish() {
        for (int i = 0; i < 1000 && server_.metrics().sessions.read() > 0; ++i) {
            now_.steady = std::max(now_.steady, server_.next_deadline());
            server_.expire(now_, out_);
            check();
            out_.clear();
        }
        MUSTER_CHECK(server_.metrics().sessions.read() == 0);
    }

    [[nodiscard]] UdpService transfer_service() const {
        return single_port_ ? UdpService::tftp : UdpService::tftp_transfer;
    }

    static ContentRef make_file() {
        auto file = std::make_shared<TextContent>(std::string(5000, 'f'), "text/plain");
        file->etag = "\"f\"";
        return file;
    }

    ContentRef file_ = make_file();
    ByteReader input_;
    TftpServer server_;
    bool single_port_;
    Outbox out_;
    Now now_;
    std::vector<Ticket> tickets_;
    std::uint64_t last_sent_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = std::as_bytes(std::span{data, size});
    if (!input.empty()) {
        Script{input.subspan(1), (data[0] & 1U) != 0}.run();
    }
    return 0;
}
