// SPDX-License-Identifier: Apache-2.0
#include "core/content/catalog.hh"
#include "net/wire/tftp_packet.hh"

#include "tools/simulator/checks.hh"

#include <algorithm>

namespace muster::sim {

void TftpCheck::on_sent(MachineIndex machine, const Endpoint& from, std::uint16_t to,
                        Bytes payload) {
    const auto opcode = to == 69 ? read_tftp_opcode(payload) : std::unexpected(TftpWireError{});
    const auto request =
        opcode == TftpOpcode::rrq ? read_tftp_request(payload) : std::unexpected(TftpWireError{});
    if (!request) {
        return;
    }
    const Route route = route_tftp(request->name);
    Transfer transfer;
    if (route.kind == Route::Kind::open) {
        const std::string_view root = route.root == ContentRoot::files ? "/files/" : "/loaders/";
        transfer.file = universe_.files.find(std::string{root} + route.path);
    }
    transfers_[{machine, from}] = transfer;
}

void TftpCheck::on_received(MachineIndex machine, const ClientRx& datagram) {
    const auto at = transfers_.find({machine, datagram.destination});
    const auto opcode = read_tftp_opcode(datagram.payload);
    if (at == transfers_.end() || !opcode) {
        return;
    }
    Transfer& transfer = at->second;
    const auto first = opcode == TftpOpcode::data ? read_tftp_data(datagram.payload)
                                                  : std::unexpected(TftpWireError{});
    if (transfer.server_port == 0 && (opcode == TftpOpcode::oack || (first && first->block == 1))) {
        transfer.server_port = datagram.source.port;
    }
    if (transfer.server_port != datagram.source.port) {
        return; // of an earlier transfer: the machine refuses it as well
    }
    if (opcode == TftpOpcode::oack) {
        if (const auto options = read_tftp_oack(datagram.payload)) {
            transfer.blksize = options->blksize.value_or(tftp_blksize_default);
        }
    } else if (opcode == TftpOpcode::data && transfer.file) {
        compare(machine, transfer, datagram.payload);
    }
}

void TftpCheck::compare(MachineIndex machine, Transfer& transfer, Bytes packet) {
    const auto data = read_tftp_data(packet);
    if (!data) {
        return;
    }
    // The number on the wire is that of the block nearest to the last one.
    const auto step =
        static_cast<std::int16_t>(data->block - static_cast<std::uint16_t>(transfer.last));
    const std::int64_t block = static_cast<std::int64_t>(transfer.last) + step;
    if (block < 1) {
        return;
    }
    transfer.last = std::max(transfer.last, static_cast<std::uint64_t>(block));
    const SimFiles::File& file = universe_.files.file(*transfer.file);
    const std::uint64_t offset = static_cast<std::uint64_t>(block - 1) * transfer.blksize;
    const std::uint64_t size =
        offset > file.size ? 0 : std::min<std::uint64_t>(transfer.blksize, file.size - offset);
    bool same = offset <= file.size && data->payload.size() == size;
    if (same) {
        expected_.resize(size);
        universe_.files.read(*file.content, offset, expected_);
        same = std::ranges::equal(expected_, data->payload);
    }
    ++compared_;
    if (!same) {
        universe_.found("tftp", fmt::format("machine {}: block {} of {} is not what the file has "
                                            "there",
                                            machine, block, file.path));
    }
}

} // namespace muster::sim
