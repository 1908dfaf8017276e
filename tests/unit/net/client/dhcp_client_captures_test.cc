// SPDX-License-Identifier: Apache-2.0
// Each exchange that a real client made, made again by its model: the same messages, option by
// option, and at the same times, while it gets the answers that the real one got.
#include "net/client/firmware_models.hh"

#include "tests/support/dhcp_machine.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace muster::test {
namespace {

using Option = std::pair<unsigned, std::vector<std::byte>>;

struct Message {
    Duration at{};
    Endpoint source;
    Endpoint destination;
    std::vector<std::byte> payload;

    [[nodiscard]] bool from_client() const { return payload[0] == std::byte{1}; }
    [[nodiscard]] std::uint32_t number(std::size_t offset, std::size_t size) const {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < size; ++i) {
            value = (value << 8U) | std::to_integer<std::uint32_t>(payload[offset + i]);
        }
        return value;
    }
    [[nodiscard]] std::uint32_t xid() const { return number(4, 4); }
    [[nodiscard]] std::uint32_t secs() const { return number(8, 2); }
    [[nodiscard]] std::uint32_t flags() const { return number(10, 2); }
    [[nodiscard]] std::uint32_t ciaddr() const { return number(12, 4); }
    [[nodiscard]] std::string file() const {
        return std::string{as_text(Bytes{payload}.subspan(108, 128))}.c_str();
    }
    [[nodiscard]] MacAddress mac() const {
        MacAddress mac;
        for (std::size_t i = 0; i < 6; ++i) {
            mac.octets[i] = std::to_integer<std::uint8_t>(payload[28 + i]);
        }
        return mac;
    }
    [[nodiscard]] std::vector<Option> options() const {
        std::vector<Option> all;
        ByteReader reader{Bytes{payload}.subspan(dhcp_fixed_size)};
        for (;;) {
            const auto option = read_dhcp_option(reader);
            if (!option || !*option) {
                return all;
            }
            const Bytes value = (*option)->value;
            all.emplace_back(static_cast<unsigned>((*option)->code),
                             std::vector<std::byte>{value.begin(), value.end()});
        }
    }
    [[nodiscard]] std::string text(DhcpOptionCode code) const {
        for (const Option& option : options()) {
            if (option.first == static_cast<unsigned>(code)) {
                return std::string{as_text(Bytes{option.second})};
            }
        }
        return {};
    }
    [[nodiscard]] bool discover() const { return text(DhcpOptionCode::message_type) == "\x01"; }
};

/// What belongs to one exchange: from a DISCOVER of a new xid to before the next such.
using Exchange = std::vector<Message>;

std::vector<Exchange> exchanges_of(const std::string& capture) {
    std::vector<Exchange> all;
    std::uint32_t xid = 0;
    for (const UdpPacket& packet : read_udp_packets(capture_path(capture))) {
        const bool dhcp = packet.destination.port == 67 || packet.destination.port == 68 ||
                          packet.destination.port == 4011;
        if (!dhcp || packet.payload.size() <= dhcp_fixed_size || packet.frame.cut) {
            continue;
        }
        Message message{packet.frame.offset, packet.source, packet.destination, packet.payload};
        if (message.from_client() && message.discover() && (all.empty() || message.xid() != xid)) {
            xid = message.xid();
            all.emplace_back();
        }
        if (!all.empty()) {
            all.back().push_back(std::move(message));
        }
    }
    return all;
}

struct Named {
    std::string name;
    DhcpClientModel model;
};

/// The models, and the installer's under the name that these captures gave it.
std::vector<Named> models() {
    Named installer{"installer", installer_dhcp_rounds[0]};
    installer.model.vendor_class = "rb-mini";
    return {{"ipxe rom", ipxe_rom_dhcp},
            {"undionly", ipxe_undi_dhcp},
            {"ipxe efi", ipxe_efi_dhcp},
            {"ipxe snp", ipxe_snp_dhcp},
            {"edk2", edk2_dhcp},
            {"edk2 http", edk2_http_dhcp},
            {"u-boot first", u_boot_first_dhcp},
            {"u-boot", u_boot_dhcp},
            {"grub", grub_dhcp},
            installer};
}

bool is_of(const Message& discover, const DhcpClientModel& model) {
    return discover.text(DhcpOptionCode::vendor_class) == model.vendor_class &&
           discover.text(DhcpOptionCode::user_class) == model.user_class &&
           discover.text(DhcpOptionCode::ipxe).size() == model.ipxe_options.size() &&
           (discover.flags() != 0) == model.broadcast;
}

void expect_same(const Message& real, const Message& ours, const DhcpClientModel& model) {
    const auto wanted = real.options();
    const auto got = ours.options();
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(got[i].first, wanted[i].first) << "option " << i;
        EXPECT_EQ(got[i].second, wanted[i].second) << "value of option " << got[i].first;
    }
    EXPECT_EQ(ours.payload.size(), real.payload.size());
    EXPECT_EQ(ours.flags(), real.flags());
    EXPECT_EQ(ours.ciaddr(), real.ciaddr());
    EXPECT_EQ(ours.file(), real.file());
    EXPECT_EQ(ours.mac(), real.mac());
    EXPECT_EQ(ours.destination, real.destination);
    EXPECT_EQ(ours.source.port, real.source.port);
    if (model.seconds != DhcpClientModel::Seconds::none) { // GRUB's is rubbish
        EXPECT_EQ(ours.secs(), real.secs());
    }
}

void put_xid(std::vector<std::byte>& payload, std::uint32_t xid) {
    for (std::size_t i = 0; i < 4; ++i) {
        payload[4 + i] = static_cast<std::byte>(xid >> (24U - 8U * static_cast<unsigned>(i)));
    }
}

/// Plays the exchange to the model. A real answer came after a real message, so ours comes as long
/// after ours of the same number.
void replay(const Exchange& exchange, const DhcpClientModel& model) {
    ClientRig rig{exchange.front().mac()};
    rig.start(std::make_unique<DhcpMachine>(model));
    std::size_t asked = 0; // messages of the client, so far
    Duration asked_at{};
    const auto ours = [&](std::size_t number) {
        const SentDatagram& sent = rig.sent.at(number);
        return Message{sent.at - Instant{}, sent.datagram.source, sent.datagram.destination,
                       sent.payload};
    };
    for (const Message& message : exchange) {
        if (!message.from_client()) {
            rig.run_until(rig.sent[asked - 1].at + (message.at - asked_at));
            auto answer = message.payload;
            put_xid(answer, ours(asked - 1).xid());
            rig.deliver(message.source, message.destination, answer);
            continue;
        }
        // iPXE asks a menu's server only when it has given up on routers: the machine's business.
        const bool waits_elsewhere = message.destination.port == 4011;
        if (asked > 0 && !waits_elsewhere) {
            const Duration gap = message.at - asked_at;
            rig.run_until(rig.sent.at(asked - 1).at + gap * 11 / 10 + 40ms);
            ASSERT_GT(rig.sent.size(), asked) << "is silent where the real one asked again";
            const Duration our_gap = rig.sent[asked].at - rig.sent[asked - 1].at;
            EXPECT_GE(our_gap + 40ms, gap * 9 / 10) << "asks too early";
        }
        ASSERT_GT(rig.sent.size(), asked);
        SCOPED_TRACE("message " + std::to_string(asked));
        expect_same(message, ours(asked), model);
        asked_at = message.at;
        ++asked;
    }
    EXPECT_EQ(rig.sent.size(), asked) << "asks where the real one was content";
}

TEST(DhcpClientCaptures, EveryModelSaysWhatItsClientSaid) {
    std::map<std::string, int> played;
    for (const std::string& capture : capture_names()) {
        // Another network card, whose driver names itself; another build, which asks for option 243
        // where this one asks for 235.
        if (capture.find("e1000") != std::string::npos || capture == "uefi-sb-unsigned.pcap") {
            continue;
        }
        for (const Exchange& exchange : exchanges_of(capture)) {
            for (const Named& named : models()) {
                if (is_of(exchange.front(), named.model)) {
                    SCOPED_TRACE(capture + ", " + named.name);
                    replay(exchange, named.model);
                    ++played[named.name];
                }
            }
        }
    }
    for (const Named& named : models()) {
        EXPECT_GT(played[named.name], 0) << named.name << " is in no capture";
    }
}

} // namespace
} // namespace muster::test
