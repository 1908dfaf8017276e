// SPDX-License-Identifier: Apache-2.0
// The program as the kernel loads and runs it, on frames that no wire sees.
#include "io/dpdk/xdp_filter.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

namespace muster {
namespace {

using Octets = std::vector<std::uint8_t>;

/// UDP from a machine to 10.66.0.1 port 69.
Octets udp_frame(std::uint16_t port = 69, std::array<std::uint8_t, 4> to = {10, 66, 0, 1}) {
    Octets frame(14 + 20 + 8 + 22);
    frame[12] = 0x08;
    frame[14] = 0x45;
    frame[14 + 9] = 17;
    std::copy(to.begin(), to.end(), frame.begin() + 14 + 16);
    frame[14 + 20 + 2] = static_cast<std::uint8_t>(port >> 8U);
    frame[14 + 20 + 3] = static_cast<std::uint8_t>(port);
    return frame;
}

class XdpFilterTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "the kernel takes programs from root alone";
        }
        XdpFilter filter;
        filter.address = {{10, 66, 0, 1}};
        filter.subnet = {{{10, 66, 0, 0}}, 24};
        filter.ports = {{67}, {69}, {30'000, 4}};
        filter.without_socket = XDP_DROP; // here nobody has one: what is ours is dropped
        object_ = write_xdp_object(make_xdp_filter(filter));
        bpf_.reset(bpf_object__open_mem(object_.data(), object_.size(), nullptr));
        ASSERT_NE(bpf_, nullptr);
        ASSERT_EQ(bpf_object__load(bpf_.get()), 0);
        program_ = bpf_object__next_program(bpf_.get(), nullptr);
    }
    [[nodiscard]] bool is_ours(const Octets& frame) const {
        bpf_test_run_opts run{};
        run.sz = sizeof run;
        run.data_in = frame.data();
        run.data_size_in = static_cast<std::uint32_t>(frame.size());
        EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(program_), &run), 0);
        EXPECT_TRUE(run.retval == XDP_DROP || run.retval == XDP_PASS) << run.retval;
        return run.retval == XDP_DROP;
    }

    struct Close {
        void operator()(bpf_object* object) const { bpf_object__close(object); }
    };
    std::string object_;
    std::unique_ptr<bpf_object, Close> bpf_;
    bpf_program* program_ = nullptr;
};

TEST_F(XdpFilterTest, HasTheNameAndTheMapThatAreLookedFor) {
    EXPECT_STREQ(bpf_program__name(program_), xdp_filter_name);
    const bpf_map* map = bpf_object__find_map_by_name(bpf_.get(), "xsks_map");
    ASSERT_NE(map, nullptr);
    EXPECT_EQ(bpf_map__type(map), BPF_MAP_TYPE_XSKMAP);
    EXPECT_EQ(bpf_map__key_size(map), 4U);
    EXPECT_EQ(bpf_map__value_size(map), 4U);
    EXPECT_EQ(bpf_map__max_entries(map), 64U);
}

TEST_F(XdpFilterTest, OurPortsAndTheirNeighbours) {
    for (const std::uint16_t ours : std::vector<std::uint16_t>{67, 69, 30'000, 30'003}) {
        EXPECT_TRUE(is_ours(udp_frame(ours))) << ours;
    }
    for (const std::uint16_t not_ours :
         std::vector<std::uint16_t>{0, 66, 68, 70, 80, 29'999, 30'004, 65'535}) {
        EXPECT_FALSE(is_ours(udp_frame(not_ours))) << not_ours;
    }
}

TEST_F(XdpFilterTest, ToUsOrToEverybody) {
    EXPECT_TRUE(is_ours(udp_frame(67, {255, 255, 255, 255})));
    EXPECT_TRUE(is_ours(udp_frame(67, {10, 66, 0, 255})));
    EXPECT_FALSE(is_ours(udp_frame(67, {10, 66, 0, 2})));
    EXPECT_FALSE(is_ours(udp_frame(67, {224, 0, 0, 1})));
}

TEST_F(XdpFilterTest, TheRestIsTheKernels) {
    Octets frame = udp_frame();
    frame[14 + 9] = 6; // TCP
    EXPECT_FALSE(is_ours(frame));
    frame = udp_frame();
    frame[12] = 0x86;
    frame[13] = 0xDD; // IPv6
    EXPECT_FALSE(is_ours(frame));
    frame[12] = 0x81;
    frame[13] = 0x00; // tagged
    EXPECT_FALSE(is_ours(frame));
    frame = udp_frame();
    frame[14] = 0x46; // with options
    EXPECT_FALSE(is_ours(frame));
    for (const auto& [at, value] : {std::pair{6, 0x20}, std::pair{6, 0x01}, std::pair{7, 0x08}}) {
        frame = udp_frame();
        frame[static_cast<std::size_t>(14 + at)] = static_cast<std::uint8_t>(value); // a fragment
        EXPECT_FALSE(is_ours(frame)) << at << " " << value;
    }
    frame = udp_frame();
    frame[14 + 6] = 0x40; // "don't fragment" is no fragment
    EXPECT_TRUE(is_ours(frame));
}

TEST_F(XdpFilterTest, AShortFrameIsNotReadPastItsEnd) {
    const Octets whole = udp_frame();
    for (std::size_t size = 14; size <= whole.size(); ++size) {
        EXPECT_EQ(is_ours(Octets(whole.begin(), whole.begin() + static_cast<long>(size))),
                  size >= 14 + 20 + 8)
            << size;
    }
}

} // namespace
} // namespace muster
