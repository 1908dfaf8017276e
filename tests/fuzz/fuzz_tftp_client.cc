// SPDX-License-Identifier: Apache-2.0
// A TFTP fetch against whatever a server may send.
//
// Input:  the first byte chooses the client's model; then steps, each an opcode (modulo 8) and what
//         it needs: packets near what is expected, arbitrary packets, to the port or to a group,
//         and time.
// Checks: no packet is answered by more than two; what runs has a deadline, what does not has none;
//         a group that was joined is left; left alone, the fetch ends.
#include "core/base/byte_writer.hh"
#include "core/base/check.hh"
#include "net/client/client_fleet.hh"
#include "net/client/tftp_client.hh"

#include <algorithm>
#include <array>
#include <string>

namespace {

using namespace muster;

constexpr std::size_t steps_max = 2000;
constexpr std::size_t keep_max = 40;
constexpr Ipv4Address machine{{10, 0, 0, 2}};
constexpr Endpoint server{Ipv4Address{{10, 0, 0, 1}}, 69};
constexpr Endpoint transfer{server.address, 4000};
constexpr Endpoint group{Ipv4Address{{239, 0, 0, 1}}, 1758};
constexpr std::array<Duration, 2> waits{250ms, 1s};
constexpr std::array models{
    TftpClientModel{.blksize = 16, .request_waits = waits, .data_waits = waits},
    TftpClientModel{.blksize = 8,
                    .windowsize = 4,
                    .tsize = false,
                    .option_order = "bw",
                    .request_waits = waits,
                    .data_waits = waits},
    TftpClientModel{
        .blksize = 16, .windowsize = 2, .probe = true, .option_order = "tbw", .data_waits = waits},
    TftpClientModel{.blksize = 8,
                    .windowsize = 2,
                    .multicast = true,
                    .option_order = "btwm",
                    .request_waits = waits,
                    .data_waits = waits},
};

class Owner final : public ClientMachine {
public:
    void start(ClientContext& /*context*/) noexcept override {}
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        client.on_datagram(datagram, context);
        context.set_timer(client.deadline());
    }
    void on_timer(ClientContext& context) noexcept override {
        client.on_timer(context);
        context.set_timer(client.deadline());
    }
    TftpClient client;
};

class Script {
public:
    Script(Bytes input, std::uint8_t how) : input_(input) {
        auto owner = std::make_unique<Owner>();
        client_ = &owner->client;
        fleet_.start(identity_, std::move(owner), now_, out_);
        for (std::size_t i = 0; i < file_.size(); ++i) {
            file_[i] = static_cast<char>('a' + i % 26);
        }
        ClientContext context{fleet_, identity_, now_, out_};
        client_->begin({.local = machine,
                        .port = 2000,
                        .server = server,
                        .name = "f",
                        .expected = (how & 4U) != 0 ? &expected_ : nullptr,
                        .keep_max = keep_max},
                       models[how % models.size()], context);
        context.set_timer(client_->deadline());
        check();
    }
    void run() {
        for (std::size_t step = 0; step < steps_max && !input_.empty(); ++step) {
            perform(next());
        }
        for (int i = 0; i < 20 && client_->busy(); ++i) {
            pass(10s);
        }
        MUSTER_CHECK(!client_->busy());
        MUSTER_CHECK(joined_ == 0);
    }

private:
    std::uint8_t next() { return input_.u8().value_or(0); }
    Bytes bytes(std::size_t size) { return *input_.take(std::min(size, input_.remaining())); }

    void receive(Bytes packet, bool to_group, std::uint8_t from = 0) {
        const Endpoint source{server.address, static_cast<std::uint16_t>(transfer.port + from)};
        fleet_.receive(0,
                       {.source = source,
                        .destination = to_group ? group : Endpoint{machine, client_->port()},
                        .payload = packet},
                       now_, out_);
        check();
    }
    /// A block near the ones that came last, right in every byte if `how` is even.
    void data(std::uint8_t delta, std::uint8_t how, bool to_group) {
        block_ = static_cast<std::uint16_t>(block_ + (delta % 8) - 3);
        const std::size_t size = how % 3 == 0 ? next() % 20U : (how % 3 == 1 ? 8U : 16U);
        const std::size_t at = std::min<std::size_t>((block_ - 1U) % 64U * size, file_.size());
        std::string text = file_.substr(at, size);
        text.resize(size, 'z');
        if (how % 2 != 0 && !text.empty()) {
            text[how % text.size()] = '!';
        }
        std::array<std::byte, 64> buffer; // NOLINT: written before it is read
        ByteWriter writer{buffer};
        write_tftp_data(writer, {.block = block_, .payload = as_bytes(text)});
        receive(writer.written(), to_group);
    }
    void oack(std::uint8_t how) {
        TftpOptions options;
        if ((how & 1U) != 0) {
            options.blksize = static_cast<std::uint16_t>(8 + next() % 10U);
        }
        if ((how & 2U) != 0) {
            options.windowsize = static_cast<std::uint16_t>(1 + next() % 5U);
        }
        if ((how & 4U) != 0) {
            options.tsize = next();
        }
        if ((how & 8U) != 0) {
            options.multicast.emplace();
            options.multicast->master = (how & 16U) != 0;
            if ((how & 32U) == 0) {
                options.multicast->address = group.address.v4();
                options.multicast->port = group.port;
            }
        }
        std::array<std::byte, 128> buffer; // NOLINT: written before it is read
        ByteWriter writer{buffer};
        write_tftp_oack(writer, options);
        block_ = 1;
        receive(writer.written(), false);
    }
    void perform(std::uint8_t step) {
        switch (step & 7U) {
        case 0: {
            const std::uint8_t size = next();
            receive(bytes(size), (step & 8U) != 0);
            return;
        }
        case 1:
        case 2:
        case 3: {
            const std::uint8_t delta = next();
            data(delta, next(), (step & 8U) != 0);
            return;
        }
        case 4:
            oack(next());
            return;
        case 5:
            pass(std::chrono::milliseconds{1U << (step >> 4U)});
            return;
        case 6: {
            const std::uint8_t from = next();
            const std::uint8_t size = next();
            receive(bytes(size), (step & 8U) != 0, from);
            return;
        }
        case 7:
            if (step == 0xFF) {
                ClientContext context{fleet_, identity_, now_, out_};
                client_->abort(context);
                context.set_timer(client_->deadline());
                check();
            } else {
                block_ = static_cast<std::uint16_t>(next() << 8U | next());
            }
            return;
        default:
            return;
        }
    }
    void pass(Duration time) {
        now_.steady = now_.steady + time;
        fleet_.expire(now_, out_);
        check();
    }
    void check() {
        MUSTER_CHECK(client_->busy() == (client_->deadline() != Instant::never()));
        MUSTER_CHECK(!client_->busy() || client_->deadline() > now_.steady);
        MUSTER_CHECK(out_.datagrams.size() <= 2);
        MUSTER_CHECK(client_->body().size() <= keep_max);
        MUSTER_CHECK(client_->outcome() != ClientOutcome::done || client_->why().empty());
        for (const ClientTx& tx : out_.datagrams) {
            const auto opcode = read_tftp_opcode(out_.payload(tx));
            MUSTER_CHECK(opcode == TftpOpcode::rrq || opcode == TftpOpcode::ack ||
                         opcode == TftpOpcode::error);
            MUSTER_CHECK((opcode == TftpOpcode::rrq) == (tx.destination == server));
            MUSTER_CHECK(tx.source.address == machine && tx.source.port >= 2000);
        }
        for (const ClientGroup& change : out_.groups) {
            MUSTER_CHECK(change.group == group);
            joined_ += change.join ? 1 : -1;
            MUSTER_CHECK(joined_ == 0 || joined_ == 1);
        }
        out_.clear();
    }

    ByteReader input_;
    const ClientIdentity identity_{.index = 0, .mac = {}, .uuid = {}, .address = machine};
    Now now_{};
    ClientOutbox out_;
    ClientFleet fleet_{{.machines = 1, .streams = 1}};
    TftpClient* client_ = nullptr;
    std::string file_ = std::string(100, ' ');
    Bytes expected_ = as_bytes(file_);
    std::uint16_t block_ = 1;
    int joined_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = std::as_bytes(std::span{data, size});
    if (!input.empty()) {
        Script{input.subspan(1), data[0]}.run();
    }
    return 0;
}
