// SPDX-License-Identifier: Apache-2.0
#include "net/client/dhcp_client_model.hh"

#include <algorithm>

namespace muster {
namespace {

constexpr std::uint8_t hardware_type_ethernet = 1;
constexpr std::uint8_t pxe_boot_item = 71; ///< sub-option of 43: type and layer

Bytes octets_of(std::span<const std::uint8_t> octets) noexcept {
    return std::as_bytes(octets);
}

void write_option(DhcpOptionCode code, const DhcpClientModel& model, const ClientIdentity& identity,
                  const DhcpClientMessage& message, DhcpWriter& writer) noexcept {
    switch (code) {
    case DhcpOptionCode::server_identifier:
        if (message.server) {
            writer.option(code, *message.server);
        }
        return;
    case DhcpOptionCode::requested_address:
        if (message.requested) {
            writer.option(code, *message.requested);
        }
        return;
    case DhcpOptionCode::maximum_message_size: {
        const bool discover = message.type == DhcpMessageType::discover || message.to_proxy;
        if (const auto size = discover ? model.max_size_discover : model.max_size_request) {
            writer.option_u16(code, size);
        }
        return;
    }
    case DhcpOptionCode::client_architecture:
        if (model.arch) {
            writer.option_u16(code, *model.arch);
        }
        return;
    case DhcpOptionCode::client_interface:
        writer.option(code, octets_of(model.undi));
        return;
    case DhcpOptionCode::vendor_class:
        // iPXE asks a boot server under the bare name.
        if (!model.vendor_class.empty()) {
            writer.option_text(code, message.menu_type ? "PXEClient" : model.vendor_class);
        }
        return;
    case DhcpOptionCode::user_class:
        writer.option_text(code, model.user_class);
        return;
    case DhcpOptionCode::parameter_request_list:
        writer.option(code, octets_of(model.parameter_list));
        return;
    case DhcpOptionCode::ipxe:
        writer.option(code, octets_of(model.ipxe_options));
        return;
    case DhcpOptionCode::client_identifier:
        if (model.client_id) {
            const auto& mac = identity.mac.octets;
            const std::uint8_t id[] = {
                hardware_type_ethernet, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]};
            writer.option(code, octets_of(id));
        }
        return;
    case DhcpOptionCode::client_machine:
        if (model.uuid) {
            std::array<std::uint8_t, 17> id{}; // type 0, then the UUID
            std::ranges::copy(identity.uuid, id.begin() + 1);
            writer.option(code, octets_of(id));
        }
        return;
    case DhcpOptionCode::vendor_specific:
        if (message.menu_type) {
            const std::uint8_t item[] = {pxe_boot_item,
                                         4,
                                         static_cast<std::uint8_t>(*message.menu_type >> 8U),
                                         static_cast<std::uint8_t>(*message.menu_type & 0xFFU),
                                         0,
                                         0,
                                         static_cast<std::uint8_t>(DhcpOptionCode::end)};
            writer.option(code, octets_of(item));
        }
        return;
    default: // not something that a client says
        return;
    }
}

} // namespace

std::size_t write_dhcp_client_message(const DhcpClientModel& model, const ClientIdentity& identity,
                                      const DhcpClientMessage& message,
                                      MutableBytes buffer) noexcept {
    DhcpHeader header;
    header.xid = message.xid;
    header.secs = message.secs;
    header.ciaddr = message.ciaddr;
    header.set_mac(identity.mac);
    header.file = model.file;
    // iPXE does not set it as a DHCP client but as the client of a boot server.
    const bool broadcast = message.to_proxy ? message.menu_type.has_value() : model.broadcast;
    header.flags = broadcast ? dhcp_broadcast_flag : 0;
    DhcpWriter writer{buffer, header, buffer.size()};
    writer.option_u8(DhcpOptionCode::message_type, static_cast<std::uint8_t>(message.type));
    if (message.type == DhcpMessageType::release) {
        write_option(DhcpOptionCode::server_identifier, model, identity, message, writer);
        write_option(DhcpOptionCode::client_identifier, model, identity, message, writer);
        return writer.finish();
    }
    if (message.type == DhcpMessageType::discover && model.bare_discover) {
        return writer.finish();
    }
    const auto order = message.to_proxy && !model.proxy_option_order.empty()
                           ? model.proxy_option_order
                           : model.option_order;
    for (const std::uint8_t code : order) {
        write_option(static_cast<DhcpOptionCode>(code), model, identity, message, writer);
    }
    if (message.menu_type) { // behind all others, where iPXE appends it
        write_option(DhcpOptionCode::vendor_specific, model, identity, message, writer);
    }
    return writer.finish();
}

} // namespace muster
