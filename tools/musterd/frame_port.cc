// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/frame_port.hh"

#include "core/base/check.hh"
#include "io/host/mapped_read.hh"

#include <unistd.h>

#include <algorithm>

namespace muster {

FramePort::FramePort(std::unique_ptr<DpdkPort> port, Fd tap, const FrameHostOptions& options,
                     bool multicast)
    : port_(std::move(port)), tap_(std::move(tap)), host_(options), multicast_(multicast) {}

void FramePort::open() {
    port_->attach();
    if (tap_.valid()) {
        host_.announce();
    }
}

PortBurst FramePort::receive(const Now& now) {
    if (multicast_ && tap_.valid()) {
        host_.start_igmp(now.steady);
    }
    std::size_t datagrams = 0;
    std::size_t answers = 0;
    const std::span<const DpdkFrame> frames = port_->receive();
    for (const DpdkFrame& frame : frames) {
        const auto checksum = frame.checksums_trusted ? UdpChecksum::trust : UdpChecksum::verify;
        const FrameResult result = host_.receive(frame.bytes, checksum, now.steady);
        if (result.kind == FrameResult::Kind::datagram) {
            datagrams_[datagrams++] = result.datagram;
        } else if (result.kind == FrameResult::Kind::conflict_answer) {
            answers_[answers++] = result.answer;
        }
        if (result.pass_up && tap_.valid()) {
            const ssize_t written = ::write(tap_.get(), frame.bytes.data(), frame.bytes.size());
            (written < 0 ? to_kernel_lost_ : to_kernel_).add();
        }
    }
    const std::uint64_t before = from_kernel_.read();
    if (tap_.valid() && (frames.empty() || ++busy_bursts_ % kernel_bursts == 0)) {
        from_kernel();
    }
    return {std::span{datagrams_}.first(datagrams), std::span{answers_}.first(answers),
            !frames.empty() || from_kernel_.read() != before};
}

/// What the kernel sends by the TAP goes out as it is.
void FramePort::from_kernel() {
    for (std::size_t i = 0; i < DpdkPort::burst; ++i) {
        const MutableBytes room = port_->claim(host_.frame_room());
        if (room.empty()) {
            return; // it waits in the TAP's queue
        }
        const ssize_t size = ::read(tap_.get(), room.data(), room.size());
        if (size <= 0) {
            return;
        }
        from_kernel_.add();
        port_->send(static_cast<std::size_t>(size));
    }
}

DpdkOffload FramePort::left_to_port() const noexcept {
    const FrameHostOptions& options = host_.options();
    const std::size_t tag = options.vlan != 0 ? vlan_tag_size : 0;
    return options.checksums == Checksums::by_port
               ? DpdkOffload{static_cast<std::uint16_t>(ethernet_header_size + tag)}
               : DpdkOffload{};
}

bool FramePort::carries(UdpService service, const Endpoint& destination) const noexcept {
    return service != UdpService::dhcp6 && service != UdpService::icmpv6 &&
           destination.address.is_v4();
}

void FramePort::send(const TxDatagram& datagram, Bytes payload, const Now& now) {
    if (const MutableBytes room = port_->claim(host_.frame_room()); !room.empty()) {
        const DpdkOffload offload = datagram.link ? DpdkOffload{} : left_to_port();
        port_->send(host_.write(room, datagram, payload, now.steady), offload);
    }
}

void FramePort::send(const TxBlocks& blocks, const Now& now) {
    const Bytes content = blocks.content ? blocks.content->bytes : Bytes{};
    if (blocks.content && !blocks.content->intact()) {
        changed_.add(blocks.count);
        return; // nobody gets a mixture of two versions: the transfer ends for want of progress
    }
    const MappedRead reading{content};
    const auto head = host_.head_of(blocks, now.steady);
    const bool summed = head && head->checksums() == Checksums::written;
    const auto sums =
        summed ? sums_.of(blocks.content, blocks.blksize) : std::span<std::uint16_t>{};
    for (std::uint64_t i = 0; i < blocks.count; ++i) {
        const std::uint64_t block = blocks.first_block + i;
        const std::uint64_t offset = (block - 1) * blocks.blksize;
        MUSTER_CHECK(offset <= content.size());
        const Bytes data = content.subspan(
            offset, std::min<std::uint64_t>(blocks.blksize, content.size() - offset));
        const MutableBytes room = port_->claim(host_.frame_room());
        if (room.empty()) {
            continue; // counted
        }
        const std::size_t size =
            head ? host_.write_block(room, *head, block, data,
                                     summed ? BlockSums::sum(sums, block, data) : 0)
                 : host_.write_block(room, blocks, block, data, now.steady);
        if (reading.cut()) {
            changed_.add(blocks.count - i);
            return; // the buffer serves the next claim
        }
        port_->send(size, left_to_port());
    }
}

void FramePort::ask(const ConflictProbe& probe, const Now& now) {
    host_.ask(probe, now.steady);
}

void FramePort::flush(const Now& now) {
    if (host_.next_deadline() <= now.steady) {
        host_.expire(now.steady);
    }
    send_own_frames();
    port_->flush();
}

void FramePort::send_own_frames() {
    for (;;) {
        const MutableBytes room = port_->claim(host_.frame_room());
        const std::size_t size = room.empty() ? 0 : host_.next_frame(room);
        if (size == 0) {
            return;
        }
        port_->send(size);
    }
}

void FramePort::report(Exposition& exposition) const {
    host_.metrics().report(exposition);
    const DpdkPortMetrics& port = port_->metrics();
    exposition.count("muster_dpdk_frames_received_total", {}, "Frames that the port received",
                     port.received.read());
    exposition.count("muster_dpdk_frames_sent_total", {}, "Frames that the port took",
                     port.sent.read());
    constexpr std::string_view lost = "muster_dpdk_frames_lost_total";
    constexpr std::string_view lost_help = "Frames lost at the port, by reason";
    const auto count = [&](std::string_view reason, const Counter& counter) {
        exposition.count(lost, exposition_label("reason", reason), lost_help, counter.read());
    };
    count("no_buffer", port.no_buffer);
    count("queue_full", port.queue_full);
    count("in_segments", port.in_segments);
    count("to_kernel", to_kernel_lost_);
    count("content_changed", changed_);
    constexpr std::string_view shared = "muster_dpdk_kernel_frames_total";
    constexpr std::string_view shared_help = "Frames handed to the kernel by TAP, and back";
    exposition.count(shared, exposition_label("direction", "to"), shared_help, to_kernel_.read());
    exposition.count(shared, exposition_label("direction", "from"), shared_help,
                     from_kernel_.read());
}

} // namespace muster
