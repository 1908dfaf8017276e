// SPDX-License-Identifier: Apache-2.0
#include "io/dpdk/dpdk_check.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace muster {
namespace {

namespace fs = std::filesystem;
using Kind = DpdkFinding::Kind;

/// A host as /proc, /sys and /dev would tell of it; what a test does not change is in order.
class DpdkCheck : public ::testing::Test {
protected:
    void SetUp() override {
        root_ = fs::path{::testing::TempDir()} /
                ("dpdk-check-" +
                 std::string{::testing::UnitTest::GetInstance()->current_test_info()->name()});
        fs::remove_all(root_);
        write("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "512");
        write("/proc/mounts", "none /dev/hugepages hugetlbfs rw 0 0");
        write("/proc/self/status", "Name:\tmusterd\nCapEff:\t000001ffffffffff");
        write("/dev/net/tun", "");
        write("/sys/bus/pci/drivers/vfio-pci/bind", "");
        write(device_ + "/class", "0x020000");
        bind("vfio-pci");
        link(device_ + "/iommu_group", "/sys/kernel/iommu_groups/7");
    }
    void TearDown() override { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& text) {
        fs::create_directories(
            (root_.string() + path).substr(0, (root_.string() + path).rfind('/')));
        std::ofstream{root_.string() + path} << text << "\n";
    }
    void link(const std::string& path, const std::string& to) {
        fs::create_directories(root_.string() + to);
        fs::remove(root_.string() + path);
        fs::create_directory_symlink(root_.string() + to, root_.string() + path);
    }
    void bind(const std::string& driver) {
        link(device_ + "/driver", "/sys/bus/pci/drivers/" + driver);
    }
    void remove(const std::string& path) { fs::remove_all(root_.string() + path); }

    /// What is missing, a finding a line, with its remedy behind an arrow.
    [[nodiscard]] std::string missing(DpdkCheckOptions options = {}) {
        options.root = root_.string();
        std::string text;
        for (const DpdkFinding& finding : check_dpdk_host(options)) {
            if (finding.kind == Kind::missing) {
                text += finding.what + " -> " + finding.remedy + "\n";
            }
        }
        return text;
    }
    [[nodiscard]] std::string missing_of_nic() { return missing({.port = "03:00.0"}); }

    fs::path root_;
    std::string device_ = "/sys/bus/pci/devices/0000:03:00.0";
};

TEST_F(DpdkCheck, NothingIsMissingWhereAllIsThere) {
    EXPECT_EQ(missing_of_nic(), "");
    EXPECT_EQ(missing({.port = "0000:03:00.0,some=argument"}), "");
}

TEST_F(DpdkCheck, HugePagesAreCountedFreeOnes) {
    write("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "15"); // 30 MiB
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("30 MiB are free, 32 are needed"));
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("nr_hugepages"));
    write("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "1");
    EXPECT_EQ(missing_of_nic(), "");
}

TEST_F(DpdkCheck, HugePagesWantTheirFileSystem) {
    write("/proc/mounts", "proc /proc proc rw 0 0");
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("no hugetlbfs is mounted"));
    EXPECT_EQ(missing({.eal = "--in-memory", .port = "03:00.0"}), "");
}

TEST_F(DpdkCheck, WithoutHugePagesNoneAreWanted) {
    write("/proc/mounts", "");
    write("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0");
    EXPECT_EQ(missing({.eal = "-m 64 --no-huge", .port = "net_tap0"}), "");
}

TEST_F(DpdkCheck, CapabilitiesAreNamed) {
    write("/proc/self/status", "CapEff:\t0000000000001000"); // CAP_NET_ADMIN alone
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("lacks CAP_NET_RAW, CAP_SYS_ADMIN, "
                                                       "CAP_IPC_LOCK -> start musterd as root"));
    EXPECT_THAT(missing({.eal = "--no-huge", .port = "net_tap0"}),
                ::testing::HasSubstr("lacks CAP_NET_RAW ->"));
    EXPECT_THAT(missing({.eal = "--no-huge", .port = "net_null0", .split = "xdp"}),
                ::testing::HasSubstr("lacks CAP_NET_RAW, CAP_BPF ->"));
}

TEST_F(DpdkCheck, APortThatTheKernelHasIsToBeBound) {
    bind("ixgbe");
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("driver ixgbe is the kernel's -> modprobe "
                                                       "vfio-pci && dpdk-devbind.py "
                                                       "--bind=vfio-pci 0000:03:00.0"));
    remove("/sys/bus/pci/drivers/vfio-pci");
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("vfio-pci is not loaded"));
    remove(device_ + "/driver");
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("has no driver"));
    remove(device_);
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("there is no such PCI device"));
}

TEST_F(DpdkCheck, ADriverThatIsSharedNeedsNoIommu) {
    bind("mlx5_core");
    remove(device_ + "/iommu_group");
    EXPECT_EQ(missing_of_nic(), "");
}

TEST_F(DpdkCheck, VfioWantsAnIommuOrTheWordThatItDoesNot) {
    remove(device_ + "/iommu_group");
    EXPECT_THAT(missing_of_nic(), ::testing::HasSubstr("IOMMU: none for this device -> switch"));
    write("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y");
    EXPECT_EQ(missing_of_nic(), "");
}

TEST_F(DpdkCheck, AnInterfaceBelowIsThereAndUp) {
    const std::string port = "net_af_packet0,iface=eth1,blocksz=4096";
    EXPECT_THAT(missing({.port = port}), ::testing::HasSubstr("there is no interface eth1"));
    write("/sys/class/net/eth1/flags", "0x1002");
    EXPECT_THAT(missing({.port = port}), ::testing::HasSubstr("down -> ip link set eth1 up"));
    write("/sys/class/net/eth1/flags", "0x1003");
    EXPECT_EQ(missing({.port = port}), "");
    EXPECT_THAT(missing({.port = "net_af_xdp0"}), ::testing::HasSubstr("says no interface"));
}

TEST_F(DpdkCheck, TheTapSplitNeedsTun) {
    remove("/dev/net/tun");
    EXPECT_THAT(missing({.port = "net_null0"}), ::testing::HasSubstr("split tap: there is no "
                                                                     "/dev/net/tun"));
    EXPECT_EQ(missing({.port = "net_null0", .split = "xdp"}), "");
}

TEST_F(DpdkCheck, TheXdpSplitServesOneQueue) {
    write("/sys/class/net/eth1/flags", "0x1003");
    write("/sys/class/net/eth1/queues/rx-0/rps_cpus", "0");
    write("/sys/class/net/eth1/queues/tx-0/xps_cpus", "0");
    EXPECT_EQ(missing({.port = "net_af_xdp0,iface=eth1", .split = "xdp"}), "");
    write("/sys/class/net/eth1/queues/rx-1/rps_cpus", "0");
    EXPECT_THAT(missing({.port = "net_af_xdp0,iface=eth1", .split = "xdp"}),
                ::testing::HasSubstr("eth1 has 2 receive queues, and only the first is served -> "
                                     "ethtool -L eth1 combined 1"));
}

TEST_F(DpdkCheck, WithoutAPortItListsThose) {
    bind("ixgbe");
    const auto findings = check_dpdk_host({.root = root_.string()});
    EXPECT_THAT(findings, ::testing::Contains(::testing::Field(
                              &DpdkFinding::what,
                              ::testing::HasSubstr("NICs of this host: 0000:03:00.0 (ixgbe)"))));
    EXPECT_THAT(missing({.port = "eth0"}), ::testing::HasSubstr("port eth0: is neither"));
}

TEST(DpdkNames, PciAddresses) {
    for (const char* good : {"03:00.0", "0000:03:00.0", "abcd:FF:1f.7"}) {
        EXPECT_TRUE(is_pci_address(good)) << good;
    }
    for (const char* bad : {"", "3:00.0", "net_tap0", "0000:03:00", "0000:03:00.0x", "g000:03:00.0",
                            "0000-03:00.0", "00:00:03:00.0"}) {
        EXPECT_FALSE(is_pci_address(bad)) << bad;
    }
}

TEST(DpdkNames, ArgumentsOfADevice) {
    EXPECT_EQ(device_argument("net_memif0,role=server,id=0", "role"), "server");
    EXPECT_EQ(device_argument("net_memif0,role=server,id=0", "id"), "0");
    EXPECT_EQ(device_argument("net_memif0,role=server", "socket"), "");
    EXPECT_EQ(device_argument("net_memif0", "role"), "");
}

} // namespace
} // namespace muster
