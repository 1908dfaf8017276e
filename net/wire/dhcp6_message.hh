// SPDX-License-Identifier: Apache-2.0
// DHCPv6 messages (RFC 8415) with the options of network boot (RFC 5970): reading what clients and
// relays send, writing what a server answers.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/byte_reader.hh"
#include "core/base/byte_writer.hh"
#include "core/base/result.hh"
#include "core/lease/duid.hh"
#include "net/wire/dhcp6_error.hh"

#include <array>
#include <optional>
#include <span>

namespace muster {

inline constexpr std::uint16_t dhcp6_server_port = 547; ///< RFC 8415 section 7.2
inline constexpr std::uint16_t dhcp6_client_port = 546;
/// The longest reply that is made; with its headers it fits an Ethernet frame.
inline constexpr std::size_t dhcp6_message_size_max = 1452;
/// Relays that a message passes at most (RFC 8415 section 7.6, HOP_COUNT_LIMIT).
inline constexpr std::size_t dhcp6_hops_max = 8;
/// Identity associations of one message that are answered; a client here has one.
inline constexpr std::size_t dhcp6_ias_max = 4;
inline constexpr std::size_t dhcp6_ia_addresses_max = 4; ///< of one association that are read

/// RFC 8415 section 7.3.
enum class Dhcp6MessageType : std::uint8_t {
    solicit = 1,
    advertise = 2,
    request = 3,
    confirm = 4,
    renew = 5,
    rebind = 6,
    reply = 7,
    release = 8,
    decline = 9,
    reconfigure = 10,
    information_request = 11,
    relay_forward = 12,
    relay_reply = 13,
};

/// Option codes by their IANA names (RFC 8415 unless said).
enum class Dhcp6OptionCode : std::uint16_t {
    client_id = 1,
    server_id = 2,
    ia_na = 3,
    ia_ta = 4,
    ia_address = 5,
    option_request = 6,
    preference = 7,
    elapsed_time = 8,
    relay_message = 9,
    status_code = 13,
    rapid_commit = 14,
    user_class = 15,
    vendor_class = 16,
    interface_id = 18,
    dns_servers = 23, ///< RFC 3646
    domain_list = 24, ///< RFC 3646
    ia_pd = 25,
    information_refresh_time = 32,
    remote_id = 37,    ///< RFC 4649
    client_fqdn = 39,  ///< RFC 4704
    ntp_servers = 56,  ///< RFC 5908
    bootfile_url = 59, ///< RFC 5970
    bootfile_param = 60,
    client_arch = 61,
    client_interface = 62,
    client_link_layer = 79, ///< RFC 6939
};

/// RFC 8415 section 21.13.
enum class Dhcp6Status : std::uint16_t {
    success = 0,
    unspec_fail = 1,
    no_addrs_avail = 2,
    no_binding = 3,
    not_on_link = 4,
    use_multicast = 5,
    no_prefix_avail = 6,
};

/// An identity association: IA_NA with the addresses that it names, or one of a kind that is not
/// given here (IA_TA, IA_PD).
struct Dhcp6Ia {
    Dhcp6OptionCode kind = Dhcp6OptionCode::ia_na;
    std::uint32_t iaid = 0;
    std::array<Ipv6Address, dhcp6_ia_addresses_max> addresses{};
    std::uint8_t address_count = 0;

    [[nodiscard]] std::span<const Ipv6Address> named() const noexcept {
        return std::span{addresses}.first(address_count);
    }
};

/// What one relay put around the message.
struct Dhcp6Hop {
    std::uint8_t hop_count = 0;
    Ipv6Address link;                  ///< of the client's link; unspecified: it did not say
    Ipv6Address peer;                  ///< whom it had the message from
    std::optional<Bytes> interface_id; ///< option 18, to be sent back
    Bytes remote_id;                   ///< option 37 behind its enterprise number; empty: none
    std::optional<MacAddress> client;  ///< option 79 on Ethernet
};

/// A message as a server sees it. Borrows the datagram.
struct Dhcp6Message {
    Dhcp6MessageType type{};
    std::uint32_t xid = 0; ///< 24 bits
    std::array<Dhcp6Hop, dhcp6_hops_max> hops{};
    std::uint8_t hop_count = 0; ///< the first hop is the nearest to the server
    Bytes client_id{};          ///< option 1; empty: none
    Bytes server_id{};          ///< option 2; empty: none
    std::array<Dhcp6Ia, dhcp6_ias_max> ias{};
    std::uint8_t ia_count = 0;
    Bytes option_request{}; ///< option 6: u16 codes
    bool rapid_commit = false;
    Bytes user_class{};       ///< option 15: length-prefixed texts
    Bytes vendor_class{};     ///< option 16 behind its enterprise number, the same
    Bytes archs{};            ///< option 61: u16 values, first choice first
    Bytes client_interface{}; ///< option 62: type (1: UNDI), major, minor revision; empty: none
    Bytes client_fqdn{};      ///< option 39: flags, then labels

    [[nodiscard]] std::span<const Dhcp6Ia> associations() const noexcept {
        return std::span{ias}.first(ia_count);
    }
    [[nodiscard]] bool relayed() const noexcept { return hop_count > 0; }
    /// What the relay nearest to the client put around it; of a relayed message only.
    [[nodiscard]] const Dhcp6Hop& nearest_hop() const noexcept { return hops[hop_count - 1U]; }
    [[nodiscard]] bool asks_for(Dhcp6OptionCode code) const noexcept;
};

/// Reads a datagram to port 547 through all its relays. Of an option that may stand once the first
/// counts; options that nothing here needs are passed over, but their lengths must be right.
///
/// Errors:  see MUSTER_DHCP6_ERRORS.
/// Source:  RFC 8415 sections 8, 9, 21; RFC 5970; RFC 6939.
[[nodiscard]] Result<void, Dhcp6Error> read_dhcp6_message(Bytes datagram,
                                                          Dhcp6Message& message) noexcept;

/// Calls `use` with each text of a list of length-prefixed ones (options 15 and 16), until it
/// answers true. What passes the end is left out.
template <class Use>
bool any_class_text(Bytes list, Use use) {
    ByteReader reader{list};
    while (const auto size = reader.u16()) {
        const auto text = reader.take(*size);
        if (!text) {
            return false;
        }
        if (use(as_text(*text))) {
            return true;
        }
    }
    return false;
}

/// Writes a server's answer, wrapped in as many RELAY-REPL as its request was in RELAY-FORW.
class Dhcp6Writer {
public:
    /// The answer goes back the way that `request` came: its xid, hops and their interface ids.
    Dhcp6Writer(MutableBytes buffer, Dhcp6MessageType type, const Dhcp6Message& request) noexcept;

    void option(Dhcp6OptionCode code, Bytes value) noexcept;
    void option_u8(Dhcp6OptionCode code, std::uint8_t value) noexcept;
    void option_u32(Dhcp6OptionCode code, std::uint32_t value) noexcept;
    void option_text(Dhcp6OptionCode code, std::string_view text) noexcept;
    void option_addresses(Dhcp6OptionCode code, std::span<const Ipv6Address> addresses) noexcept;
    /// Option 24, or the name of 39: a domain name as labels (RFC 1035 section 3.1).
    void option_domain(Dhcp6OptionCode code, std::string_view domain) noexcept;
    void status(Dhcp6Status status, std::string_view text) noexcept;
    /// Option 16: an enterprise number and one text.
    void vendor_class(std::uint32_t enterprise, std::string_view text) noexcept;

    /// Begins an option that holds others, IA_NA first of all; ends with end_option().
    struct Nested {
        std::size_t length_at = 0;
    };
    [[nodiscard]] Nested begin_option(Dhcp6OptionCode code) noexcept;
    void end_option(Nested nested) noexcept;
    /// IA_NA with T1 and T2 in seconds, or IA_TA, which has neither, or IA_PD.
    [[nodiscard]] Nested begin_ia(const Dhcp6Ia& ia, std::uint32_t t1_s,
                                  std::uint32_t t2_s) noexcept;
    void ia_address(const Ipv6Address& address, std::uint32_t preferred_s,
                    std::uint32_t valid_s) noexcept;
    /// Where the next option will stand, for patching it later.
    [[nodiscard]] std::size_t position() const noexcept { return writer_.size(); }

    /// Octets that are left.
    [[nodiscard]] std::size_t room() const noexcept { return writer_.remaining(); }
    /// Closes the message; 0: the buffer was too small.
    [[nodiscard]] std::size_t finish() noexcept;

private:
    ByteWriter writer_;
    std::array<Nested, dhcp6_hops_max> hops_{};
    std::uint8_t hop_count_ = 0;
};

} // namespace muster
