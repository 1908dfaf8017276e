// SPDX-License-Identifier: Apache-2.0
// DHCP options: their codes, and reading them one by one.
#pragma once

#include "core/base/byte_reader.hh"
#include "core/base/result.hh"
#include "net/wire/dhcp_error.hh"

namespace muster {

/// Option codes by their IANA names (RFC 2132 unless said).
enum class DhcpOptionCode : std::uint8_t {
    pad = 0,
    subnet_mask = 1,
    router = 3,
    domain_name_server = 6,
    host_name = 12,
    domain_name = 15,
    root_path = 17,
    broadcast_address = 28,
    vendor_specific = 43,
    requested_address = 50,
    address_lease_time = 51,
    overload = 52,
    message_type = 53,
    server_identifier = 54,
    parameter_request_list = 55,
    message = 56,
    maximum_message_size = 57,
    renewal_time = 58,
    rebinding_time = 59,
    vendor_class = 60,
    client_identifier = 61,
    tftp_server_name = 66,
    bootfile_name = 67,
    user_class = 77,              ///< RFC 3004; iPXE sends bare text
    client_fqdn = 81,             ///< RFC 4702
    relay_agent_information = 82, ///< RFC 3046
    client_architecture = 93,     ///< RFC 4578 section 2.1
    client_interface = 94,        ///< RFC 4578 section 2.2
    client_machine = 97,          ///< RFC 4578 section 2.3: type 0, then the UUID
    tftp_server_addresses = 150,  ///< RFC 5859
    ipxe = 175,                   ///< encapsulated options of iPXE
    end = 255,
};

/// Sub-options of relay_agent_information.
enum class DhcpRelayOption : std::uint8_t {
    circuit_id = 1,                  ///< RFC 3046 section 3.1
    remote_id = 2,                   ///< RFC 3046 section 3.2
    link_selection = 5,              ///< RFC 3527
    server_identifier_override = 11, ///< RFC 5107
};

/// Values of option 53 (RFC 2132 section 9.6).
enum class DhcpMessageType : std::uint8_t {
    discover = 1,
    offer = 2,
    request = 3,
    decline = 4,
    ack = 5,
    nak = 6,
    release = 7,
    inform = 8,
};

struct DhcpOption {
    DhcpOptionCode code;
    Bytes value; ///< borrows the receive buffer
};

/// Reads the next option of an options field; skips `pad`, stops at `end`.
///
/// Shape:   code (1 byte) | len (1 byte) | value (len bytes); `pad` and `end` are the code alone.
/// Returns: the option, or nullopt at `end` or at the end of the field.
/// Errors:  truncated_option -- the length byte or the value would pass the end of the field.
/// Borrows: `value` lives as long as the buffer under `field`.
/// Source:  RFC 2132 section 2. Options split by RFC 3396 are joined by the caller.
[[nodiscard]] Result<std::optional<DhcpOption>, DhcpError>
read_dhcp_option(ByteReader& field) noexcept;

/// Finds sub-option `code` in an encapsulated value (option 82, 175); nullopt when it is absent or
/// the value breaks off before it.
/// Source: RFC 3046 section 2.0: code, length, value; no `pad`, no `end`.
[[nodiscard]] std::optional<Bytes> find_sub_option(Bytes encapsulated, std::uint8_t code) noexcept;

} // namespace muster
