// SPDX-License-Identifier: Apache-2.0
// The effects of TftpServer: what a Step asks for is written into the outbox here, and a transfer
// is let go of here. What leads to a Step is in tftp_server.cc.
#include "core/base/check.hh"
#include "net/tftp/tftp_server.hh"

#include <algorithm>
#include <array>

namespace muster {
namespace {

TftpEnd to_end(Step::Outcome outcome) noexcept {
    switch (outcome) {
    case Step::Outcome::completed:
        return TftpEnd::completed;
    case Step::Outcome::probed:
        return TftpEnd::probed;
    case Step::Outcome::aborted:
        return TftpEnd::aborted;
    case Step::Outcome::timed_out:
        return TftpEnd::timed_out;
    case Step::Outcome::restarted:
        return TftpEnd::replaced;
    case Step::Outcome::running:
    case Step::Outcome::ignored:
    case Step::Outcome::stray:
        break; // no end: the caller asked Step::ended()
    }
    MUSTER_CHECK(false);
    __builtin_unreachable();
}

} // namespace

void TftpServer::perform(Slot slot, const Step& step, Outbox& out) noexcept {
    if (step.oack) {
        send_oack(slot, out);
    }
    if (step.blocks.count > 0) {
        const SessionHot& hot = sessions_.hot(slot);
        const SessionCold& cold = sessions_.cold(slot);
        out.blocks.push_back({.socket = hot.socket,
                              .service = reply_service(),
                              .interface = cold.interface,
                              .destination = cold.client,
                              .source = cold.local,
                              .content = cold.content,
                              .first_block = step.blocks.first,
                              .count = step.blocks.count,
                              .blksize = hot.machine.blksize(),
                              .repair = step.again > 0});
        metrics_.blocks_sent.add(step.blocks.count);
        metrics_.blocks_resent.add(step.again);
    }
    if (step.timer) {
        sessions_.timers().arm(slot, *step.timer);
    }
    if (step.ended()) {
        finish(slot, to_end(step.outcome), out);
    }
}

void TftpServer::send_oack(Slot slot, Outbox& out) noexcept {
    std::array<std::byte, 128> buffer; // NOLINT: written before it is read
    ByteWriter writer{buffer};
    TftpOptions granted = sessions_.cold(slot).granted;
    const std::uint16_t group = sessions_.hot(slot).group;
    if (granted.multicast && group != SessionHot::no_group) {
        granted.multicast->master = groups_.at(group).master == slot;
    }
    write_tftp_oack(writer, granted);
    MUSTER_CHECK(!writer.overflow());
    send(reply_path(slot), writer.written(), out);
    metrics_.oacks_sent.add();
}

void TftpServer::send_error(const ReplyPath& path, TftpErrorCode code, TftpRefusal reason,
                            std::string_view name, Outbox& out) noexcept {
    std::array<char, tftp_error_size_max> text; // NOLINT: written before it is read
    std::size_t size = describe(reason).copy(text.data(), text.size() - 2);
    text[size++] = ':';
    text[size++] = ' ';
    const std::size_t name_size = name.copy(text.data() + size, text.size() - size);
    // The text goes to somebody's console, and the name may be anything.
    std::replace_if(
        text.data() + size, text.data() + size + name_size,
        [](char c) { return (c >= 0 && c < ' ') || c == '\x7F'; }, '?');
    std::array<std::byte, tftp_error_size_max> buffer; // NOLINT: written before it is read
    ByteWriter writer{buffer};
    write_tftp_error(writer, {code, {text.data(), size + name_size}});
    MUSTER_CHECK(!writer.overflow());
    send(path, writer.written(), out);
    metrics_.errors_sent.add();
}

void TftpServer::send(const ReplyPath& path, Bytes packet, Outbox& out) const noexcept {
    TxDatagram datagram;
    datagram.service = reply_service();
    datagram.socket = path.socket;
    datagram.interface = path.interface;
    datagram.destination = path.client;
    datagram.source = path.local;
    datagram.payload_offset = out.store(packet);
    datagram.payload_size = static_cast<std::uint32_t>(packet.size());
    out.datagrams.push_back(datagram);
}

TftpServer::ReplyPath TftpServer::reply_path(Slot slot) noexcept {
    const SessionCold& cold = sessions_.cold(slot);
    return {.socket = sessions_.hot(slot).socket,
            .interface = cold.interface,
            .client = cold.client,
            .local = cold.local};
}

void TftpServer::refuse(TftpRefusal refusal) noexcept {
    metrics_.refusals[std::to_underlying(refusal)].add();
}

void TftpServer::refuse_content(Slot slot, TftpRefusal refusal, TftpErrorCode code,
                                Outbox& out) noexcept {
    refuse(refusal);
    send_error(reply_path(slot), code, refusal, sessions_.cold(slot).name, out);
    finish(slot, TftpEnd::refused, out);
}

void TftpServer::finish(Slot slot, TftpEnd end, Outbox& out) noexcept {
    metrics_.ends[std::to_underlying(end)].add();
    if (end == TftpEnd::timed_out) {
        sessions_.cold(slot).silence = {}; // the client had gone; what it came back from was told
    }
    if (sessions_.cold(slot).started) {
        sample(slot,
               end == TftpEnd::completed ? TransferSample::Phase::completed
                                         : TransferSample::Phase::aborted,
               out);
    }
    if (sessions_.hot(slot).group != SessionHot::no_group) {
        leave(slot);
    }
    sessions_.release(slot);
    metrics_.sessions.set(sessions_.in_use());
}

/// Bytes that control has no room for now are in the next sample.
void TftpServer::sample(Slot slot, TransferSample::Phase phase, Outbox& out) noexcept {
    SessionCold& cold = sessions_.cold(slot);
    const std::uint64_t bytes = acknowledged(slot);
    auto message = std::make_unique<TransferSample>();
    message->client = cold.client.address;
    message->phase = phase;
    message->path = cold.url_path;
    // A member of a group that began anew has fewer than it had.
    message->sent = bytes > cold.bytes_sampled ? bytes - cold.bytes_sampled : 0;
    message->size = cold.size;
    message->silence = cold.silence;
    if (out.tell(std::move(message))) {
        cold.silence = {};
        cold.bytes_sampled = std::max(cold.bytes_sampled, bytes);
    } else {
        metrics_.samples_dropped.add();
    }
}

std::uint64_t TftpServer::acknowledged(Slot slot) noexcept {
    const ReadSession& machine = sessions_.hot(slot).machine;
    return std::min(machine.acked() * machine.blksize(), sessions_.cold(slot).size);
}

} // namespace muster
