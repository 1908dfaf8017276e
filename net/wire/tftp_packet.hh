// SPDX-License-Identifier: Apache-2.0
// The six TFTP packets, read and written: RFC 1350 (RRQ, WRQ, DATA, ACK, ERROR), RFC 2347 (OACK
// and options), RFC 2348 (blksize), RFC 2349 (tsize, timeout), RFC 7440 (windowsize), RFC 2090
// (multicast). Servers and clients use the same functions. No state, no policy: what to grant is
// net/tftp's business.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/base/byte_reader.hh"
#include "core/base/byte_writer.hh"
#include "core/base/result.hh"

#include <cstdint>
#include <optional>
#include <string_view>

namespace muster {

inline constexpr std::size_t tftp_header_size = 4; ///< of DATA, ACK and ERROR
/// RFC 2347 section 4 says 512; we read up to twice that, because nothing is gained by refusing.
inline constexpr std::size_t tftp_request_size_max = 1024;
/// Of a whole ERROR: clients put it on a screen and reserve little for it.
inline constexpr std::size_t tftp_error_size_max = 512;
inline constexpr unsigned tftp_option_count_max = 16;
inline constexpr std::uint16_t tftp_blksize_default = 512;
inline constexpr std::uint16_t tftp_blksize_min = 8;     ///< RFC 2348
inline constexpr std::uint16_t tftp_blksize_max = 65464; ///< RFC 2348

enum class TftpOpcode : std::uint16_t { rrq = 1, wrq = 2, data = 3, ack = 4, error = 5, oack = 6 };

/// RFC 1350 appendix I; 8 is RFC 2347 section 4.
enum class TftpErrorCode : std::uint16_t {
    not_defined = 0,
    file_not_found = 1,
    access_violation = 2,
    disk_full = 3,
    illegal_operation = 4,
    unknown_transfer_id = 5,
    file_already_exists = 6,
    no_such_user = 7,
    option_negotiation_failed = 8,
};

enum class TftpMode : std::uint8_t { octet, netascii, mail, unknown };

/// Every way a packet can be malformed. The engine's refusals (net/tftp/tftp_refusal.hh) begin
/// with this list.
#define MUSTER_TFTP_WIRE_ERRORS(X)                                                                 \
    X(truncated, "shorter than its fixed part, or a text has no NUL (RFC 1350 section 5)")         \
    X(unknown_opcode, "no opcode of RFC 1350 or RFC 2347")                                         \
    X(unexpected_opcode, "another packet than the one that is read")                               \
    X(request_too_long, "a request above the size limit (RFC 2347 section 4)")                     \
    X(empty_name, "a request without a file name")                                                 \
    X(repeated_option, "an option stands twice in it (RFC 2347 section 2)")                        \
    X(too_many_options, "more options than are defined")                                           \
    X(bad_option_value, "an OACK with a number that no request can have asked for")

enum class TftpWireError : std::uint8_t {
#define X(name, text) name,
    MUSTER_TFTP_WIRE_ERRORS(X)
#undef X
};

/// The value of the multicast option. A request has it empty; an OACK says `address,port,master`,
/// and a later one may leave out what has not changed. Source: RFC 2090.
struct TftpMulticast {
    std::optional<Ipv4Address> address{};
    std::optional<std::uint16_t> port{};
    std::optional<bool> master{}; ///< absent: the whole value is empty

    friend bool operator==(const TftpMulticast&, const TftpMulticast&) = default;
};

/// The options of a request or an OACK; what is absent was not there. A request's value that its
/// RFC does not allow counts as absent, since RFC 2347 section 3 has a server ignore it.
struct TftpOptions {
    std::optional<std::uint16_t> blksize{};    ///< bytes, 8 .. 65464
    std::optional<std::uint64_t> tsize{};      ///< bytes; 0 in a read request asks for it
    std::optional<std::uint8_t> timeout{};     ///< seconds, 1 .. 255
    std::optional<std::uint16_t> windowsize{}; ///< blocks, 1 .. 65535
    std::optional<TftpMulticast> multicast{};

    friend bool operator==(const TftpOptions&, const TftpOptions&) = default;
    [[nodiscard]] bool empty() const noexcept {
        return !blksize && !tsize && !timeout && !windowsize && !multicast;
    }
};

struct TftpRequest {
    TftpOpcode opcode = TftpOpcode::rrq; ///< rrq or wrq
    std::string_view name;               ///< bytes without a NUL, borrowed; no claim on encoding
    TftpMode mode = TftpMode::octet;
    TftpOptions options;

    friend bool operator==(const TftpRequest&, const TftpRequest&) = default;
};

struct TftpError {
    TftpErrorCode code{};  ///< may be a number without a name
    std::string_view text; ///< borrowed

    friend bool operator==(const TftpError&, const TftpError&) = default;
};

struct TftpData {
    std::uint16_t block = 0;
    Bytes payload; ///< borrowed
};

/// Which of the packets this is.
///
/// Errors:  truncated -- below two bytes; unknown_opcode -- not 1 .. 6
[[nodiscard]] Result<TftpOpcode, TftpWireError> read_tftp_opcode(Bytes packet) noexcept;

/// Reads an RRQ or WRQ. Names of options and the mode are compared without regard to case; an
/// unknown option is skipped, and NULs after the last one (padding of old ROMs) are too.
///
/// Shape:   opcode (2) | name NUL | mode NUL | (option NUL | value NUL)*
/// Errors:  truncated, unknown_opcode, unexpected_opcode, request_too_long, empty_name,
///          repeated_option, too_many_options
/// Borrows: `name` from `packet`
/// Source:  RFC 1350 section 5, RFC 2347 section 2
[[nodiscard]] Result<TftpRequest, TftpWireError> read_tftp_request(Bytes packet) noexcept;

/// The block number of an ACK. Bytes behind it are ignored.
[[nodiscard]] Result<std::uint16_t, TftpWireError> read_tftp_ack(Bytes packet) noexcept;

/// Reads an ERROR. A text without its NUL is taken to the end: an ERROR is never worth an error.
[[nodiscard]] Result<TftpError, TftpWireError> read_tftp_error(Bytes packet) noexcept;

/// Reads an OACK; stricter than a request, because its values are orders.
///
/// Errors:  bad_option_value -- a known option with a value outside its range
[[nodiscard]] Result<TftpOptions, TftpWireError> read_tftp_oack(Bytes packet) noexcept;

[[nodiscard]] Result<TftpData, TftpWireError> read_tftp_data(Bytes packet) noexcept;

/// All options, in the order in which write_tftp_oack() writes them, by their letters: `b`lksize,
/// `t`size, `T`imeout, `w`indowsize, `m`ulticast.
inline constexpr std::string_view tftp_option_order = "btTwm";

/// Writes an RRQ or WRQ, its options in the order of their letters; one without a letter is left
/// out. False, with an unusable buffer, when it does not fit, when the name is empty or holds a
/// NUL, or when the mode has no name.
[[nodiscard]] bool write_tftp_request(ByteWriter& out, const TftpRequest& request,
                                      std::string_view order = tftp_option_order) noexcept;
void write_tftp_ack(ByteWriter& out, std::uint16_t block) noexcept;
/// Writes an ERROR of at most tftp_error_size_max bytes: the text ends at its first NUL or is cut.
void write_tftp_error(ByteWriter& out, const TftpError& error) noexcept;
/// Writes the options in lower case, as GRUB compares them byte by byte.
void write_tftp_oack(ByteWriter& out, const TftpOptions& options) noexcept;
void write_tftp_data(ByteWriter& out, const TftpData& data) noexcept;

} // namespace muster
