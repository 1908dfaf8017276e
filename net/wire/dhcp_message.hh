// SPDX-License-Identifier: Apache-2.0
// A DHCP message: the fixed part of BOOTP and the options, read into a value and written from one.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/addr/mac_address.hh"
#include "core/base/byte_writer.hh"
#include "net/wire/dhcp_option.hh"

namespace muster {

inline constexpr std::uint8_t dhcp_boot_request = 1;
inline constexpr std::uint8_t dhcp_boot_reply = 2;
inline constexpr std::uint16_t dhcp_broadcast_flag = 0x8000;
/// The fixed part and the magic cookie (RFC 2131 section 2).
inline constexpr std::size_t dhcp_fixed_size = 240;
/// The shortest message to send: Linux's in-kernel client and some ROMs drop shorter ones.
inline constexpr std::size_t dhcp_message_size_min = 300;
/// The longest to send: EDK2 drops larger ones whatever its option 57 says.
inline constexpr std::size_t dhcp_message_size_max = 1472;
/// The longest to read. No client comes near; relays add at most 257 bytes.
inline constexpr std::size_t dhcp_datagram_size_max = 4096;
/// What option 57 counts beyond the message: IPv4 and UDP headers.
inline constexpr std::size_t dhcp_ip_overhead = 28;
inline constexpr std::size_t dhcp_file_size_max = 127; ///< of the `file` field, without its NUL

/// The fixed part (RFC 2131 section 2); htype is Ethernet and hlen 6.
struct DhcpHeader {
    std::uint8_t op = dhcp_boot_request;
    std::uint8_t hops = 0;
    std::uint32_t xid = 0;
    std::uint16_t secs = 0;
    std::uint16_t flags = 0;
    Ipv4Address ciaddr{};
    Ipv4Address yiaddr{};
    Ipv4Address siaddr{};
    Ipv4Address giaddr{};
    std::array<std::uint8_t, 16> chaddr{};
    std::string_view sname{}; ///< up to its NUL; empty when it holds options (option 52)
    std::string_view file{};  ///< the same

    [[nodiscard]] constexpr MacAddress mac() const noexcept {
        return {{chaddr[0], chaddr[1], chaddr[2], chaddr[3], chaddr[4], chaddr[5]}};
    }
    constexpr void set_mac(const MacAddress& mac) noexcept {
        chaddr = {};
        for (std::size_t i = 0; i < mac.octets.size(); ++i) {
            chaddr[i] = mac.octets[i];
        }
    }
};

/// A message as it was received, its options found in one pass and looked up by code.
class DhcpMessage {
public:
    DhcpHeader header;
    DhcpMessageType type{};

    /// The value of an option; instances of one code are joined (RFC 3396). Nullopt: not sent.
    /// Borrows: this message and the datagram it was read from.
    [[nodiscard]] std::optional<Bytes> find(DhcpOptionCode code) const noexcept;
    [[nodiscard]] bool has(DhcpOptionCode code) const noexcept { return find(code).has_value(); }
    /// Without option 53 it is a request of a BOOTP client, and `type` is 0 (RFC 1534 section 2).
    [[nodiscard]] bool is_bootp() const noexcept { return type == DhcpMessageType{}; }
    /// The option as an address; nullopt when it is absent or not of four octets.
    [[nodiscard]] std::optional<Ipv4Address> address(DhcpOptionCode code) const noexcept;
    [[nodiscard]] std::optional<std::uint16_t> u16(DhcpOptionCode code) const noexcept;

private:
    friend Result<void, DhcpError> read_dhcp_message(Bytes datagram, DhcpMessage& message) noexcept;

    struct Entry {
        std::uint16_t offset = 0; ///< into the datagram, or into joined_
        std::uint16_t size = 0;
        std::uint16_t count = 0; ///< instances; above 1 the value lies in joined_
    };
    [[nodiscard]] Result<void, DhcpError> find_options(Bytes datagram) noexcept;
    [[nodiscard]] Result<void, DhcpError> scan(Bytes field) noexcept;
    void join(Bytes field) noexcept;

    Bytes datagram_;
    std::array<Entry, 256> entries_{};
    std::array<std::byte, dhcp_datagram_size_max> joined_; // written before it is read
};

/// Reads a whole datagram. Options come from the options field, then, where option 52 says so,
/// from `file`, then from `sname`.
///
/// Errors:  see MUSTER_DHCP_ERRORS.
/// Borrows: `message` borrows `datagram`.
/// Source:  RFC 2131 sections 2, 4.1; RFC 3396 sections 5, 7; RFC 1534 section 2 (BOOTP).
[[nodiscard]] Result<void, DhcpError> read_dhcp_message(Bytes datagram,
                                                        DhcpMessage& message) noexcept;

/// Writes one message: fixed part, options in the order given, `end`, padding to 300 bytes. An
/// option that does not fit is left out whole.
class DhcpWriter {
public:
    /// `size_max` bounds the message (and `buffer` does); `last` is kept room for and written
    /// behind all other options (RFC 3046 section 2.2 wants the relay agent's there).
    DhcpWriter(MutableBytes buffer, const DhcpHeader& header, std::size_t size_max,
               std::optional<DhcpOption> last = std::nullopt) noexcept;

    /// False: it did not fit (or is longer than 255) and was left out.
    bool option(DhcpOptionCode code, Bytes value) noexcept;
    bool option(DhcpOptionCode code, const Ipv4Address& address) noexcept;
    /// Of any length, in as many instances as it takes (RFC 3396 section 6); all of it or nothing.
    bool option_in_parts(DhcpOptionCode code, Bytes value) noexcept;
    bool option_u8(DhcpOptionCode code, std::uint8_t value) noexcept;
    bool option_u16(DhcpOptionCode code, std::uint16_t value) noexcept;
    bool option_u32(DhcpOptionCode code, std::uint32_t value) noexcept;
    bool option_text(DhcpOptionCode code, std::string_view text) noexcept;
    /// With a NUL inside the length: EDK2 terminates in place, some ROMs read on without one.
    bool option_text_nul(DhcpOptionCode code, std::string_view text) noexcept;

    /// Where the next option's code will stand, for patching its value later.
    [[nodiscard]] std::size_t position() const noexcept { return writer_.size(); }
    /// Bytes that are left for options.
    [[nodiscard]] std::size_t room() const noexcept {
        const std::size_t used = writer_.size() + reserved_;
        return used < limit_ ? limit_ - used : 0;
    }
    /// Ends and pads the message; returns its size, 0 when the fixed part did not fit.
    [[nodiscard]] std::size_t finish() noexcept;

private:
    [[nodiscard]] bool begin(DhcpOptionCode code, std::size_t size) noexcept;

    ByteWriter writer_;
    std::size_t limit_;
    std::size_t reserved_;
    std::optional<DhcpOption> last_;
};

} // namespace muster
