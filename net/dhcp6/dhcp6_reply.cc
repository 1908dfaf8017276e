// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp6/dhcp6_reply.hh"

#include <bitset>

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

/// Writes what a client is told beside its address, each option once.
class Configuration6 {
public:
    Configuration6(const Dhcp6Reply& reply, Dhcp6Writer& writer) noexcept
        : reply_(reply), writer_(writer) {}

    void write() noexcept {
        if (reply_.boot_file) {
            write_boot_file(); // before what may find no room any more
        }
        for (const Dhcp6OptionCode code :
             {Dhcp6OptionCode::dns_servers, Dhcp6OptionCode::domain_list}) {
            if (reply_.request.asks_for(code) &&
                !write_from_site(static_cast<std::uint8_t>(code))) {
                write_from_keys(code);
            }
        }
        if (reply_.options != nullptr) {
            reply_.options->for_each_code([this](std::uint8_t code) {
                if (reply_.options->find(code)->always ||
                    reply_.request.asks_for(Dhcp6OptionCode{code})) {
                    (void)write_from_site(code);
                }
            });
        }
    }

private:
    void write_boot_file() noexcept {
        done_.set(static_cast<std::size_t>(Dhcp6OptionCode::bootfile_url));
        writer_.option_text(Dhcp6OptionCode::bootfile_url, reply_.boot_file->name());
        if (reply_.client.kind == DhcpClientKind::http_boot) {
            // Without it an offer is no HTTP boot's; of PXE it would be one that EDK2 wants to
            // hear more of, at port 4011.
            writer_.vendor_class(boot_enterprise, "HTTPClient");
        }
    }

    /// True when the site says what is to be sent, or that nothing is; what has no room is left
    /// out.
    bool write_from_site(std::uint8_t code) noexcept {
        constexpr std::size_t head = 4;
        if (done_[code]) {
            return true;
        }
        const auto* const entry = reply_.options == nullptr ? nullptr : reply_.options->find(code);
        if (entry == nullptr) {
            return false;
        }
        done_.set(code);
        if (Dhcp6OptionCode{code} == Dhcp6OptionCode::bootfile_param && !tells_boot_file()) {
            return true; // parameters of nothing
        }
        const Bytes value{entry->value};
        if (Dhcp6OptionCode{code} == Dhcp6OptionCode::ntp_servers) {
            write_ntp_servers(value);
        } else if (!value.empty() && head + value.size() <= writer_.room()) {
            writer_.option(Dhcp6OptionCode{code}, value);
        }
        return true;
    }

    [[nodiscard]] bool tells_boot_file() const noexcept {
        const auto* const url =
            reply_.options->find(static_cast<std::uint8_t>(Dhcp6OptionCode::bootfile_url));
        return reply_.boot_file || (url != nullptr && !url->value.empty());
    }

    /// The value holds a sub-option for each server; each goes out as an option of its own, since
    /// an option may name one server only (RFC 5908 section 4).
    void write_ntp_servers(Bytes value) noexcept {
        constexpr std::size_t head = 4;
        while (!value.empty()) {
            ByteReader reader{value};
            std::size_t size = value.size(); // of no sub-option: goes out as it was given
            if (reader.u16()) {
                if (const auto told = reader.u16(); told && *told <= reader.remaining()) {
                    size = head + *told;
                }
            }
            if (head + size > writer_.room()) {
                return;
            }
            writer_.option(Dhcp6OptionCode::ntp_servers, value.first(size));
            value = value.subspan(size);
        }
    }

    /// What the subnet says by keys of its own.
    void write_from_keys(Dhcp6OptionCode code) noexcept {
        done_.set(static_cast<std::size_t>(code));
        if (code == Dhcp6OptionCode::domain_list) {
            if (!reply_.subnet->domain.empty()) {
                writer_.option_domain(code, reply_.subnet->domain);
            }
        } else if (!reply_.subnet->dns.empty()) {
            writer_.option_addresses(code, reply_.subnet->dns);
        } else if (!reply_.server_address.is_unspecified()) {
            writer_.option_addresses(code, std::span{&reply_.server_address, 1});
        }
    }

    const Dhcp6Reply& reply_;
    Dhcp6Writer& writer_;
    std::bitset<256> done_;
};

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
        Configuration6{reply, writer}.write();
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
