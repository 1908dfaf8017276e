// SPDX-License-Identifier: Apache-2.0
// Every TFTP reader against arbitrary bytes: what is accepted is written, read again and equal.
#include "core/base/check.hh"
#include "net/wire/tftp_packet.hh"

#include <array>

namespace {

using namespace muster;

void check_request(Bytes packet) {
    const auto request = read_tftp_request(packet);
    if (!request) {
        return;
    }
    MUSTER_CHECK(packet.size() <= tftp_request_size_max);
    MUSTER_CHECK(!request->name.empty());
    std::array<std::byte, 2 * tftp_request_size_max> buffer; // NOLINT: written before it is read
    ByteWriter writer{buffer};
    const bool written = write_tftp_request(writer, *request);
    MUSTER_CHECK(written == (request->mode != TftpMode::unknown));
    if (written) {
        MUSTER_CHECK(read_tftp_request(writer.written()) == *request);
    }
}

void check_oack(Bytes packet) {
    const auto options = read_tftp_oack(packet);
    if (!options) {
        return;
    }
    std::array<std::byte, 128> buffer; // NOLINT: written before it is read
    ByteWriter writer{buffer};
    write_tftp_oack(writer, *options);
    MUSTER_CHECK(read_tftp_oack(writer.written()) == *options);
}

void check_error(Bytes packet) {
    const auto error = read_tftp_error(packet);
    if (!error) {
        return;
    }
    std::array<std::byte, tftp_error_size_max> buffer; // NOLINT: written before it is read
    ByteWriter writer{buffer};
    write_tftp_error(writer, *error);
    MUSTER_CHECK(!writer.overflow());
    const auto again = read_tftp_error(writer.written());
    MUSTER_CHECK(again && again->code == error->code && error->text.starts_with(again->text));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes packet = std::as_bytes(std::span{data, size});
    check_request(packet);
    check_oack(packet);
    check_error(packet);
    const auto ack = read_tftp_ack(packet);
    const auto block = read_tftp_data(packet);
    MUSTER_CHECK(!(ack && block));
    if (block) {
        MUSTER_CHECK(block->payload.size() + tftp_header_size == size);
    }
    return 0;
}
