// SPDX-License-Identifier: Apache-2.0
#include "io/dpdk/dpdk_check.hh"

#include <fmt/format.h>
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace muster {
namespace {

namespace fs = std::filesystem;
using Kind = DpdkFinding::Kind;

/// What one port needs beyond this is little: buffers of 2 KiB and rings.
constexpr std::uint64_t huge_bytes_least = 32U << 20U;

/// Drivers under which DPDK gets at a device. Those of NVIDIA stay the kernel's beside it.
constexpr std::array<std::string_view, 3> userspace_drivers{"vfio-pci", "igb_uio",
                                                            "uio_pci_generic"};
constexpr std::array<std::string_view, 2> shared_drivers{"mlx4_core", "mlx5_core"};

class HostCheck {
public:
    explicit HostCheck(const DpdkCheckOptions& options) : options_(options) {}

    std::vector<DpdkFinding> take() && {
        huge_pages();
        capabilities();
        port();
        split();
        return std::move(findings_);
    }

private:
    void add(Kind kind, std::string what, std::string remedy = {}) {
        findings_.push_back({kind, std::move(what), std::move(remedy)});
    }
    [[nodiscard]] fs::path at(std::string_view path) const {
        return fs::path{options_.root + std::string{path}};
    }
    [[nodiscard]] static bool exists(const fs::path& path) {
        std::error_code error;
        return fs::exists(path, error);
    }
    [[nodiscard]] std::optional<std::string> line_of(const fs::path& path) const {
        std::ifstream in{path};
        std::string line;
        return std::getline(in, line) ? std::optional{line} : std::nullopt;
    }
    [[nodiscard]] std::uint64_t number_of(const fs::path& path, int base = 10) const {
        const std::string text = line_of(path).value_or("0");
        const std::size_t skip = text.starts_with("0x") ? 2 : 0;
        std::uint64_t number = 0;
        std::from_chars(text.data() + skip, text.data() + text.size(), number,
                        skip != 0 ? 16 : base);
        return number;
    }
    [[nodiscard]] bool says(std::string_view word) const {
        return options_.eal.find(word) != std::string::npos;
    }

    void huge_pages();
    void capabilities();
    void port();
    void list_devices();
    void pci_device(std::string address);
    void iommu(const fs::path& device);
    void virtual_device();
    void interface(const std::string& name);
    void split();

    const DpdkCheckOptions& options_;
    std::vector<DpdkFinding> findings_;
};

void HostCheck::huge_pages() {
    if (says("--no-huge")) {
        add(Kind::note,
            "huge pages: not used (--no-huge); slower, and a NIC bound to vfio-pci may "
            "not work without",
            "for a NIC leave --no-huge out");
        return;
    }
    std::uint64_t bytes = 0;
    std::error_code error;
    for (const auto& size : fs::directory_iterator{at("/sys/kernel/mm/hugepages"), error}) {
        const std::string name = size.path().filename(); // hugepages-2048kB
        std::uint64_t kib = 0;
        const std::size_t digits = std::min(name.find('-') + 1, name.size());
        std::from_chars(name.data() + digits, name.data() + name.size(), kib);
        bytes += (kib << 10U) * number_of(size.path() / "free_hugepages");
    }
    if (bytes < huge_bytes_least) {
        add(Kind::missing,
            fmt::format("huge pages: {} MiB are free, {} are needed", bytes >> 20U,
                        huge_bytes_least >> 20U),
            "echo 512 > /proc/sys/vm/nr_hugepages; to have them after a boot, vm.nr_hugepages = "
            "512 in /etc/sysctl.d/; or --dpdk-eal --no-huge, slower");
    } else {
        add(Kind::good, fmt::format("huge pages: {} MiB are free", bytes >> 20U));
    }
    std::ifstream mounts{at("/proc/mounts")};
    for (std::string line; std::getline(mounts, line);) {
        if (line.find(" hugetlbfs ") != std::string::npos) {
            return;
        }
    }
    if (!says("--in-memory")) {
        add(Kind::missing, "huge pages: no hugetlbfs is mounted",
            "mkdir -p /dev/hugepages && mount -t hugetlbfs hugetlbfs /dev/hugepages; or "
            "--in-memory in --dpdk-eal");
    }
}

void HostCheck::capabilities() {
    std::ifstream status{at("/proc/self/status")};
    std::uint64_t effective = 0;
    for (std::string line; std::getline(status, line);) {
        constexpr std::string_view key = "CapEff:\t";
        if (line.starts_with(key)) {
            std::from_chars(line.data() + key.size(), line.data() + line.size(), effective, 16);
        }
    }
    std::string lacking;
    const auto want = [&](unsigned number, std::string_view name) {
        if ((effective >> number & 1U) == 0) {
            lacking += fmt::format("{}{}", lacking.empty() ? "" : ", ", name);
        }
    };
    want(CAP_NET_ADMIN, "CAP_NET_ADMIN");
    want(CAP_NET_RAW, "CAP_NET_RAW");
    if (options_.split == "xdp" || options_.port.starts_with("net_af_xdp")) {
        want(CAP_BPF, "CAP_BPF");
    }
    if (!says("--no-huge") || is_pci_address(options_.port)) {
        want(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
        want(CAP_IPC_LOCK, "CAP_IPC_LOCK");
    }
    if (lacking.empty()) {
        add(Kind::good, "permissions: all that is needed");
    } else {
        add(Kind::missing, "permissions: lacks " + lacking,
            "start musterd as root (it becomes --user once the port is open)");
    }
}

void HostCheck::port() {
    if (options_.port.empty()) {
        list_devices();
    } else if (is_pci_address(options_.port.substr(0, options_.port.find(',')))) {
        pci_device(options_.port.substr(0, options_.port.find(',')));
    } else if (options_.port.starts_with("net_")) {
        virtual_device();
    } else {
        add(Kind::missing,
            fmt::format("port {}: is neither a PCI address (0000:03:00.0) nor a virtual device "
                        "(net_...)",
                        options_.port),
            "name one in --dpdk-port");
    }
}

void HostCheck::list_devices() {
    std::string found;
    std::error_code error;
    for (const auto& device : fs::directory_iterator{at("/sys/bus/pci/devices"), error}) {
        constexpr std::uint64_t ethernet = 0x0200;
        if (number_of(device.path() / "class") >> 8U == ethernet) {
            const fs::path driver = fs::read_symlink(device.path() / "driver", error);
            found += fmt::format("{}{} ({})", found.empty() ? "" : ", ",
                                 device.path().filename().string(),
                                 error ? "no driver" : driver.filename().string());
        }
    }
    add(Kind::note, "port: none is named; NICs of this host: " + (found.empty() ? "none" : found),
        "name one in --dpdk-port");
}

void HostCheck::pci_device(std::string address) {
    if (std::ranges::count(address, ':') == 1) {
        address.insert(0, "0000:");
    }
    const fs::path device = at("/sys/bus/pci/devices/" + address);
    if (!exists(device)) {
        add(Kind::missing, fmt::format("port {}: there is no such PCI device", address),
            "dpdk-devbind.py --status-dev net lists those that there are");
        return;
    }
    std::error_code error;
    const std::string driver = fs::read_symlink(device / "driver", error).filename();
    if (std::ranges::find(shared_drivers, driver) != shared_drivers.end()) {
        add(Kind::good, fmt::format("port {}: driver {}, which DPDK shares", address, driver));
        return;
    }
    if (std::ranges::find(userspace_drivers, driver) != userspace_drivers.end()) {
        add(Kind::good, fmt::format("port {}: driver {}", address, driver));
        if (driver == "vfio-pci") {
            iommu(device);
        }
        return;
    }
    add(Kind::missing,
        error ? fmt::format("port {}: has no driver", address)
              : fmt::format("port {}: driver {} is the kernel's", address, driver),
        fmt::format("modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci {} (the kernel's "
                    "interface goes)",
                    address));
    if (!exists(at("/sys/bus/pci/drivers/vfio-pci"))) {
        add(Kind::missing, "vfio: the module vfio-pci is not loaded", "modprobe vfio-pci");
    }
    iommu(device);
}

void HostCheck::iommu(const fs::path& device) {
    std::error_code error;
    const std::string group = fs::read_symlink(device / "iommu_group", error).filename();
    if (!error) {
        const fs::path file = at("/dev/vfio/" + group);
        if (exists(file) && ::access(file.c_str(), R_OK | W_OK) != 0) {
            add(Kind::missing, fmt::format("IOMMU: /dev/vfio/{} may not be opened", group),
                "start musterd as root, or give its user that file");
        } else {
            add(Kind::good, fmt::format("IOMMU: group {}", group));
        }
        return;
    }
    const auto unsafe =
        line_of(at("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")).value_or("N");
    if (unsafe == "Y") {
        add(Kind::note, "IOMMU: none; vfio runs without (enable_unsafe_noiommu_mode): the NIC can "
                        "write all memory");
    } else {
        add(Kind::missing, "IOMMU: none for this device",
            "switch VT-d or AMD-Vi on in the firmware and boot with intel_iommu=on iommu=pt; or, "
            "without its protection: echo Y > "
            "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
    }
}

void HostCheck::virtual_device() {
    const std::string& device = options_.port;
    const std::string name = device.substr(0, device.find(','));
    if (name.starts_with("net_af_packet") || name.starts_with("net_af_xdp")) {
        const std::string on = device_argument(device, "iface");
        if (on.empty()) {
            add(Kind::missing, fmt::format("port {}: says no interface", name),
                fmt::format("--dpdk-port {},iface=eth1", name));
        } else {
            interface(on);
        }
        return;
    }
    if (name.starts_with("net_tap") && !exists(at("/dev/net/tun"))) {
        add(Kind::missing, "port: there is no /dev/net/tun", "modprobe tun");
        return;
    }
    if (name.starts_with("net_memif")) {
        const std::string socket = device_argument(device, "socket");
        if (device_argument(device, "role") == "client" && !socket.empty() && !exists(socket)) {
            add(Kind::note,
                fmt::format("port {}: the other side is not there yet ({})", name, socket));
            return;
        }
    }
    add(Kind::good, fmt::format("port {}: a virtual device", name));
}

void HostCheck::interface(const std::string& name) {
    const fs::path folder = at("/sys/class/net/" + name);
    if (!exists(folder)) {
        add(Kind::missing, fmt::format("port: there is no interface {}", name),
            "ip link lists those that there are");
        return;
    }
    constexpr std::uint64_t up = 1; // IFF_UP
    if ((number_of(folder / "flags", 16) & up) == 0) {
        add(Kind::missing, fmt::format("port: interface {} is down", name),
            fmt::format("ip link set {} up", name));
        return;
    }
    add(Kind::good, fmt::format("port: interface {} is up", name));
}

void HostCheck::split() {
    if (options_.split == "xdp") {
        const std::string name = device_argument(options_.port, "iface");
        std::error_code error;
        std::size_t queues = 0;
        for (const auto& queue :
             fs::directory_iterator{at("/sys/class/net/" + name + "/queues"), error}) {
            queues += queue.path().filename().string().starts_with("rx-") ? 1U : 0U;
        }
        if (queues > 1) {
            add(Kind::missing,
                fmt::format("split xdp: {} has {} receive queues, and only the first is served",
                            name, queues),
                fmt::format("ethtool -L {} combined 1", name));
        } else {
            add(Kind::good, "split xdp: one receive queue");
        }
    }
    if (options_.split == "tap") {
        const fs::path tun = at("/dev/net/tun");
        if (!exists(tun)) {
            add(Kind::missing, "split tap: there is no /dev/net/tun", "modprobe tun");
        } else if (::access(tun.c_str(), R_OK | W_OK) != 0) {
            add(Kind::missing, "split tap: /dev/net/tun may not be opened",
                "start musterd as root");
        } else {
            add(Kind::good, "split tap: /dev/net/tun is there");
        }
    }
}

} // namespace

std::vector<DpdkFinding> check_dpdk_host(const DpdkCheckOptions& options) {
    return HostCheck{options}.take();
}

bool is_pci_address(const std::string& text) noexcept {
    // [DDDD:]BB:DD.F
    std::string_view rest = text;
    const auto hexadecimal = [&rest](std::size_t digits) {
        const bool good = rest.size() >= digits &&
                          rest.substr(0, digits).find_first_not_of("0123456789abcdefABCDEF") ==
                              std::string_view::npos;
        rest.remove_prefix(std::min(digits, rest.size()));
        return good;
    };
    const auto sign = [&rest](char c) {
        const bool good = rest.starts_with(c);
        rest.remove_prefix(good ? 1 : 0);
        return good;
    };
    if (rest.size() > 7 && (!hexadecimal(4) || !sign(':'))) {
        return false;
    }
    return hexadecimal(2) && sign(':') && hexadecimal(2) && sign('.') && hexadecimal(1) &&
           rest.empty();
}

std::string device_argument(const std::string& device, const std::string& name) {
    const std::string key = "," + name + "=";
    const std::size_t found = device.find(key);
    if (found == std::string::npos) {
        return {};
    }
    const std::size_t begin = found + key.size();
    return device.substr(begin, device.find(',', begin) - begin);
}

} // namespace muster
