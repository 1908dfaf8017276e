// SPDX-License-Identifier: Apache-2.0
#include "io/dpdk/xdp_attachment.hh"

#include "io/dpdk/xdp_filter.hh"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstring>

namespace muster {
namespace {

std::unexpected<std::string> xdp_error(const std::string& interface, const std::string& what,
                                       int error) {
    return std::unexpected("XDP on " + interface + ": " + what + ": " +
                           std::strerror(error < 0 ? -error : error)); // NOLINT: one thread
}

/// The program that is attached; an Fd that is not valid: none is.
Result<Fd, std::string> attached_program(const std::string& interface, std::uint32_t index) {
    std::uint32_t id = 0;
    if (const int error = bpf_xdp_query_id(static_cast<int>(index), 0, &id); error != 0) {
        return xdp_error(interface, "cannot be looked at", error);
    }
    if (id == 0) {
        return Fd{};
    }
    Fd program{bpf_prog_get_fd_by_id(id)};
    if (!program.valid()) {
        return xdp_error(interface, "program " + std::to_string(id), errno);
    }
    return program;
}

std::string name_of(const Fd& program) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    return bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0 ? info.name : "";
}

} // namespace

Result<void, std::string> clear_xdp(const std::string& interface, std::uint32_t index) {
    const auto program = attached_program(interface, index);
    if (!program) {
        return std::unexpected(program.error());
    }
    if (!program->valid()) {
        return {};
    }
    if (const std::string name = name_of(*program); name != xdp_filter_name) {
        return std::unexpected("XDP on " + interface + ": there is a program already ('" + name +
                               "'); if nobody needs it: ip link set " + interface + " xdp off");
    }
    if (const int error = bpf_xdp_detach(static_cast<int>(index), 0, nullptr); error != 0) {
        return xdp_error(interface, "another musterd has it", error);
    }
    return {};
}

Result<Fd, std::string> hold_xdp(const std::string& interface, std::uint32_t index) {
    auto program = attached_program(interface, index);
    if (!program) {
        return program;
    }
    if (!program->valid() || name_of(*program) != xdp_filter_name) {
        return std::unexpected("XDP on " + interface + ": the program was not attached");
    }
    // A link does not take over what is attached without one.
    if (const int error = bpf_xdp_detach(static_cast<int>(index), 0, nullptr); error != 0) {
        return xdp_error(interface, "cannot be changed", error);
    }
    Fd link{bpf_link_create(program->get(), static_cast<int>(index), BPF_XDP, nullptr)};
    if (!link.valid()) {
        return xdp_error(interface, "no link to the program (Linux 5.9 or later)", errno);
    }
    return link;
}

} // namespace muster
