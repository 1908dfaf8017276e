// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pcap_reader.hh"

#include "core/base/byte_reader.hh"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace muster::test {

namespace {

constexpr std::uint32_t link_type_ethernet = 1;
constexpr std::uint8_t protocol_udp = 17;

/// The numbers of a pcap file come in the byte order of the machine that wrote it.
class FileReader {
public:
    explicit FileReader(Bytes bytes) : reader_(bytes) {}

    bool empty() const { return reader_.empty(); }
    void set_little_endian(bool little) { little_ = little; }
    std::uint32_t u32() {
        const auto value = reader_.u32();
        if (!value) {
            throw std::runtime_error("pcap: file ends within a header");
        }
        return little_ ? __builtin_bswap32(*value) : *value;
    }
    Bytes take(std::size_t size) {
        const auto taken = reader_.take(size);
        if (!taken) {
            throw std::runtime_error("pcap: file ends within a frame");
        }
        return *taken;
    }

private:
    ByteReader reader_;
    bool little_ = false;
};

std::vector<std::byte> copy(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("pcap: cannot read " + path);
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return copy(as_bytes(text));
}

/// IPv4: version and header length, total length, flags and fragment offset, protocol, addresses
/// (RFC 791 section 3.1).
std::optional<IpPacket> ipv4_packet(const Frame& frame) {
    ByteReader reader{frame.payload};
    const auto version = reader.u8();
    const bool skipped_tos = reader.skip(1);
    const auto total = reader.u16();
    const bool skipped_id = reader.skip(2);
    const auto fragment = reader.u16();
    const bool skipped_ttl = reader.skip(1);
    const auto protocol = reader.u8();
    const bool skipped_sum = reader.skip(2);
    const auto source = reader.octets<4>();
    const auto destination = reader.octets<4>();
    if (!destination || !skipped_tos || !skipped_id || !skipped_ttl || !skipped_sum) {
        return std::nullopt;
    }
    const std::size_t header = (*version & 0x0FU) * 4U;
    if ((*version >> 4U) != 4 || header < 20 || *total < header || (*fragment & 0x1FFFU) != 0 ||
        header > frame.payload.size()) {
        return std::nullopt;
    }
    const std::size_t end = std::min<std::size_t>(*total, frame.payload.size()); // no padding
    const Bytes all{frame.payload};
    return IpPacket{frame, Ipv4Address{*source}, Ipv4Address{*destination}, *protocol,
                    copy(all.subspan(header, end - header))};
}

/// IPv6: payload length, next header, addresses (RFC 8200 section 3).
std::optional<IpPacket> ipv6_packet(const Frame& frame) {
    ByteReader reader{frame.payload};
    const auto version = reader.u32();
    const auto length = reader.u16();
    const auto next_header = reader.u8();
    const bool skipped_hops = reader.skip(1);
    const auto source = reader.octets<16>();
    const auto destination = reader.octets<16>();
    if (!destination || !skipped_hops || (*version >> 28U) != 6) {
        return std::nullopt;
    }
    const Bytes rest = reader.rest();
    return IpPacket{frame, Ipv6Address{*source}, Ipv6Address{*destination}, *next_header,
                    copy(rest.first(std::min<std::size_t>(*length, rest.size())))};
}

} // namespace

std::vector<Frame> read_pcap(const std::string& path) {
    const auto bytes = read_file(path);
    FileReader file{bytes};
    const std::uint32_t magic = file.u32();
    const bool little = magic == 0xD4C3B2A1 || magic == 0x4D3CB2A1;
    const bool nanoseconds = magic == 0x4D3CB2A1 || magic == 0xA1B23C4D;
    if (!little && magic != 0xA1B2C3D4 && magic != 0xA1B23C4D) {
        throw std::runtime_error("pcap: no classic pcap file: " + path);
    }
    file.set_little_endian(little);
    (void)file.take(16); // version, time zone, accuracy, longest frame
    if ((file.u32() & 0xFFFFU) != link_type_ethernet) {
        throw std::runtime_error("pcap: not captured on Ethernet: " + path);
    }
    std::vector<Frame> frames;
    std::optional<Duration> first;
    while (!file.empty()) {
        const std::chrono::seconds seconds{file.u32()};
        const std::uint32_t fraction = file.u32();
        const Duration at =
            seconds + std::chrono::nanoseconds{nanoseconds ? fraction : 1000LL * fraction};
        const std::uint32_t captured = file.u32();
        const std::uint32_t wire = file.u32();
        ByteReader reader{file.take(captured)};
        const auto destination = reader.octets<6>();
        const auto source = reader.octets<6>();
        const auto ethertype = reader.u16();
        first = first.value_or(at);
        if (!ethertype) {
            continue;
        }
        frames.push_back({.at = UnixTime{} + at,
                          .offset = at - *first,
                          .source = {*source},
                          .destination = {*destination},
                          .ethertype = *ethertype,
                          .payload = copy(reader.rest()),
                          .cut = captured < wire});
    }
    return frames;
}

std::optional<IpPacket> ip_packet(const Frame& frame) {
    switch (frame.ethertype) {
    case 0x0800:
        return ipv4_packet(frame);
    case 0x86DD:
        return ipv6_packet(frame);
    default:
        return std::nullopt;
    }
}

std::optional<UdpPacket> udp_packet(const Frame& frame) {
    const auto ip = ip_packet(frame);
    if (!ip || ip->protocol != protocol_udp) {
        return std::nullopt;
    }
    ByteReader reader{ip->payload};
    const auto source = reader.u16();
    const auto destination = reader.u16();
    const auto length = reader.u16();
    const auto checksum = reader.u16();
    if (!checksum || *length < 8) {
        return std::nullopt;
    }
    const Bytes rest = reader.rest();
    return UdpPacket{frame,
                     {ip->source, *source},
                     {ip->destination, *destination},
                     copy(rest.first(std::min<std::size_t>(*length - 8U, rest.size())))};
}

std::vector<UdpPacket> read_udp_packets(const std::string& path) {
    std::vector<UdpPacket> packets;
    for (const Frame& frame : read_pcap(path)) {
        if (auto packet = udp_packet(frame)) {
            packets.push_back(std::move(*packet));
        }
    }
    return packets;
}

std::string capture_path(const std::string& name) {
    const char* source = std::getenv("MUSTER_SOURCE");
    return std::string{source == nullptr ? "." : source} + "/tests/data/captures/" + name;
}

std::vector<std::string> capture_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(capture_path(""))) {
        if (entry.path().extension() == ".pcap") {
            names.push_back(entry.path().filename().string());
        }
    }
    std::sort(names.begin(), names.end());
    if (names.empty()) {
        throw std::runtime_error("no captures below " + capture_path(""));
    }
    return names;
}

} // namespace muster::test
