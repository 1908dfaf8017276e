// SPDX-License-Identifier: Apache-2.0
#include "io/dpdk/dpdk_port.hh"

#include "io/dpdk/dpdk_check.hh"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_version.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace muster {

namespace {

constexpr std::uint16_t rx_descriptors = 512;
constexpr std::uint16_t tx_descriptors = 512;
/// What both rings hold, a burst each way, and as much again for a driver that frees late.
constexpr unsigned buffers = 4095;
constexpr std::uint64_t tx_checksums = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
constexpr std::uint64_t rx_checksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;

std::vector<std::string> eal_words(const std::string& eal, const std::string& device) {
    std::vector<std::string> words{"muster"};
    std::istringstream text{eal};
    for (std::string word; text >> word;) {
        words.push_back(word);
    }
    // One of DPDK's own threads is enough: those that serve are ours.
    const bool cores =
        eal.starts_with("-l") || eal.starts_with("-c") || eal.find(" -l") != std::string::npos ||
        eal.find(" -c") != std::string::npos || eal.find("--lcores") != std::string::npos;
    if (const int cpu = sched_getcpu(); !cores && cpu >= 0) {
        words.insert(words.end(), {"-l", std::to_string(cpu)});
    }
    // A virtual device is made, a real one let in: the others stay with whoever has them.
    if (device.starts_with("net_")) {
        words.push_back("--vdev=" + device);
        words.emplace_back("--no-pci");
    } else {
        words.insert(words.end(), {"-a", device});
    }
    return words;
}

/// The socket of a memif that a process left which was killed: bind() would find it in its way.
void remove_stale_socket(const std::string& device) {
    const std::string path = device_argument(device, "socket");
    sockaddr_un address{};
    if (!device.starts_with("net_memif") || path.empty() ||
        path.size() >= sizeof address.sun_path ||
        device_argument(device, "socket-abstract") != "no") {
        return;
    }
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno == ECONNREFUSED) { // it is there, and nobody listens
        ::unlink(path.c_str());
    }
    ::close(socket);
}

std::string rte_text(int error) {
    return rte_strerror(error < 0 ? -error : error);
}

} // namespace

struct DpdkPort::State {
    std::uint16_t port = 0;
    bool started = false;
    bool trusted = false;  ///< see DpdkFrame
    bool computes = false; ///< IPv4's and UDP's checksums of what leaves
    rte_mempool* pool = nullptr;
    std::array<rte_mbuf*, burst> received{};
    std::uint16_t received_count = 0;
    std::array<DpdkFrame, burst> frames{};
    std::array<rte_mbuf*, burst> gathered{};
    std::uint16_t gathered_count = 0;
    rte_mbuf* claimed = nullptr;

    void free_received() noexcept {
        for (std::uint16_t i = 0; i < received_count; ++i) {
            rte_pktmbuf_free(received[i]);
        }
        received_count = 0;
    }
    [[nodiscard]] Result<void, std::string> start(const DpdkPortOptions& options);
};

DpdkPort::DpdkPort() : state_(std::make_unique<State>()) {}

DpdkPort::~DpdkPort() {
    State& state = *state_;
    if (state.pool != nullptr) {
        state.free_received();
        rte_pktmbuf_free(state.claimed);
        for (std::uint16_t i = 0; i < state.gathered_count; ++i) {
            rte_pktmbuf_free(state.gathered[i]);
        }
    }
    if (state.started) {
        rte_eth_dev_stop(state.port);
        rte_eth_dev_close(state.port);
    }
    rte_eal_cleanup();
}

std::string DpdkPort::version() {
    const std::string_view text = rte_version(); // with its name before it
    return std::string{text.substr(text.find(' ') + 1)};
}

Result<std::unique_ptr<DpdkPort>, std::string> DpdkPort::open(const DpdkPortOptions& options,
                                                              std::string& warning) {
    const std::string& eal = options.eal;
    const std::string& device = options.device;
    if (device_argument(device, "role") == "server") {
        remove_stale_socket(device);
    }
    std::vector<std::string> words = eal_words(eal, device);
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    if (eal.find("--no-huge") != std::string::npos) {
        warning = "--dpdk-eal --no-huge: DPDK runs without huge pages, which costs speed and which "
                  "most NICs cannot use";
    }
    // It pins this thread, and so all that come of it, to one core.
    cpu_set_t cores;
    const bool known = sched_getaffinity(0, sizeof cores, &cores) == 0;
    const int begun = rte_eal_init(static_cast<int>(arguments.size()), arguments.data());
    if (known) {
        (void)sched_setaffinity(0, sizeof cores, &cores);
    }
    if (begun < 0) {
        return std::unexpected("--dpdk-eal: DPDK does not start: " + rte_text(rte_errno));
    }
    std::unique_ptr<DpdkPort> opened{new DpdkPort};
    if (auto started = opened->state_->start(options); !started) {
        return std::unexpected("--dpdk-port " + device + ": " + started.error());
    }
    rte_ether_addr mac{};
    rte_eth_dev_info info{};
    if (rte_eth_macaddr_get(opened->state_->port, &mac) != 0 ||
        rte_eth_dev_info_get(opened->state_->port, &info) != 0) {
        return std::unexpected("--dpdk-port " + device + ": has no link address");
    }
    std::memcpy(opened->mac_.octets.data(), mac.addr_bytes, opened->mac_.octets.size());
    opened->driver_ = info.driver_name;
    return opened;
}

Result<void, std::string> DpdkPort::State::start(const DpdkPortOptions& options) {
    const std::string& device = options.device;
    const std::string name = device.substr(0, device.find(','));
    if (rte_eth_dev_get_port_by_name(name.c_str(), &port) != 0) {
        return std::unexpected("DPDK finds no such port (is it bound to a driver of DPDK's?)");
    }
    rte_eth_dev_info info{};
    if (const int error = rte_eth_dev_info_get(port, &info); error != 0) {
        return std::unexpected(rte_text(error));
    }
    const std::string_view driver = info.driver_name;
    // Frames of this host's own kernel come along these without their checksums.
    trusted = driver == "net_af_packet" || driver == "net_af_xdp";
    pool = rte_pktmbuf_pool_create("muster_frames", buffers, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   rte_eth_dev_socket_id(port));
    if (pool == nullptr) {
        return std::unexpected("no memory for its buffers: " + rte_text(rte_errno));
    }
    rte_eth_conf config{};
    computes = options.offload && (info.tx_offload_capa & tx_checksums) == tx_checksums;
    config.txmode.offloads = computes ? tx_checksums : 0;
    config.rxmode.offloads = options.offload ? info.rx_offload_capa & rx_checksums : 0;
    std::uint16_t rx = rx_descriptors;
    std::uint16_t tx = tx_descriptors;
    int error = rte_eth_dev_configure(port, 1, 1, &config);
    if (error == 0) {
        started = true; // from here on it is to be closed
        error = rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx, &tx);
    }
    const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(port));
    if (error == 0) {
        error = rte_eth_rx_queue_setup(port, 0, rx, socket, nullptr, pool);
    }
    if (error == 0) {
        error = rte_eth_tx_queue_setup(port, 0, tx, socket, nullptr);
    }
    if (error == 0) {
        error = rte_eth_dev_start(port);
    }
    if (error != 0) {
        return std::unexpected("cannot be started: " + rte_text(error) +
                               (driver == "net_memif" ? " (is the other side there?)" : ""));
    }
    // IGMP comes to groups. Not every virtual device has the notion, and none of these filters.
    (void)rte_eth_allmulticast_enable(port);
    if (options.promiscuous) {
        (void)rte_eth_promiscuous_enable(port);
    }
    return {};
}

bool DpdkPort::wait_for_link(Duration longest) noexcept {
    constexpr Duration step = std::chrono::milliseconds{10};
    for (Duration waited{}; waited <= longest; waited += step) {
        rte_eth_link link{};
        if (rte_eth_link_get_nowait(state_->port, &link) == 0 &&
            link.link_status == RTE_ETH_LINK_UP) {
            return true;
        }
        std::this_thread::sleep_for(step);
    }
    return false;
}

void DpdkPort::attach() noexcept {
    (void)rte_thread_register(); // without, buffers have no cache of this thread's
}

std::span<const DpdkFrame> DpdkPort::receive() noexcept {
    State& state = *state_;
    state.free_received();
    state.received_count = rte_eth_rx_burst(state.port, 0, state.received.data(), burst);
    metrics_.received.add(state.received_count);
    std::size_t count = 0;
    for (std::uint16_t i = 0; i < state.received_count; ++i) {
        rte_mbuf* const buffer = state.received[i];
        if (buffer->nb_segs != 1) {
            metrics_.in_segments.add();
            continue;
        }
        const bool verified =
            (buffer->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
        state.frames[count++] = {{rte_pktmbuf_mtod(buffer, const std::byte*), buffer->data_len},
                                 verified || state.trusted};
    }
    return std::span{state.frames}.first(count);
}

MutableBytes DpdkPort::claim(std::size_t size) noexcept {
    State& state = *state_;
    if (state.claimed == nullptr) {
        state.claimed = rte_pktmbuf_alloc(state.pool);
    }
    if (state.claimed == nullptr || rte_pktmbuf_tailroom(state.claimed) < size) {
        metrics_.no_buffer.add();
        return {};
    }
    return {rte_pktmbuf_mtod(state.claimed, std::byte*), size};
}

bool DpdkPort::computes_checksums() const noexcept {
    return state_->computes;
}

void DpdkPort::send(std::size_t size, DpdkOffload offload) noexcept {
    State& state = *state_;
    if (size == 0 || state.claimed == nullptr) {
        return; // the buffer serves the next claim
    }
    state.claimed->data_len = static_cast<std::uint16_t>(size);
    state.claimed->pkt_len = static_cast<std::uint32_t>(size);
    if (offload.link_header != 0) {
        state.claimed->ol_flags |=
            RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
        state.claimed->l2_len = offload.link_header & 0x7FU; // all bits that the field has
        state.claimed->l3_len = sizeof(rte_ipv4_hdr);
    }
    state.gathered[state.gathered_count++] = std::exchange(state.claimed, nullptr);
    if (state.gathered_count == burst) {
        flush();
    }
}

void DpdkPort::flush() noexcept {
    State& state = *state_;
    std::uint16_t done = 0;
    // A ring that is full has room again in a moment, or the frames are lost as on a wire.
    for (unsigned tries = 0; done < state.gathered_count && tries < 64; ++tries) {
        done = static_cast<std::uint16_t>(
            done + rte_eth_tx_burst(state.port, 0, state.gathered.data() + done,
                                    static_cast<std::uint16_t>(state.gathered_count - done)));
    }
    metrics_.sent.add(done);
    metrics_.queue_full.add(state.gathered_count - done);
    for (; done < state.gathered_count; ++done) {
        rte_pktmbuf_free(state.gathered[done]);
    }
    state.gathered_count = 0;
}

} // namespace muster
