// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/dhcp6_reply.hh"

namespace muster {

namespace {

/// Intel's, which the HTTP boot client of firmware looks for (UEFI 2.10 section 24.7.3).
constexpr std::uint32_t boot_enterprise = 343;
/// From T1 in an IA_NA to the lifetimes of its one address: T1, T2, the option's head, the address.
constexpr std::size_t lifetimes_behind_t1 = 4 + 4 + 4 + 16;
/// This server is the one: a client that hears it need not wait a second for others.
constexpr std::uint8_t preference_max = 255;

/// RFC 8415 section 21.4 recommends these parts of the shortest preferred lifetime.
constexpr std::uint32_t t1_of(std::uint32_t lease_s) noexcept {
    return lease_s / 2;
}
constexpr std::uint32_t t2_of(std::uint32_t lease_s) noexcept {
    return lease_s - lease_s / 5;
}

void write_refused_ia(const Dhcp6Reply& reply, const Dhcp6Ia& ia, Dhcp6Writer& writer) noexcept {
    const auto nested = writer.begin_ia(ia, 0, 0);
    if (reply.revoke && ia.kind == Dhcp6OptionCode::ia_na) {
        for (const Ipv6Address& address : ia.named()) {
            writer.ia_address(address, 0, 0);
        }
    } else if (ia.kind == Dhcp6OptionCode::ia_pd &&
               reply.ia_status == Dhcp6Status::no_addrs_avail) {
        writer.status(Dhcp6Status::no_prefix_avail, {});
    } else {
        writer.status(reply.ia_status, {});
    }
    writer.end_option(nested);
}

/// Returns where T1 stands.
std::size_t write_associations(const Dhcp6Reply& reply, Dhcp6Writer& writer) noexcept {
    std::size_t lease_offset = 0;
    for (const Dhcp6Ia& ia : reply.request.associations()) {
        const bool first = ia.kind == Dhcp6OptionCode::ia_na && lease_offset == 0;
        if (reply.ia_status_for_all || !first || !reply.address) {
            write_refused_ia(reply, ia, writer);
            continue;
        }
        const auto nested = writer.begin_ia(ia, t1_of(reply.lease_s), t2_of(reply.lease_s));
        lease_offset = writer.position() - 8;
        writer.ia_address(*reply.address, reply.lease_s, reply.lease_s);
        writer.end_option(nested);
    }
    return lease_offset;
}

void write_configuration(const Dhcp6Reply& reply, Dhcp6Writer& writer) noexcept {
    if (reply.request.asks_for(Dhcp6OptionCode::dns_servers)) {
        const auto& dns = reply.subnet->dns;
        if (!dns.empty()) {
            writer.option_addresses(Dhcp6OptionCode::dns_servers, dns);
        } else if (!reply.server_address.is_unspecified()) {
            writer.option_addresses(Dhcp6OptionCode::dns_servers,
                                    std::span{&reply.server_address, 1});
        }
    }
    if (reply.request.asks_for(Dhcp6OptionCode::domain_list) && !reply.subnet->domain.empty()) {
        writer.option_domain(Dhcp6OptionCode::domain_list, reply.subnet->domain);
    }
    if (!reply.boot_file) {
        return;
    }
    writer.option_text(Dhcp6OptionCode::bootfile_url, reply.boot_file->name());
    if (reply.client.kind == DhcpClientKind::http_boot) {
        writer.vendor_class(boot_enterprise, "HTTPClient"); // without it an offer is no HTTP boot's
    } // of PXE it would be one that EDK2 wants to hear more of, at port 4011
}

} // namespace

WrittenReply6 write_reply6(const Dhcp6Reply& reply, MutableBytes buffer) noexcept {
    Dhcp6Writer writer{buffer, reply.type, reply.request};
    WrittenReply6 written;
    if (!reply.request.client_id.empty()) {
        writer.option(Dhcp6OptionCode::client_id, reply.request.client_id);
    }
    writer.option(Dhcp6OptionCode::server_id, reply.server_id);
    if (reply.type == Dhcp6MessageType::advertise) {
        writer.option_u8(Dhcp6OptionCode::preference, preference_max);
    } else if (reply.request.type == Dhcp6MessageType::solicit) {
        writer.option(Dhcp6OptionCode::rapid_commit, {});
    }
    if (reply.status) {
        writer.status(*reply.status, reply.status_text);
    }
    written.lease_offset = write_associations(reply, writer);
    if (reply.subnet != nullptr) {
        write_configuration(reply, writer);
    }
    written.size = writer.finish();
    return written;
}

void patch_lifetimes(MutableBytes message, std::size_t lease_offset,
                     std::uint32_t lease_s) noexcept {
    const auto put = [message](std::size_t at, std::uint32_t first, std::uint32_t second) {
        if (at + 8 <= message.size()) {
            ByteWriter writer{message.subspan(at, 8)};
            writer.u32(first);
            writer.u32(second);
        }
    };
    if (lease_offset != 0) {
        put(lease_offset, t1_of(lease_s), t2_of(lease_s));
        put(lease_offset + lifetimes_behind_t1, lease_s, lease_s);
    }
}

} // namespace muster
