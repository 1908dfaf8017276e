// SPDX-License-Identifier: Apache-2.0
// Frames that a host has to keep: those that wait for a link address, and its own answers until
// the driver takes them. Fixed memory.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/bytes.hh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace muster {

class FramePool {
public:
    /// `count` frames of at most `room` bytes.
    FramePool(std::uint32_t count, std::uint32_t room)
        : room_(room), bytes_(std::size_t{count} * room), frames_(count), ready_(count) {
        free_.reserve(count);
        for (std::uint32_t i = count; i > 0; --i) {
            free_.push_back(i - 1);
        }
    }

    /// Room for one frame; empty: all are taken. Until it is given to send() or hold() by the next
    /// call, nothing is taken.
    [[nodiscard]] MutableBytes room() noexcept {
        return free_.empty() ? MutableBytes{} : bytes_of(free_.back());
    }
    /// The first `size` bytes of room() are a frame, to leave when the driver asks.
    void send(std::size_t size) noexcept { make_ready(take(size)); }
    /// They are one that waits for the link address of `next_hop`, its first six bytes.
    void hold(std::size_t size, const Ipv4Address& next_hop) noexcept {
        const std::uint32_t frame = take(size);
        frames_[frame].next_hop = next_hop;
        frames_[frame].held = true;
        ++held_;
    }
    [[nodiscard]] std::uint32_t held() const noexcept { return held_; }
    [[nodiscard]] std::uint32_t held(const Ipv4Address& next_hop) const noexcept {
        std::uint32_t count = 0;
        for (const Frame& frame : frames_) {
            count += frame.held && frame.next_hop == next_hop ? 1U : 0U;
        }
        return count;
    }
    /// What waits for it leaves now. Returns: how many.
    std::uint32_t release(const Ipv4Address& next_hop, const MacAddress& mac) noexcept {
        return end_hold(next_hop, [&](std::uint32_t frame) {
            std::memcpy(bytes_of(frame).data(), mac.octets.data(), mac.octets.size());
            make_ready(frame);
        });
    }
    /// What waits for it never leaves. Returns: how many.
    std::uint32_t drop(const Ipv4Address& next_hop) noexcept {
        return end_hold(next_hop, [&](std::uint32_t frame) { free_.push_back(frame); });
    }

    /// Copies the frame that is to leave next. Returns: its size; 0: there is none.
    [[nodiscard]] std::size_t next(MutableBytes out) noexcept {
        if (ready_count_ == 0) {
            return 0;
        }
        const std::uint32_t frame = ready_[ready_first_];
        ready_first_ = (ready_first_ + 1) % ready_.size();
        --ready_count_;
        const std::size_t size = std::min<std::size_t>(frames_[frame].size, out.size());
        std::memcpy(out.data(), bytes_of(frame).data(), size);
        free_.push_back(frame);
        return size;
    }
    [[nodiscard]] bool has_next() const noexcept { return ready_count_ > 0; }

private:
    struct Frame {
        std::uint32_t size = 0;
        Ipv4Address next_hop;
        bool held = false;
    };

    [[nodiscard]] MutableBytes bytes_of(std::uint32_t frame) noexcept {
        return MutableBytes{bytes_}.subspan(std::size_t{frame} * room_, room_);
    }
    [[nodiscard]] std::uint32_t take(std::size_t size) noexcept {
        const std::uint32_t frame = free_.back();
        free_.pop_back();
        frames_[frame] = {};
        frames_[frame].size = static_cast<std::uint32_t>(size);
        return frame;
    }
    void make_ready(std::uint32_t frame) noexcept {
        ready_[(ready_first_ + ready_count_) % ready_.size()] = frame;
        ++ready_count_;
    }
    template <class Call>
    std::uint32_t end_hold(const Ipv4Address& next_hop, Call&& call) noexcept {
        std::uint32_t count = 0;
        // In order of their places, which for a burst to one neighbour is the order of time.
        for (std::uint32_t i = 0; i < frames_.size() && held_ > 0; ++i) {
            if (frames_[i].held && frames_[i].next_hop == next_hop) {
                frames_[i].held = false;
                --held_;
                ++count;
                call(i);
            }
        }
        return count;
    }

    std::uint32_t room_;
    std::vector<std::byte> bytes_;
    std::vector<Frame> frames_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> ready_; ///< a ring
    std::size_t ready_first_ = 0;
    std::size_t ready_count_ = 0;
    std::uint32_t held_ = 0;
};

} // namespace muster
