// SPDX-License-Identifier: Apache-2.0
// Requests for files, byte by byte as the real programs sent them, and when they sent them again.
#include "net/client/firmware_models.hh"
#include "net/wire/tftp_packet.hh"

#include "tests/support/client_rig.hh"
#include "tests/support/pcap_reader.hh"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace muster::test {
namespace {

const Endpoint tftp_server{rig_ip("10.79.0.1"), 69};
const Ipv4Address client_ip = rig_ip("10.79.0.187");

/// A machine that fetches one file by TFTP.
class TftpMachine final : public ClientMachine {
public:
    TftpMachine(const TftpClientModel& model, std::string name)
        : model_(model), name_(std::move(name)) {}
    void start(ClientContext& context) noexcept override {
        client.begin({.local = client_ip, .port = 2000, .server = tftp_server, .name = name_},
                     model_, context);
        context.set_timer(client.deadline());
    }
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        client.on_datagram(datagram, context);
        context.set_timer(client.deadline());
    }
    void on_timer(ClientContext& context) noexcept override {
        client.on_timer(context);
        context.set_timer(client.deadline());
    }
    TftpClient client;

private:
    const TftpClientModel& model_;
    std::string name_;
};

struct CapturedRequest {
    Duration at{};
    std::uint16_t port = 0;
    std::string payload;
};

std::vector<CapturedRequest> tftp_requests(const std::string& capture) {
    std::vector<CapturedRequest> requests;
    for (const UdpPacket& packet : read_udp_packets(capture_path(capture + ".pcap"))) {
        if (packet.destination.port == 69 && packet.source.address.is_v4()) {
            requests.push_back({packet.frame.offset, packet.source.port,
                                std::string{as_text(Bytes{packet.payload})}});
        }
    }
    return requests;
}

std::string as_string(const std::vector<std::byte>& bytes) {
    return std::string{as_text(Bytes{bytes})};
}

/// The requests that a program of `model` makes for `name`, the probe among them.
std::set<std::string> requests_of(const TftpClientModel& model, const std::string& name) {
    ClientRig rig;
    rig.start(std::make_unique<TftpMachine>(model, name));
    std::set<std::string> all{as_string(rig.sent[0].payload)};
    if (model.probe) {
        std::array<std::byte, 64> buffer;
        ByteWriter writer{buffer};
        writer.u16(6); // OACK
        writer.text("tsize");
        writer.u8(0);
        writer.text("1000");
        writer.u8(0);
        rig.deliver({tftp_server.address, 4000}, {client_ip, 2000}, writer.written());
        all.insert(as_string(rig.sent.back().payload));
    }
    return all;
}

TEST(FirmwareCaptures, TftpRequestsAreTheSameBytes) {
    const std::map<std::string, const TftpClientModel*> models{
        {"iPXE", &ipxe_tftp}, {"EDK2", &edk2_tftp},         {"shim", &shim_tftp},
        {"GRUB", &grub_tftp}, {"PXELINUX", &pxelinux_tftp}, {"U-Boot", &u_boot_tftp}};
    std::map<std::string, int> found;
    for (const std::string& file : capture_names()) {
        SCOPED_TRACE(file);
        for (const CapturedRequest& real : tftp_requests(file.substr(0, file.size() - 5))) {
            const std::string name = real.payload.substr(2, real.payload.find('\0', 2) - 2);
            bool known = false;
            for (const auto& [program, model] : models) {
                if (requests_of(*model, name).contains(real.payload)) {
                    ++found[program];
                    known = true;
                }
            }
            EXPECT_TRUE(known) << name;
        }
    }
    EXPECT_EQ(found.size(), models.size());
}

struct Silent {
    std::string capture;
    const TftpClientModel* model;
    std::uint16_t port; ///< whose requests are looked at; 0: all
    Duration patience;  ///< how long it asks before it gives up
};

TEST(FirmwareCaptures, SilentTftpServersAreAskedAgainAtTheSameTimes) {
    for (const Silent& silent : {Silent{"bios-silent-tftp", &ipxe_tftp, 0, 16080ms},
                                 Silent{"uefi-silent-tftp", &edk2_tftp, 0, 24s},
                                 Silent{"uefi-proxydhcp", &grub_tftp, 25300, 31600ms}}) {
        SCOPED_TRACE(silent.capture);
        std::vector<Duration> real;
        for (const CapturedRequest& request : tftp_requests(silent.capture)) {
            // Each of that capture's last requests went over two bridges: 50 us apart.
            const bool again = !real.empty() && request.at - real.back() < 1ms;
            if ((silent.port == 0 || request.port == silent.port) && !again) {
                real.push_back(request.at);
            }
        }
        ASSERT_GE(real.size(), 6U);
        ClientRig rig;
        rig.start(std::make_unique<TftpMachine>(*silent.model, "a"));
        rig.run_for(5min);
        ASSERT_EQ(rig.sent.size(), real.size());
        for (std::size_t i = 1; i < real.size(); ++i) {
            const double wanted = static_cast<double>((real[i] - real[i - 1]).count());
            const double got = static_cast<double>((rig.sent[i].at - rig.sent[i - 1].at).count());
            EXPECT_NEAR(got / wanted, 1.0, 0.1) << "repetition " << i;
        }
        const double whole = static_cast<double>(rig.waited(ClientWait::tftp_no_answer).count());
        EXPECT_NEAR(whole / static_cast<double>(silent.patience.count()), 1.0, 0.1);
    }
}

// There is no capture of its silence, but its table is in its source: 131 s in all.
TEST(FirmwareCaptures, PxelinuxIsTheMostPatient) {
    ClientRig rig;
    rig.start(std::make_unique<TftpMachine>(pxelinux_tftp, "a"));
    rig.run_for(10min);
    EXPECT_EQ(rig.sent.size(), 31U);
    EXPECT_NEAR(static_cast<double>((rig.sent[1].at - rig.sent[0].at).count()) / 1e6, 110, 2);
    EXPECT_NEAR(std::chrono::duration<double>{rig.waited(ClientWait::tftp_no_answer)}.count(), 131,
                1);
}

/// A machine that fetches one file by HTTP.
class HttpMachine final : public ClientMachine {
public:
    HttpMachine(const HttpClientModel& model, HttpFetch fetch)
        : client(model), fetch_(std::move(fetch)) {}
    void start(ClientContext& context) noexcept override { client.begin(fetch_, context); }
    void on_datagram(const ClientRx&, ClientContext&) noexcept override {}
    void on_timer(ClientContext&) noexcept override {}
    void on_stream_open(ClientStreamId, ClientContext& context) noexcept override {
        client.on_stream_open(context);
    }
    HttpClient client;

private:
    HttpFetch fetch_;
};

std::string request_of(const HttpClientModel& model, HttpFetch fetch) {
    ClientRig rig;
    rig.start(std::make_unique<HttpMachine>(model, std::move(fetch)));
    rig.fleet.on_stream_open(rig.connects.at(0).stream, rig.now, rig.out);
    rig.run_for({});
    return rig.stream_bytes.at(0);
}

/// Without the cookies of lpxelinux.0, which say what is in the machine.
std::string without_cookie(std::string text) {
    const std::size_t begin = text.find("Cookie: ");
    if (begin != std::string::npos) {
        text.erase(begin, text.find("\r\n", begin) + 2 - begin);
    }
    return text;
}

TEST(FirmwareCaptures, HttpRequestsAreTheSameBytes) {
    const std::map<std::string, const HttpClientModel*> models{{"iPXE", &ipxe_http},
                                                               {"EDK2", &edk2_http},
                                                               {"shim", &shim_http},
                                                               {"GRUB", &grub_http},
                                                               {"PXELINUX", &pxelinux_http}};
    std::map<std::string, int> found;
    for (const std::string& file : capture_names()) {
        SCOPED_TRACE(file);
        for (const Frame& frame : read_pcap(capture_path(file))) {
            const auto ip = ip_packet(frame);
            if (!ip || ip->protocol != 6 || !ip->source.is_v4() || frame.cut) {
                continue;
            }
            const std::size_t head = (std::to_integer<std::size_t>(ip->payload[12]) >> 4U) * 4;
            const std::string real =
                without_cookie(std::string{as_text(Bytes{ip->payload}.subspan(head))});
            if (!real.starts_with("GET ") && !real.starts_with("HEAD ")) {
                continue;
            }
            const std::size_t begin = real.find(' ') + 1;
            HttpFetch fetch{.server = {rig_ip("10.79.0.1"), 80},
                            .target = real.substr(begin, real.find(' ', begin) - begin)};
            bool known = false;
            for (const auto& [program, model] : models) {
                HttpClientModel plain = *model;
                plain.head_first = false;
                HttpFetch asked = fetch;
                if (real.starts_with("HEAD ")) {
                    asked.method = HttpFetch::Method::head;
                }
                if (request_of(plain, asked) == real) {
                    ++found[program];
                    known = true;
                }
            }
            EXPECT_TRUE(known) << real;
        }
    }
    EXPECT_EQ(found.size(), models.size());
}

} // namespace
} // namespace muster::test
