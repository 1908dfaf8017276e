// SPDX-License-Identifier: Apache-2.0
#include "net/client/tftp_client.hh"

#include "core/base/check.hh"

#include <algorithm>
#include <array>
#include <cstring>

namespace muster {
namespace {

bool is_group(const Endpoint& endpoint) noexcept {
    const auto v4 = endpoint.address.v4();
    return v4 && (v4->octets[0] & 0xF0U) == 0xE0U;
}

} // namespace

void TftpClient::begin(TftpFetch fetch, const TftpClientModel& model, ClientContext& context) {
    MUSTER_CHECK(!busy());
    std::string body = std::move(body_); // its memory serves the next fetch
    body.clear();
    *this = TftpClient{};
    body_ = std::move(body);
    fetch_ = std::move(fetch);
    model_ = &model;
    begun_ = context.now.steady;
    outcome_ = ClientOutcome::running;
    phase_ = model.probe ? Phase::probing : Phase::asking;
    quiet_since_ = begun_;
    send_request(context);
}

void TftpClient::on_datagram(const ClientRx& datagram, ClientContext& context) noexcept {
    const bool to_group = is_group(datagram.destination);
    if (!busy() || (!to_group && datagram.destination.port != fetch_.port)) {
        return; // too late, or for the port that a probe had
    }
    wire_bytes_ += datagram.payload.size();
    const auto opcode = read_tftp_opcode(datagram.payload);
    if (!opcode) {
        return;
    }
    if (server_.port == 0) {
        if (datagram.source.address != fetch_.server.address) {
            return; // not who was asked
        }
    } else if (datagram.source != server_) {
        // RFC 1350 section 4; what other transfers send to their group is none of our business.
        if (*opcode != TftpOpcode::error && !to_group) {
            send_error(datagram.source, TftpErrorCode::unknown_transfer_id, "Unknown transfer ID",
                       context);
        }
        return;
    }
    switch (*opcode) {
    case TftpOpcode::data:
        on_data(datagram.payload, datagram.source, context);
        return;
    case TftpOpcode::oack:
        on_oack(datagram.payload, datagram.source, context);
        return;
    case TftpOpcode::error:
        if (const auto error = read_tftp_error(datagram.payload)) {
            error_code_ = error->code;
            end(ClientOutcome::refused,
                "ERROR " + std::to_string(static_cast<unsigned>(error->code)) + ": " +
                    std::string{error->text},
                context);
        }
        return;
    case TftpOpcode::rrq:
    case TftpOpcode::wrq:
    case TftpOpcode::ack:
        return; // not for a client
    }
}

void TftpClient::on_oack(Bytes packet, const Endpoint& from, ClientContext& context) noexcept {
    const auto granted = read_tftp_oack(packet);
    if (phase_ == Phase::receiving) {
        if (!granted) {
            return;
        }
        if (member_ && granted->multicast) {
            on_role(*granted->multicast, context);
        } else if (next_ == 1 && !passive() && ack_is_old(context)) {
            acknowledge(context); // our ACK of it was lost
        }
        return;
    }
    server_ = from;
    if (!granted || !settle(*granted)) {
        refuse(TftpErrorCode::option_negotiation_failed, "an OACK with what was not asked for",
               context);
        return;
    }
    if (phase_ == Phase::probing) {
        size_max_ = granted->tsize;
        end_probe(from, context);
        return;
    }
    phase_ = Phase::receiving;
    progress(context);
    if (granted->multicast) {
        join(*granted->multicast, context);
    } else {
        acknowledge(context);
    }
}

void TftpClient::on_data(Bytes packet, const Endpoint& from, ClientContext& context) noexcept {
    const auto data = read_tftp_data(packet);
    if (!data) {
        return;
    }
    if (phase_ != Phase::receiving) {
        if (data->block != 1) {
            return; // left over from another transfer
        }
        if (phase_ == Phase::probing) {
            end_probe(from, context); // a server without options
            return;
        }
        server_ = from;
        phase_ = Phase::receiving; // RFC 2347 section 3: no OACK, so no option
    }
    if (data->payload.size() > blksize_) {
        refuse(TftpErrorCode::illegal_operation, "a block above the block size", context);
    } else if (member_) {
        on_group_block(data->block, data->payload, context);
    } else {
        on_block(data->block, data->payload, context);
    }
}

void TftpClient::on_block(std::uint16_t number, Bytes payload, ClientContext& context) noexcept {
    const auto distance = static_cast<std::int16_t>(
        static_cast<std::uint16_t>(number - static_cast<std::uint16_t>(next_)));
    if (distance != 0) {
        on_unexpected(distance, context);
        return;
    }
    if (!store(bytes_, payload, context)) {
        return;
    }
    bytes_ += payload.size();
    ++next_;
    gap_told_ = false;
    stray_.reset();
    progress(context);
    if (payload.size() < blksize_) {
        acknowledge(context);
        finish_if_sized(context);
    } else if (++in_window_ >= windowsize_) {
        acknowledge(context);
    }
}

/// RFC 7440 section 4: a gap is answered with the last block before it. Once: every later block
/// of that window would say the same.
void TftpClient::on_unexpected(std::int16_t distance, ClientContext& context) noexcept {
    const bool paused = ack_is_old(context);
    const bool new_burst = !stray_ || distance <= *stray_;
    stray_ = distance;
    if (distance > 0) {
        if (gap_told_ && !(paused && new_burst)) {
            return;
        }
        gap_told_ = true;
    } else if (in_window_ != 0 || !paused || !new_burst) {
        return; // had it; and unless our ACK was lost, the server knows
    }
    acknowledge(context);
}

/// Takes `payload` as the bytes at `offset`; false: they are wrong, and the fetch has ended.
bool TftpClient::store(std::uint64_t offset, Bytes payload, ClientContext& context) noexcept {
    const std::uint64_t end_offset = offset + payload.size();
    if ((tsize_ && end_offset > *tsize_) || (size_max_ && end_offset > *size_max_)) {
        refuse(TftpErrorCode::not_defined, "more bytes than tsize said", context);
        return false;
    }
    if (fetch_.expected != nullptr && !payload.empty()) {
        const Bytes whole = *fetch_.expected;
        const std::size_t size = offset < whole.size()
                                     ? std::min<std::size_t>(payload.size(), whole.size() - offset)
                                     : 0;
        if (size < payload.size() ||
            std::memcmp(payload.data(), whole.data() + offset, size) != 0) {
            std::size_t at = 0;
            while (at < size && payload[at] == whole[offset + at]) {
                ++at;
            }
            refuse(TftpErrorCode::not_defined, "differs at byte " + std::to_string(offset + at),
                   context);
            return false;
        }
    }
    if (offset < fetch_.keep_max && !payload.empty()) {
        const std::size_t size = std::min<std::size_t>(payload.size(), fetch_.keep_max - offset);
        body_.resize(std::max<std::size_t>(body_.size(), offset + size));
        std::memcpy(body_.data() + offset, payload.data(), size);
    }
    return true;
}

/// All blocks are there and acknowledged.
void TftpClient::finish_if_sized(ClientContext& context) noexcept {
    if (tsize_ && bytes_ != *tsize_) {
        end(ClientOutcome::broken, "fewer bytes than tsize said", context);
    } else if (fetch_.expected != nullptr && bytes_ != fetch_.expected->size()) {
        end(ClientOutcome::broken, "ends at byte " + std::to_string(bytes_), context);
    } else {
        end(ClientOutcome::done, {}, context);
    }
}

void TftpClient::on_timer(ClientContext& context) noexcept {
    if (!busy() || context.now.steady < deadline_) {
        return;
    }
    if (waits_used_ >= waits().size()) {
        context.waited(ClientWait::tftp_no_answer, context.now.steady - quiet_since_);
        end(ClientOutcome::silent,
            phase_ == Phase::receiving ? "no more blocks" : "no answer to the request", context);
        return;
    }
    ++waits_used_;
    context.retransmitted();
    if (phase_ == Phase::receiving && !passive()) {
        acknowledge(context);
        arm(context.now.steady);
    } else {
        send_request(context);
    }
}

void TftpClient::abort(ClientContext& context) noexcept {
    if (busy()) {
        refuse(TftpErrorCode::not_defined, "aborted", context);
    }
}

/// Of the last block before the first that is missing.
void TftpClient::acknowledge(ClientContext& context) noexcept {
    std::array<std::byte, tftp_header_size> buffer; // NOLINT: written before it is read
    ByteWriter writer{buffer};
    write_tftp_ack(writer, static_cast<std::uint16_t>(next_ - 1));
    context.send_udp(fetch_.local, fetch_.port, server_, writer.written());
    in_window_ = 0;
    acked_at_ = context.now.steady;
}

void TftpClient::send_error(const Endpoint& to, TftpErrorCode code, std::string_view text,
                            ClientContext& context) noexcept {
    std::array<std::byte, tftp_error_size_max> buffer; // NOLINT: written before it is read
    ByteWriter writer{buffer};
    write_tftp_error(writer, {code, text});
    context.send_udp(fetch_.local, fetch_.port, to, writer.written());
}

/// Something new came: the schedule of repetitions begins anew.
void TftpClient::progress(ClientContext& context) noexcept {
    if (waits_used_ > 0) {
        context.waited(ClientWait::tftp_no_answer, context.now.steady - quiet_since_);
        waits_used_ = 0;
    }
    quiet_since_ = context.now.steady;
    arm(quiet_since_);
}

void TftpClient::arm(Instant now) noexcept {
    const auto schedule = waits();
    deadline_ = now + (waits_used_ < schedule.size() ? schedule[waits_used_] : last_wait());
}

/// Tells the server, if it is known, and ends as broken.
void TftpClient::refuse(TftpErrorCode code, std::string why, ClientContext& context) noexcept {
    if (server_.port != 0) {
        send_error(server_, code, why, context);
    }
    end(ClientOutcome::broken, std::move(why), context);
}

void TftpClient::end(ClientOutcome outcome, std::string why, ClientContext& context) noexcept {
    if (outcome == ClientOutcome::done) {
        context.note({.kind = ClientNote::Kind::transfer,
                      .duration = context.now.steady - begun_,
                      .bytes = bytes_,
                      .text = fetch_.name});
    }
    if (member_) {
        context.leave(member_->group);
    }
    context.close_udp(fetch_.port);
    outcome_ = outcome;
    why_ = std::move(why);
    phase_ = Phase::over;
    deadline_ = Instant::never();
}

} // namespace muster
