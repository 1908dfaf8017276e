// SPDX-License-Identifier: Apache-2.0
#include "io/dpdk/xdp_filter.hh"

#include <endian.h>

#include <cstring>

namespace muster {
namespace {

/// Writes instructions; jumps forward to a place that is named when it comes.
class XdpAssembler {
public:
    enum Register : std::uint8_t { r0, r1, r2, r3, r4, r5, r6 };
    /// Jumps that wait for their target.
    using Jumps = std::vector<std::size_t>;

    void load(std::uint8_t size, Register to, Register from, std::int16_t offset) {
        put(static_cast<std::uint8_t>(BPF_LDX | BPF_MEM | size), to, from, offset, 0);
    }
    void copy(Register to, Register from) { put(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
    void set(Register to, std::int32_t value) {
        put(BPF_ALU64 | BPF_MOV | BPF_K, to, r0, 0, value);
    }
    void add(Register to, std::int32_t value) {
        put(BPF_ALU64 | BPF_ADD | BPF_K, to, r0, 0, value);
    }
    void mask(Register to, std::int32_t value) {
        put(BPF_ALU64 | BPF_AND | BPF_K, to, r0, 0, value);
    }
    void from_network_16(Register to) { put(BPF_ALU | BPF_END | BPF_TO_BE, to, r0, 0, 16); }
    void jump(Jumps& to) { leave(to), put(BPF_JMP | BPF_JA, r0, r0, 0, 0); }
    void jump_if_above(Jumps& to, Register a, Register b) {
        leave(to), put(BPF_JMP | BPF_JGT | BPF_X, a, b, 0, 0);
    }
    /// Compares 32 bits: an address is no negative number.
    void jump_if(Jumps& to, std::uint8_t test, Register a, std::uint32_t value) {
        leave(to);
        put(static_cast<std::uint8_t>(BPF_JMP32 | test | BPF_K), a, r0, 0,
            static_cast<std::int32_t>(value));
    }
    std::size_t load_map(Register to) {
        const std::size_t at = instructions_.size();
        put(BPF_LD | BPF_DW | BPF_IMM, to, r0, 0, 0);
        put(0, r0, r0, 0, 0); // the upper half
        return at;
    }
    void call(std::int32_t helper) { put(BPF_JMP | BPF_CALL, r0, r0, 0, helper); }
    void exit() { put(BPF_JMP | BPF_EXIT, r0, r0, 0, 0); }
    void here(const Jumps& jumps) {
        for (const std::size_t at : jumps) {
            instructions_[at].off = static_cast<std::int16_t>(instructions_.size() - at - 1);
        }
    }
    std::vector<bpf_insn> take() && { return std::move(instructions_); }

private:
    void leave(Jumps& jumps) { jumps.push_back(instructions_.size()); }
    void put(std::uint8_t code, Register to, Register from, std::int16_t offset,
             std::int32_t value) {
        bpf_insn one{};
        one.code = code;
        one.dst_reg = to & 0xFU;
        one.src_reg = from & 0xFU;
        one.off = offset;
        one.imm = value;
        instructions_.push_back(one);
    }

    std::vector<bpf_insn> instructions_;
};

constexpr std::int16_t ethernet = 14;
constexpr std::int16_t ipv4 = 20;
constexpr std::int16_t udp = 8;

std::uint32_t in_network_order(const Ipv4Address& address) noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, address.octets.data(), sizeof value);
    return value;
}

} // namespace

XdpProgram make_xdp_filter(const XdpFilter& filter) {
    using A = XdpAssembler;
    A code;
    A::Jumps pass;
    A::Jumps for_us;
    A::Jumps ours;
    code.copy(A::r6, A::r1);
    code.load(BPF_W, A::r2, A::r1, offsetof(xdp_md, data));
    code.load(BPF_W, A::r3, A::r1, offsetof(xdp_md, data_end));
    code.copy(A::r4, A::r2);
    code.add(A::r4, ethernet + ipv4 + udp);
    code.jump_if_above(pass, A::r4, A::r3); // too short to be one
    code.load(BPF_H, A::r5, A::r2, 12);
    code.jump_if(pass, BPF_JNE, A::r5, htobe16(0x0800));
    code.load(BPF_B, A::r5, A::r2, ethernet);
    code.jump_if(pass, BPF_JNE, A::r5, 0x45); // version 4, no options
    code.load(BPF_B, A::r5, A::r2, ethernet + 9);
    code.jump_if(pass, BPF_JNE, A::r5, 17); // UDP
    code.load(BPF_H, A::r5, A::r2, ethernet + 6);
    code.mask(A::r5, htobe16(0x3FFF)); // more fragments, or not the first
    code.jump_if(pass, BPF_JNE, A::r5, 0);
    code.load(BPF_W, A::r5, A::r2, ethernet + 16);
    code.jump_if(for_us, BPF_JEQ, A::r5, in_network_order(filter.address));
    code.jump_if(for_us, BPF_JEQ, A::r5, in_network_order(Ipv4Address::broadcast()));
    code.jump_if(for_us, BPF_JEQ, A::r5, in_network_order(filter.subnet.broadcast()));
    code.jump(pass);
    code.here(for_us);
    code.load(BPF_H, A::r5, A::r2, ethernet + ipv4 + 2);
    code.from_network_16(A::r5);
    for (const XdpFilter::Ports& ports : filter.ports) {
        A::Jumps next;
        code.jump_if(next, BPF_JLT, A::r5, ports.first);
        code.jump_if(ours, BPF_JLT, A::r5, std::uint32_t{ports.first} + ports.count);
        code.here(next);
    }
    code.here(pass);
    code.set(A::r0, XDP_PASS);
    code.exit();
    code.here(ours);
    XdpProgram program;
    code.load(BPF_W, A::r2, A::r6, offsetof(xdp_md, rx_queue_index));
    program.map_at = code.load_map(A::r1);
    code.set(A::r3, filter.without_socket);
    code.call(BPF_FUNC_redirect_map);
    code.exit();
    program.instructions = std::move(code).take();
    return program;
}

} // namespace muster
