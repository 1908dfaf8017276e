// SPDX-License-Identifier: Apache-2.0
// Question: does any packet break the reader of IPv4 and UDP, or is one read in a way that cannot
// be written again?
// Method: read; what was accepted is written, read again and compared.
#include "net/wire/ipv4_udp.hh"

#include <algorithm>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace muster;
    const Bytes packet{reinterpret_cast<const std::byte*>(data), size};
    const auto read = read_ipv4_udp(packet);
    if (!read) {
        return 0;
    }
    std::vector<std::byte> written(ipv4_udp_header_size + read->payload.size());
    const std::size_t written_size = write_ipv4_udp(written, read->header, read->payload);
    const auto again = read_ipv4_udp(Bytes{written}.first(written_size));
    const bool same = again && again->header.source == read->header.source &&
                      again->header.destination == read->header.destination &&
                      again->header.source_port == read->header.source_port &&
                      again->header.destination_port == read->header.destination_port &&
                      again->header.identification == read->header.identification &&
                      std::ranges::equal(again->payload, read->payload);
    if (!same) {
        std::abort();
    }
    return 0;
}
