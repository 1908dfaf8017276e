// SPDX-License-Identifier: Apache-2.0
// What a TFTP client asks for, and what of the answer it accepts.
#include "net/client/tftp_client.hh"

#include <array>

namespace muster {

void TftpClient::send_request(ClientContext& context) {
    const TftpClientModel& model = *model_;
    asked_ = {};
    if (model.blksize != 0) {
        asked_.blksize = model.blksize;
    }
    if (model.windowsize != 0) {
        asked_.windowsize = model.windowsize;
    }
    if (model.timeout_s != 0) {
        asked_.timeout = model.timeout_s;
    }
    if (model.probe ? phase_ == Phase::probing : model.tsize) {
        asked_.tsize = 0;
    }
    if (model.multicast) {
        asked_.multicast.emplace();
    }
    const auto drop_unlisted = [&](char letter, auto& option) {
        if (model.option_order.find(letter) == std::string_view::npos) {
            option.reset();
        }
    };
    drop_unlisted('b', asked_.blksize);
    drop_unlisted('t', asked_.tsize);
    drop_unlisted('T', asked_.timeout);
    drop_unlisted('w', asked_.windowsize);
    drop_unlisted('m', asked_.multicast);
    std::array<std::byte, tftp_request_size_max> buffer; // NOLINT: written before it is read
    ByteWriter writer{buffer};
    if (!write_tftp_request(writer, {.name = fetch_.name, .options = asked_}, model.option_order)) {
        end(ClientOutcome::broken, "the name does not fit into a request", context);
        return;
    }
    context.send_udp(fetch_.local, fetch_.port, fetch_.server, writer.written());
    arm(context.now.steady);
}

/// RFC 2347 section 3: only what was asked for; RFC 2348, 7440: nothing above it.
bool TftpClient::settle(const TftpOptions& granted) noexcept {
    if ((granted.blksize && (!asked_.blksize || *granted.blksize > *asked_.blksize)) ||
        (granted.windowsize && (!asked_.windowsize || *granted.windowsize > *asked_.windowsize)) ||
        (granted.timeout && granted.timeout != asked_.timeout) ||
        (granted.tsize && !asked_.tsize) || (granted.multicast && !asked_.multicast)) {
        return false;
    }
    blksize_ = granted.blksize.value_or(tftp_blksize_default);
    // RFC 7440 and RFC 2090 know nothing of each other: a group's master acknowledges each block.
    windowsize_ = granted.multicast ? 1 : granted.windowsize.value_or(1);
    tsize_ = granted.tsize;
    return true;
}

/// The size is known (or will not be): the real request follows from a port of its own.
void TftpClient::end_probe(const Endpoint& from, ClientContext& context) {
    send_error(from, TftpErrorCode::option_negotiation_failed, "User aborted the transfer",
               context);
    context.close_udp(fetch_.port);
    fetch_.port = static_cast<std::uint16_t>(fetch_.port == UINT16_MAX ? 1024 : fetch_.port + 1);
    server_ = {};
    tsize_.reset();
    phase_ = Phase::asking;
    progress(context);
    send_request(context);
}

} // namespace muster
