// SPDX-License-Identifier: Apache-2.0
// One port of DPDK: bursts of frames in and out. Its headers stay in dpdk_port.cc: they come with
// compiler flags of their own.
#pragma once

#include "core/addr/mac_address.hh"
#include "core/base/bytes.hh"
#include "core/base/result.hh"
#include "core/base/time.hh"
#include "core/metrics/counter.hh"

#include <memory>
#include <span>
#include <string>

namespace muster {

struct DpdkPortMetrics {
    Counter received; ///< frames
    Counter sent;
    Counter no_buffer;   ///< not sent: all buffers were in flight
    Counter queue_full;  ///< not sent: the port took no more
    Counter in_segments; ///< received in several pieces, larger than the MTU: left out
};

/// A frame that arrived. Borrowed until the next receive().
struct DpdkFrame {
    Bytes bytes;
    bool checksums_trusted = false; ///< verified by hardware, or left out by a virtual device
};

struct DpdkPortOptions {
    std::string eal{}; ///< EAL's arguments, separated by spaces
    /// A virtual device with its arguments (`net_tap0,iface=dtap0`), or a PCI address.
    std::string device{};
    bool promiscuous = false; ///< receives what is for other link addresses, too
    bool offload = true;      ///< has the port compute and verify checksums, if it can
};

/// What is left to the port of a frame that leaves.
struct DpdkOffload {
    /// Of its Ethernet header, behind which IPv4 without options and UDP follow, whose checksums
    /// the port computes (see Checksums::by_port). 0: the frame is as it is to be.
    std::uint16_t link_header = 0;
};

/// Starts DPDK's environment (EAL), once in a process, and one port with one queue each way.
///
/// Thread: open() in the main thread while it is the only one, attach() in the worker's, then all
/// but the metrics in that one.
class DpdkPort {
public:
    static constexpr std::size_t burst = 64;

    /// `warning` gets what the operator should know.
    ///
    /// Errors: one line that says what to look at.
    [[nodiscard]] static Result<std::unique_ptr<DpdkPort>, std::string>
    open(const DpdkPortOptions& options, std::string& warning);
    ~DpdkPort();
    DpdkPort(const DpdkPort&) = delete;
    DpdkPort& operator=(const DpdkPort&) = delete;

    /// Until the link is up, but not longer than that. False: it is still down.
    [[nodiscard]] bool wait_for_link(Duration longest) noexcept;

    /// Makes the calling thread one that DPDK knows.
    void attach() noexcept;

    [[nodiscard]] const MacAddress& mac() const noexcept { return mac_; }
    [[nodiscard]] const std::string& driver() const noexcept { return driver_; }
    [[nodiscard]] bool computes_checksums() const noexcept;

    [[nodiscard]] std::span<const DpdkFrame> receive() noexcept;
    /// Room for a frame of `size` bytes; empty: no buffer is free, which is counted.
    [[nodiscard]] MutableBytes claim(std::size_t size) noexcept;
    /// What was claimed last is a frame of that size; 0: it is none. `offload` only where
    /// computes_checksums().
    void send(std::size_t size, DpdkOffload offload = {}) noexcept;
    /// Lets out what was gathered.
    void flush() noexcept;

    [[nodiscard]] const DpdkPortMetrics& metrics() const noexcept { return metrics_; }
    [[nodiscard]] static std::string version();

private:
    struct State;
    DpdkPort();

    std::unique_ptr<State> state_;
    MacAddress mac_;
    std::string driver_;
    DpdkPortMetrics metrics_;
};

} // namespace muster
