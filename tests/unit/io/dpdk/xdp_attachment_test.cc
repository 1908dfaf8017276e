// SPDX-License-Identifier: Apache-2.0
// On the loopback of a network namespace of the test's own.
#include "io/dpdk/xdp_attachment.hh"

#include "io/dpdk/xdp_filter.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <sched.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <thread>

namespace muster {
namespace {

constexpr const char* interface = "lo";
constexpr int index = 1;

/// Runs in a namespace that goes with its thread.
void in_namespace(const std::function<void()>& body) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "namespaces and programs are root's alone";
    }
    std::thread{[&] {
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        body();
    }}.join();
}

std::uint32_t attached() {
    std::uint32_t id = 0;
    EXPECT_EQ(bpf_xdp_query_id(index, 0, &id), 0);
    return id;
}

/// As a process that was killed while DPDK's driver had just attached it.
void leave_ours() {
    XdpFilter filter;
    filter.ports = {{69}};
    const std::string object = write_xdp_object(make_xdp_filter(filter));
    bpf_object* const bpf = bpf_object__open_mem(object.data(), object.size(), nullptr);
    ASSERT_NE(bpf, nullptr);
    ASSERT_EQ(bpf_object__load(bpf), 0);
    EXPECT_EQ(bpf_xdp_attach(index, bpf_program__fd(bpf_object__next_program(bpf, nullptr)),
                             XDP_FLAGS_SKB_MODE, nullptr),
              0);
    bpf_object__close(bpf);
    ASSERT_NE(attached(), 0U);
}

void leave_another() {
    const bpf_insn pass[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS},
                             {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    const Fd program{bpf_prog_load(BPF_PROG_TYPE_XDP, "counts", "GPL", pass, 2, nullptr)};
    ASSERT_TRUE(program.valid());
    ASSERT_EQ(bpf_xdp_attach(index, program.get(), XDP_FLAGS_SKB_MODE, nullptr), 0);
}

TEST(XdpAttachment, WhatAKilledProcessLeftIsRemoved) {
    in_namespace([] {
        EXPECT_TRUE(clear_xdp(interface, index)) << "nothing is there";
        leave_ours();
        EXPECT_TRUE(clear_xdp(interface, index));
        EXPECT_EQ(attached(), 0U);
    });
}

TEST(XdpAttachment, SomebodyElsesStays) {
    in_namespace([] {
        leave_another();
        const std::uint32_t before = attached();
        const auto cleared = clear_xdp(interface, index);
        ASSERT_FALSE(cleared);
        EXPECT_THAT(cleared.error(), ::testing::HasSubstr("XDP on lo: there is a program already "
                                                          "('counts')"));
        EXPECT_FALSE(hold_xdp(interface, index));
        EXPECT_EQ(attached(), before);
    });
}

TEST(XdpAttachment, WhatIsHeldGoesWithItsDescriptor) {
    in_namespace([] {
        EXPECT_FALSE(hold_xdp(interface, index)) << "there is none";
        leave_ours();
        {
            const auto held = hold_xdp(interface, index);
            ASSERT_TRUE(held) << held.error();
            EXPECT_NE(attached(), 0U);
            const auto cleared = clear_xdp(interface, index);
            ASSERT_FALSE(cleared) << "one that is served is not taken away";
            EXPECT_THAT(cleared.error(), ::testing::HasSubstr("another musterd has it"));
            EXPECT_NE(attached(), 0U);
        }
        EXPECT_EQ(attached(), 0U);
    });
}

} // namespace
} // namespace muster
