// SPDX-License-Identifier: Apache-2.0
// DHCP as a load: one message, built once, of which a few fields are patched.
#include "core/base/byte_reader.hh"
#include "core/base/byte_writer.hh"
#include "core/base/prng.hh"
#include "net/client/load_machines.hh"
#include "net/wire/dhcp_message.hh"

#include <algorithm>
#include <array>
#include <cstring>

namespace muster {
namespace {

constexpr std::array<Duration, 4> load_dhcp_waits{1s, 2s, 4s, 8s};
constexpr std::uint16_t to_server_port = 67;
constexpr std::uint16_t to_client_port = 68;

// Where the fixed part has its fields (RFC 2131 section 2), and where the options that change stand
// behind it; a DISCOVER has pad options in the place of those that only a REQUEST carries.
constexpr std::size_t hops_at = 3;
constexpr std::size_t xid_at = 4;
constexpr std::size_t secs_at = 8;
constexpr std::size_t flags_at = 10;
constexpr std::size_t yiaddr_at = 16;
constexpr std::size_t giaddr_at = 24;
constexpr std::size_t load_chaddr_at = 28;
constexpr std::size_t type_at = dhcp_fixed_size + 2;
constexpr std::size_t requested_at = dhcp_fixed_size + 3;
constexpr std::size_t server_at = requested_at + 6;
constexpr std::size_t message_size_max = 400;

constexpr std::array<std::uint8_t, 4> load_cookie{99, 130, 83, 99};
/// What a machine needs to boot, and how long it may keep its address.
constexpr std::array<std::uint8_t, 9> asked_parameters{1, 3, 6, 12, 15, 51, 54, 66, 67};
constexpr std::string_view load_vendor_class = "PXEClient:Arch:00007:UNDI:003000";

using DhcpLoadMessage = std::array<std::byte, message_size_max>;

void put_option(ByteWriter& out, DhcpOptionCode code, std::string_view value) {
    out.u8(static_cast<std::uint8_t>(code));
    out.u8(static_cast<std::uint8_t>(value.size()));
    out.text(value);
}

/// A DISCOVER without anything that is a machine's own; returns its size.
std::size_t write_template(DhcpLoadMessage& message, const DhcpLoadOptions& options) {
    ByteWriter out{message};
    out.u8(dhcp_boot_request);
    out.u8(1); // htype: Ethernet
    out.u8(6); // hlen
    out.zeros(dhcp_fixed_size - load_cookie.size() - out.size());
    out.octets(load_cookie);
    out.u8(static_cast<std::uint8_t>(DhcpOptionCode::message_type));
    out.u8(1);
    out.u8(static_cast<std::uint8_t>(DhcpMessageType::discover));
    out.zeros(12); // options 50 and 54 of a REQUEST
    out.u8(static_cast<std::uint8_t>(DhcpOptionCode::parameter_request_list));
    out.u8(asked_parameters.size());
    out.octets(asked_parameters);
    if (options.pxe) {
        using namespace std::string_view_literals;
        put_option(out, DhcpOptionCode::vendor_class, load_vendor_class);
        put_option(out, DhcpOptionCode::client_architecture, "\x00\x07"sv);
        put_option(out, DhcpOptionCode::client_interface, "\x01\x03\x00"sv);
    }
    if (options.mode == DhcpLoadOptions::Mode::relay) {
        out.patch_u8(hops_at, 1); // RFC 1542 section 4.1.1
        for (std::size_t i = 0; i < options.relay.octets.size(); ++i) {
            out.patch_u8(giaddr_at + i, options.relay.octets[i]);
        }
    }
    out.patch_u16(flags_at, options.broadcast ? dhcp_broadcast_flag : 0);
    return out.size(); // what is the machine's own, the end and padding follow in start()
}

/// What an OFFER, ACK or NAK says.
struct LoadReply {
    std::uint8_t type = 0;
    std::array<std::byte, 4> server{};
    bool has_server = false;
};

LoadReply read_reply(Bytes options) noexcept {
    LoadReply reply;
    ByteReader reader{options};
    while (true) {
        const auto option = read_dhcp_option(reader);
        if (!option || !*option) {
            return reply;
        }
        const auto& [code, value] = **option;
        if (code == DhcpOptionCode::message_type && value.size() == 1) {
            reply.type = std::to_integer<std::uint8_t>(value[0]);
        } else if (code == DhcpOptionCode::server_identifier && value.size() == 4) {
            std::copy(value.begin(), value.end(), reply.server.begin());
            reply.has_server = true;
        }
    }
}

class DhcpLoadMachine final : public ClientMachine {
public:
    explicit DhcpLoadMachine(const DhcpLoadOptions& options)
        : waits_(options.waits.empty() ? load_dhcp_waits : options.waits),
          last_wait_(options.last_wait),
          source_(options.relay),
          destination_{options.server, to_server_port},
          seed_(options.seed),
          pxe_(options.pxe),
          size_(write_template(message_, options)) {
        if (options.mode == DhcpLoadOptions::Mode::broadcast) {
            source_ = {};
            destination_.address = Ipv4Address::broadcast();
        }
    }

    void start(ClientContext& context) noexcept override {
        begun_ = context.now.steady;
        const MacAddress& mac = context.identity.mac;
        std::uint64_t seed = seed_;
        for (const std::uint8_t octet : mac.octets) {
            seed = seed * 257 + octet;
        }
        const auto xid = static_cast<std::uint32_t>(Prng{seed}.next());
        std::memcpy(message_.data() + xid_at, &xid, sizeof xid);
        std::memcpy(message_.data() + load_chaddr_at, mac.octets.data(), mac.octets.size());
        ByteWriter out{MutableBytes{message_}.subspan(size_)};
        if (pxe_) {
            out.u8(static_cast<std::uint8_t>(DhcpOptionCode::client_machine));
            out.u8(17);
            out.u8(0);
            out.octets(context.identity.uuid);
        }
        out.u8(static_cast<std::uint8_t>(DhcpOptionCode::end));
        size_ = std::max(size_ + out.size(), dhcp_message_size_min); // the rest is 0, pad
        send_first(context);
    }

    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        const Bytes reply = datagram.payload;
        if (reply.size() <= dhcp_fixed_size || reply[0] != std::byte{dhcp_boot_reply} ||
            std::memcmp(reply.data() + xid_at, message_.data() + xid_at, 4) != 0 ||
            std::memcmp(reply.data() + load_chaddr_at, message_.data() + load_chaddr_at, 6) != 0 ||
            std::memcmp(reply.data() + dhcp_fixed_size - 4, load_cookie.data(), 4) != 0) {
            return;
        }
        const LoadReply said = read_reply(reply.subspan(dhcp_fixed_size));
        const auto type = static_cast<DhcpMessageType>(said.type);
        if (type == DhcpMessageType::offer && !requesting_ && said.has_server) {
            end_wait(context);
            request(reply.subspan(yiaddr_at, 4), said.server);
            send_first(context);
        } else if (type == DhcpMessageType::ack && requesting_) {
            end_wait(context);
            Ipv4Address address;
            std::memcpy(address.octets.data(), reply.data() + yiaddr_at, 4);
            context.note({.kind = ClientNote::Kind::exchange,
                          .duration = context.now.steady - begun_,
                          .address = address});
            context.finish(true);
        } else if (type == DhcpMessageType::nak && requesting_) {
            end_wait(context);
            give_up("NAK", context);
        }
    }

    void on_timer(ClientContext& context) noexcept override {
        if (context.now.steady < deadline_) {
            context.set_timer(deadline_);
            return;
        }
        if (repeats_ >= waits_.size()) {
            context.waited(ClientWait::dhcp_no_answer, context.now.steady - asked_at_);
            give_up(requesting_ ? "no answer to REQUEST" : "no answer to DISCOVER", context);
            return;
        }
        ++repeats_;
        context.retransmitted();
        send(context);
    }

private:
    void request(Bytes address, std::span<const std::byte> server) noexcept {
        requesting_ = true;
        message_[type_at] = static_cast<std::byte>(DhcpMessageType::request);
        const auto put = [&](std::size_t at, DhcpOptionCode code,
                             std::span<const std::byte> value) {
            message_[at] = static_cast<std::byte>(code);
            message_[at + 1] = std::byte{4};
            std::copy(value.begin(), value.end(),
                      message_.begin() + static_cast<std::ptrdiff_t>(at + 2));
        };
        put(requested_at, DhcpOptionCode::requested_address, address);
        put(server_at, DhcpOptionCode::server_identifier, server);
    }
    void send_first(ClientContext& context) noexcept {
        asked_at_ = context.now.steady;
        repeats_ = 0;
        send(context);
    }
    void send(ClientContext& context) noexcept {
        const Instant now = context.now.steady;
        const auto secs = static_cast<std::uint16_t>(
            std::min<std::int64_t>((now - begun_) / std::chrono::seconds{1}, UINT16_MAX));
        message_[secs_at] = static_cast<std::byte>(secs >> 8U);
        message_[secs_at + 1] = static_cast<std::byte>(secs & 0xFFU);
        context.send_udp(source_, source_ == IpAddress{} ? to_client_port : to_server_port,
                         destination_, Bytes{message_}.first(size_));
        deadline_ = now + (repeats_ < waits_.size() ? waits_[repeats_] : last_wait_);
        context.set_timer(deadline_);
    }
    void end_wait(ClientContext& context) noexcept {
        if (repeats_ > 0) {
            context.waited(ClientWait::dhcp_no_answer, context.now.steady - asked_at_);
        }
    }
    static void give_up(const char* why, ClientContext& context) noexcept {
        context.failed(why);
        context.finish(false, why);
    }

    std::span<const Duration> waits_;
    Duration last_wait_;
    IpAddress source_;
    Endpoint destination_;
    std::uint32_t seed_;
    bool pxe_;
    bool requesting_ = false;
    std::size_t repeats_ = 0;
    Instant begun_;
    Instant asked_at_;
    Instant deadline_ = Instant::never();
    DhcpLoadMessage message_{};
    std::size_t size_;
};

} // namespace

std::unique_ptr<ClientMachine> make_dhcp_load_machine(const DhcpLoadOptions& options) {
    return std::make_unique<DhcpLoadMachine>(options);
}

} // namespace muster
