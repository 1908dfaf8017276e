// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/machines.hh"

#include "core/base/prng.hh"
#include "net/client/boot_machine.hh"
#include "net/client/firmware.hh"
#include "net/client/load_machines.hh"

#include "tools/muster/text.hh"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace muster::load {
namespace {

std::vector<std::byte> read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary | std::ios::ate};
    const auto size = static_cast<std::streamoff>(file.tellg());
    std::vector<std::byte> bytes(size > 0 ? static_cast<std::size_t>(size) : 0);
    file.seekg(0);
    file.read(reinterpret_cast<char*>(bytes.data()), size);
    if (!file) {
        throw UsageError{fmt::format("--verify: cannot read '{}'", cli::printable(path))};
    }
    return bytes;
}

/// Each fetch of TFTP leaves from ports of its own, so that what a server still sends of the last
/// one is not taken for this one's: sixteen ranges of a thousand.
std::uint16_t first_port(std::uint64_t turn) noexcept {
    return static_cast<std::uint16_t>(49152 + turn % 16 * 1000);
}

} // namespace

struct Machines::Storm {
    FirmwareMix firmware;
    InstallerModel installer;
};

Machines::Machines(const Options& options, const ClientLink* link)
    : options_(options), link_(link) {
    if (options.server != IpAddress{}) {
        const auto own = source_towards(options.server);
        if (!own && link == nullptr) {
            throw Failure{fmt::format("there is no way from here to {}", to_text(options.server))};
        }
        own_ = own.value_or(IpAddress{});
    }
    if (options.addresses && !options.relay && options.addresses->count() < options.clients) {
        throw UsageError{fmt::format("--addresses: {} addresses are not enough for {} clients",
                                     options.addresses->count(), options.clients)};
    }
    if (options.relay && !options.server.v4()) {
        throw UsageError{"--mode relay: --server has to be an IPv4 address"};
    }
    if (options.relay && !options.addresses && link->address.is_unspecified()) {
        throw UsageError{fmt::format("--mode relay: {} has no IPv4 address, so --addresses has to "
                                     "say the relay agent's",
                                     link->name)};
    }
    if (!options.verify.empty()) {
        file_ = read_file(options.verify);
        expected_ = file_;
    }
    if (options.kind == Kind::storm) {
        auto mix = FirmwareMix::read(options.firmware);
        if (!mix) {
            throw UsageError{"--firmware: " + mix.error()};
        }
        storm_ = std::make_unique<Storm>(Storm{.firmware = std::move(*mix), .installer = {}});
        if (options.installer.packages > 0) {
            storm_->installer.kind = InstallerModel::Kind::packages;
            storm_->installer.packages = options.installer.packages;
        }
    }
}

Machines::~Machines() = default;

Ipv4Address Machines::address_of(MachineIndex index) const noexcept {
    if (!options_.addresses) {
        return {};
    }
    const auto offset = static_cast<std::uint32_t>(index % options_.addresses->count());
    return from_number(to_number(options_.addresses->first) + offset);
}

Endpoint Machines::server(std::uint16_t usual_port) const noexcept {
    return {options_.server, options_.port != 0 ? options_.port : usual_port};
}

ClientIdentity Machines::identity(MachineIndex index) const {
    ClientIdentity identity;
    identity.index = index;
    // Locally administered; of another seed, other machines, as a server remembers those it knows.
    Prng of_seed{options_.seed};
    const std::uint64_t site = of_seed.next();
    identity.mac = {{0x02, static_cast<std::uint8_t>(site), static_cast<std::uint8_t>(site >> 8U),
                     static_cast<std::uint8_t>(index >> 16U),
                     static_cast<std::uint8_t>(index >> 8U), static_cast<std::uint8_t>(index)}};
    Prng prng{options_.seed ^ (std::uint64_t{index} << 32U)};
    for (std::uint8_t& octet : identity.uuid) {
        octet = static_cast<std::uint8_t>(prng.next());
    }
    if (options_.kind != Kind::dhcp && options_.kind != Kind::storm) {
        identity.address = address_of(index);
    }
    return identity;
}

std::unique_ptr<ClientMachine> Machines::make(MachineIndex index, std::uint64_t turn) const {
    const Bytes* expected = options_.verify.empty() ? nullptr : &expected_;
    switch (options_.kind) {
    case Kind::dhcp: {
        DhcpLoadOptions dhcp;
        dhcp.seed = static_cast<std::uint32_t>(options_.seed + turn);
        if (options_.relay) {
            dhcp.mode = DhcpLoadOptions::Mode::relay;
            dhcp.server = options_.server.v4().value_or(Ipv4Address{});
            dhcp.relay = options_.addresses ? address_of(index) : link_->address;
        }
        return make_dhcp_load_machine(dhcp);
    }
    case Kind::tftp:
    case Kind::multicast: {
        TftpLoadOptions tftp;
        tftp.local = options_.addresses ? IpAddress{} : own_;
        tftp.server = server(69);
        tftp.name = options_.file;
        tftp.blksize = options_.blksize;
        tftp.windowsize = options_.windowsize;
        tftp.multicast = options_.kind == Kind::multicast;
        tftp.expected = expected;
        tftp.first_port = first_port(turn);
        return make_tftp_load_machine(tftp);
    }
    case Kind::http: {
        HttpLoadOptions http;
        http.server = server(80);
        http.target = options_.path;
        http.new_connections = options_.new_connections;
        http.expected = expected;
        return make_http_load_machine(http);
    }
    case Kind::storm: {
        BootMachineOptions boot;
        boot.firmware = &storm_->firmware.of(index);
        boot.installer = storm_->installer;
        boot.seed = options_.seed ^ (std::uint64_t{index} << 20U);
        boot.own_time = options_.own_time;
        return make_boot_machine(boot);
    }
    }
    __builtin_unreachable();
}

} // namespace muster::load
