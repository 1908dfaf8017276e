// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/dhcp_reply.hh"

#include "core/base/check.hh"

#include <algorithm>
#include <bitset>
#include <span>

namespace muster {

namespace {

/// Boot the file named, ask nobody and show nothing: discovery control (tag 6) with bit 3, a
/// prompt (tag 10) of 0 seconds. Ends EDK2's discovery with this one offer.
/// Source: PXE 2.1 section 2.2.3.
constexpr std::string_view one_shot{"\x06\x01\x08\x0A\x04\x00\x50\x58\x45\xFF", 10};
/// iPXE: no proxyDHCP here, do not wait for one (175.176 = 1), then the end mark.
constexpr std::string_view no_proxy_dhcp{"\xB0\x01\x01\xFF", 4};

/// What a client without option 55 gets: what RFC 1122 wants of a host, and a boot file.
constexpr std::array<std::uint8_t, 8> default_list{1, 3, 6, 12, 15, 28, 66, 67};
/// Sent whether asked for or not.
constexpr std::array required{DhcpOptionCode::subnet_mask, DhcpOptionCode::domain_name_server,
                              DhcpOptionCode::vendor_class, DhcpOptionCode::vendor_specific,
                              DhcpOptionCode::client_machine};
constexpr std::size_t name_servers_max = 16;
constexpr auto boot_file_code = static_cast<std::uint8_t>(DhcpOptionCode::bootfile_name);

/// Options that make a client boot what it shall: where it gets a boot file the site's say is in
/// the profile, not in these, for the header and all of them must tell the same.
constexpr std::array boot_options{DhcpOptionCode::vendor_specific, DhcpOptionCode::tftp_server_name,
                                  DhcpOptionCode::bootfile_name,
                                  DhcpOptionCode::tftp_server_addresses};
/// What boot clients need beside the essentials, each with its two bytes of head: mask, router and
/// one name server, 60, 43, 97, 66, 67, 175. Options of the site leave room for it.
constexpr std::size_t boot_room = 3 * 6 + 12 + 12 + 19 + 18 + 67 + 6;

/// The smallest limit a client can set, and what every reply holds: message type, server
/// identifier, three times, the longest option 82 and `end`. It always fits.
constexpr std::size_t smallest_limit = 576 - dhcp_ip_overhead; // RFC 2132 section 9.10
constexpr std::size_t essential_size = dhcp_fixed_size + 3 + 6 + 3 * 6 + 257 + 1;
static_assert(essential_size <= smallest_limit);
static_assert(dhcp_fixed_size + 3 + 6 + 3 * 6 + boot_room + 1 <= smallest_limit);

/// 7/8 of a time without overflow (RFC 2131 section 4.4.5).
constexpr std::uint32_t seven_eighths(std::uint32_t seconds) noexcept {
    return seconds - seconds / 8;
}

std::size_t size_limit(const DhcpMessage& request,
                       const std::optional<DhcpOption>& relay) noexcept {
    if (request.is_bootp()) {
        // The relay takes its option out again before the client sees the message.
        return dhcp_message_size_min + (relay ? 2 + relay->value.size() : 0);
    }
    const std::size_t told = request.u16(DhcpOptionCode::maximum_message_size).value_or(0);
    return std::clamp(std::max(told, dhcp_ip_overhead) - dhcp_ip_overhead, smallest_limit,
                      dhcp_message_size_max);
}

/// Writes the options of one reply, each once.
class OptionList {
public:
    OptionList(const DhcpReply& reply, DhcpWriter& writer) noexcept
        : reply_(reply), writer_(writer) {}

    void put(DhcpOptionCode code) noexcept {
        const auto bit = static_cast<std::uint8_t>(code);
        if (!done_[bit]) {
            done_.set(bit);
            if (!write_from_site(code)) {
                write(code);
            }
        }
    }

    /// What the site wants sent to those that did not ask, too; all of it to a client that did not
    /// say what it wants.
    void put_from_site(bool all) noexcept {
        if (reply_.options != nullptr) {
            reply_.options->for_each_code([&](std::uint8_t code) {
                if (all || reply_.options->find(code)->always) {
                    put(static_cast<DhcpOptionCode>(code));
                }
            });
        }
    }

private:
    /// True when the site says what is to be sent, or that nothing is.
    bool write_from_site(DhcpOptionCode code) noexcept {
        const auto* const entry = reply_.options == nullptr
                                      ? nullptr
                                      : reply_.options->find(static_cast<std::uint8_t>(code));
        if (entry == nullptr || (reply_.boot_file && is_boot_option(code))) {
            return false;
        }
        const Bytes value{entry->value};
        if (reply_.boot_file && writer_.room() < boot_room + 2 + value.size()) {
            return true;
        }
        if (value.size() > UINT8_MAX) {
            if (!reply_.client.boots() && !reply_.request.is_bootp()) {
                writer_.option_in_parts(code, value);
            }
        } else if (!value.empty()) {
            writer_.option(code, value);
        }
        return true;
    }

    static bool is_boot_option(DhcpOptionCode code) noexcept {
        return std::find(boot_options.begin(), boot_options.end(), code) != boot_options.end();
    }

    void write(DhcpOptionCode code) noexcept {
        switch (code) {
        case DhcpOptionCode::subnet_mask:
            writer_.option(code, reply_.subnet->subnet.mask());
            return;
        case DhcpOptionCode::router:
            if (reply_.subnet->router) {
                writer_.option(code, *reply_.subnet->router);
            }
            return;
        case DhcpOptionCode::domain_name_server:
            write_name_servers();
            return;
        case DhcpOptionCode::host_name:
            if (!reply_.node_name.empty()) {
                writer_.option_text(code, reply_.node_name);
            }
            return;
        case DhcpOptionCode::domain_name:
            if (!reply_.subnet->domain.empty()) {
                writer_.option_text(code, reply_.subnet->domain);
            }
            return;
        case DhcpOptionCode::broadcast_address:
            writer_.option(code, reply_.subnet->subnet.broadcast());
            return;
        case DhcpOptionCode::client_machine:
            if (!reply_.client.machine_option.empty()) {
                writer_.option(code, reply_.client.machine_option);
            }
            return;
        case DhcpOptionCode::ipxe:
            if (reply_.client.kind == DhcpClientKind::ipxe) {
                writer_.option_text(code, no_proxy_dhcp);
            }
            return;
        case DhcpOptionCode::vendor_class:
        case DhcpOptionCode::vendor_specific:
        case DhcpOptionCode::tftp_server_name:
        case DhcpOptionCode::bootfile_name:
            if (reply_.boot_file) {
                write_boot_option(code);
            }
            return;
        default: // codes are the client's: most are not ours to answer
            return;
        }
    }

    void write_boot_option(DhcpOptionCode code) noexcept {
        const bool over_http = reply_.client.kind == DhcpClientKind::http_boot;
        // iPXE needs no class to believe an offer, and U-Boot, which calls itself PXEClient but
        // shows no UUID, knows neither option.
        const bool pxe = reply_.client.kind == DhcpClientKind::pxe &&
                         (!reply_.client.machine_option.empty() || asked(code));
        if (code == DhcpOptionCode::bootfile_name) {
            writer_.option_text_nul(code, reply_.boot_file->name());
        } else if (code == DhcpOptionCode::tftp_server_name) {
            BootFile address;
            for (std::size_t i = 0; i < reply_.server_address.octets.size(); ++i) {
                address.append(i == 0 ? "" : ".");
                address.append_number(reply_.server_address.octets[i]);
            }
            writer_.option_text_nul(code, address.name());
        } else if (code == DhcpOptionCode::vendor_class && (over_http || pxe)) {
            // Exactly the word: GRUB and EDK2 compare the whole value.
            writer_.option_text(code, over_http ? "HTTPClient" : "PXEClient");
        } else if (code == DhcpOptionCode::vendor_specific && pxe) {
            writer_.option_text(code, one_shot);
        }
    }

    void write_name_servers() noexcept {
        // Always sent: the Debian installer stops and asks for one when there is none.
        const auto& servers = reply_.subnet->dns;
        if (servers.empty()) {
            writer_.option(DhcpOptionCode::domain_name_server, reply_.server_address);
            return;
        }
        std::array<std::byte, name_servers_max * sizeof(Ipv4Address)> list{};
        ByteWriter out{list};
        for (const Ipv4Address& server : servers) {
            out.octets(server.octets); // past the limit: left out
        }
        writer_.option(DhcpOptionCode::domain_name_server, out.written());
    }

    [[nodiscard]] bool asked(DhcpOptionCode code) const noexcept {
        const auto list = reply_.request.find(DhcpOptionCode::parameter_request_list);
        return !list ||
               std::find(list->begin(), list->end(), static_cast<std::byte>(code)) != list->end();
    }

    const DhcpReply& reply_;
    DhcpWriter& writer_;
    std::bitset<256> done_;
};

DhcpHeader reply_header(const DhcpReply& reply) noexcept {
    const DhcpHeader& request = reply.request.header;
    DhcpHeader header;
    header.op = dhcp_boot_reply;
    header.xid = request.xid;
    header.flags = request.flags;
    header.giaddr = request.giaddr;
    header.chaddr = request.chaddr;
    if (reply.type == DhcpMessageType::nak) {
        // RFC 2131 section 4.3.2: a relay must broadcast it, the client's address being wrong.
        header.flags |= request.giaddr.is_unspecified() ? std::uint16_t{0} : dhcp_broadcast_flag;
        return header;
    }
    header.ciaddr = reply.type == DhcpMessageType::ack ? request.ciaddr : Ipv4Address{};
    header.yiaddr = reply.yiaddr;
    header.siaddr = reply.server_address;
    if (reply.boot_file && reply.boot_file->name().size() <= dhcp_file_size_max) {
        header.file = reply.boot_file->name();
    } else if (!reply.boot_file && reply.options != nullptr) {
        // Phones and switches: what they load is none of ours, but a site can say it.
        const auto* const file = reply.options->find(boot_file_code);
        if (file != nullptr && file->value.size() <= dhcp_file_size_max) {
            header.file = as_text(file->value);
        }
    }
    return header;
}

/// Beside another server: what it is (an offer of a proxy must say PXEClient, or HTTPClient), the
/// machine's identifier, and the boot file, if the client is not to ask for it at port 4011.
/// Source: PXE 2.1 sections 2.2.2, 2.2.3.
void write_proxy_options(const DhcpReply& reply, DhcpWriter& writer) noexcept {
    OptionList options{reply, writer};
    const DhcpClientIdentity& client = reply.client;
    writer.option_text(DhcpOptionCode::vendor_class,
                       client.kind == DhcpClientKind::http_boot ? "HTTPClient" : "PXEClient");
    options.put(DhcpOptionCode::client_machine);
    if (!reply.boot_file) {
        return;
    }
    if (client.kind == DhcpClientKind::pxe && client.first_arch() == 0) {
        writer.option_text(DhcpOptionCode::vendor_specific, one_shot);
    }
    options.put(DhcpOptionCode::tftp_server_name);
    options.put(DhcpOptionCode::bootfile_name);
}

void write_options(const DhcpReply& reply, DhcpWriter& writer) noexcept {
    OptionList options{reply, writer};
    const auto list = reply.request.find(DhcpOptionCode::parameter_request_list);
    if (list) {
        for (const std::byte code : *list) {
            options.put(static_cast<DhcpOptionCode>(code));
        }
    } else {
        // A BOOTP client has no room to be told twice what stands in the header.
        const std::size_t count = default_list.size() - (reply.request.is_bootp() ? 2 : 0);
        for (const std::uint8_t code : std::span{default_list}.first(count)) {
            options.put(static_cast<DhcpOptionCode>(code));
        }
    }
    for (const DhcpOptionCode code : required) {
        options.put(code);
    }
    options.put_from_site(!list);
}

} // namespace

WrittenReply write_reply(const DhcpReply& reply, MutableBytes buffer) noexcept {
    std::optional<DhcpOption> relay;
    if (const auto value = reply.request.find(DhcpOptionCode::relay_agent_information)) {
        relay = DhcpOption{DhcpOptionCode::relay_agent_information, *value};
    }
    const DhcpHeader header = reply_header(reply);
    DhcpWriter writer{buffer, header, size_limit(reply.request, relay), relay};
    WrittenReply written;
    if (reply.request.is_bootp()) {
        write_options(reply, writer); // RFC 1534 section 2: nothing that only DHCP knows
        written.size = writer.finish();
        return written;
    }
    writer.option_u8(DhcpOptionCode::message_type, static_cast<std::uint8_t>(reply.type));
    writer.option(DhcpOptionCode::server_identifier, reply.server_identifier);
    if (reply.lease_s) {
        written.lease_offset = writer.position();
        writer.option_u32(DhcpOptionCode::address_lease_time, *reply.lease_s);
        writer.option_u32(DhcpOptionCode::renewal_time, *reply.lease_s / 2);
        writer.option_u32(DhcpOptionCode::rebinding_time, seven_eighths(*reply.lease_s));
    }
    if (const auto client_id = reply.request.find(DhcpOptionCode::client_identifier)) {
        writer.option(DhcpOptionCode::client_identifier, *client_id); // RFC 6842 section 3
    }
    if (reply.proxy) {
        write_proxy_options(reply, writer);
    } else if (reply.type != DhcpMessageType::nak) {
        write_options(reply, writer);
    }
    written.size = writer.finish();
    MUSTER_CHECK(written.size != 0); // see essential_size
    return written;
}

void patch_lease_time(MutableBytes message, std::size_t lease_offset,
                      std::uint32_t lease_s) noexcept {
    if (lease_offset == 0 || lease_offset + 18 > message.size()) {
        return;
    }
    ByteWriter writer{message.subspan(lease_offset, 18)};
    const auto put = [&](DhcpOptionCode code, std::uint32_t seconds) {
        writer.u8(static_cast<std::uint8_t>(code));
        writer.u8(sizeof(seconds));
        writer.u32(seconds);
    };
    put(DhcpOptionCode::address_lease_time, lease_s);
    put(DhcpOptionCode::renewal_time, lease_s / 2);
    put(DhcpOptionCode::rebinding_time, seven_eighths(lease_s));
}

} // namespace muster
