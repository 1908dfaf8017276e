// SPDX-License-Identifier: Apache-2.0
#include "net/wire/tftp_packet.hh"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace muster {
namespace {

using namespace std::string_literals;

std::string opcode(unsigned number) {
    return {static_cast<char>(number >> 8U), static_cast<char>(number & 0xFFU)};
}
std::string rrq(std::string_view rest) {
    return opcode(1) + std::string{rest};
}
auto read_request(const std::string& packet) {
    return read_tftp_request(as_bytes(packet));
}
/// The options of an RRQ for "f" that ends with `options`.
TftpOptions options_of(const std::string& options) {
    const std::string packet = rrq("f\0octet\0"s + options);
    const auto request = read_request(packet);
    EXPECT_TRUE(request.has_value()) << options;
    return request ? request->options : TftpOptions{};
}

TEST(TftpPacket, OpcodesAreOneToSixOfEvery16BitNumber) {
    for (unsigned number = 0; number <= 0xFFFF; ++number) {
        const std::string packet = opcode(number);
        const auto read = read_tftp_opcode(as_bytes(packet));
        if (number >= 1 && number <= 6) {
            ASSERT_TRUE(read.has_value());
            EXPECT_EQ(static_cast<unsigned>(*read), number);
        } else {
            ASSERT_EQ(read.error(), TftpWireError::unknown_opcode);
        }
    }
    EXPECT_EQ(read_tftp_opcode({}).error(), TftpWireError::truncated);
    EXPECT_EQ(read_tftp_opcode(as_bytes("\1")).error(), TftpWireError::truncated);
}

TEST(TftpPacket, ReadsARequestAndBorrowsItsName) {
    const std::string packet = rrq("dir/name\0octet\0"s);
    const auto request = read_request(packet);
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->opcode, TftpOpcode::rrq);
    EXPECT_EQ(request->name, "dir/name");
    EXPECT_EQ(request->name.data(), packet.data() + 2) << "the name must not be copied";
    EXPECT_EQ(request->mode, TftpMode::octet);
    EXPECT_TRUE(request->options.empty());
}

TEST(TftpPacket, ModesAreReadInAnyCase) {
    const auto mode_of = [](const std::string& mode) {
        const std::string packet = rrq("f\0"s + mode + '\0');
        return read_request(packet).value().mode;
    };
    EXPECT_EQ(mode_of("OCTET"), TftpMode::octet);
    EXPECT_EQ(mode_of("Octet"), TftpMode::octet);
    EXPECT_EQ(mode_of("NetASCII"), TftpMode::netascii);
    EXPECT_EQ(mode_of("mail"), TftpMode::mail);
    EXPECT_EQ(mode_of("octe"), TftpMode::unknown);
    EXPECT_EQ(mode_of("octets"), TftpMode::unknown);
    EXPECT_EQ(mode_of(""), TftpMode::unknown);
}

TEST(TftpPacket, NamesAreBytes) {
    for (int byte = 1; byte <= 0xFF; ++byte) {
        const std::string name(1, static_cast<char>(byte));
        const std::string packet = rrq(name + "\0octet\0"s);
        const auto request = read_request(packet);
        ASSERT_TRUE(request.has_value()) << byte;
        EXPECT_EQ(request->name, name);
    }
}

// OVMF's first request, in its order (captures/uefi-shim-grub).
TEST(TftpPacket, ReadsOptionsInAnyOrderAndCase) {
    const TftpOptions expected{.blksize = 1468, .tsize = 0, .timeout = 5, .windowsize = 4};
    EXPECT_EQ(options_of("tsize\0"s
                         "0\0"s
                         "blksize\0"s
                         "1468\0"s
                         "windowsize\0"s
                         "4\0"s
                         "timeout\0"s
                         "5\0"s),
              expected);
    EXPECT_EQ(options_of("BLKSIZE\0"s
                         "1468\0"s
                         "TSize\0"s
                         "0\0"s
                         "TimeOut\0"s
                         "5\0"s
                         "WindowSize\0"s
                         "4\0"s),
              expected);
    EXPECT_EQ(options_of("rollover\0\0utimeout\0"s
                         "9\0"s
                         "blksize\0"s
                         "512\0"s),
              TftpOptions{.blksize = 512})
        << "unknown options are skipped, and an empty value is one";
}

// RFC 2090: empty in a request, address, port and master in an OACK, of which later ones may leave
// out the first two.
TEST(TftpPacket, MulticastIsEmptyInARequestAndThreeFieldsInAnOack) {
    EXPECT_EQ(options_of("multicast\0\0"s).multicast, TftpMulticast{});
    const auto read = [](const std::string& value) -> std::optional<TftpMulticast> {
        const std::string packet = "\0\6multicast\0"s + value + '\0';
        const auto options = read_tftp_oack(as_bytes(packet));
        return options ? options->multicast : std::nullopt;
    };
    const TftpMulticast first{
        .address = Ipv4Address{{224, 0, 1, 255}}, .port = 1758, .master = true};
    EXPECT_EQ(read("224.0.1.255,1758,1"), first);
    EXPECT_EQ(read(",,0"), (TftpMulticast{.master = false}));
    EXPECT_EQ(read(",1758,1"), (TftpMulticast{.port = 1758, .master = true}));
    for (const char* bad : {",", ",,", ",,2", "224.0.1,1758,1", "224.0.1.255,0,1",
                            "224.0.1.255,65536,1", "224.0.1.255,1758,1,", "1"}) {
        EXPECT_EQ(read(bad), std::nullopt) << bad;
    }
    std::array<std::byte, 64> buffer{};
    ByteWriter writer{buffer};
    write_tftp_oack(writer, {.multicast = first});
    EXPECT_EQ(as_text(writer.written()), "\0\6multicast\0"
                                         "224.0.1.255,1758,1\0"s);
}

TEST(TftpPacket, ARequestsOptionsStandInTheOrderAskedFor) {
    std::array<std::byte, 128> buffer{};
    ByteWriter writer{buffer};
    ASSERT_TRUE(write_tftp_request(writer,
                                   {.name = "f",
                                    .options = {.blksize = 1468,
                                                .tsize = 0,
                                                .timeout = 5,
                                                .windowsize = 4,
                                                .multicast = TftpMulticast{}}},
                                   "mTwt"));
    EXPECT_EQ(as_text(writer.written()), "\0\1f\0octet\0multicast\0\0timeout\0"
                                         "5\0windowsize\0"
                                         "4\0tsize\0"
                                         "0\0"s)
        << "blksize has no letter";
}

TEST(TftpPacket, ValuesOutsideTheirRangeCountAsAbsent) {
    const auto blksize = [](const std::string& v) {
        return options_of("blksize\0"s + v + '\0').blksize;
    };
    const auto timeout = [](const std::string& v) {
        return options_of("timeout\0"s + v + '\0').timeout;
    };
    const auto window = [](const std::string& v) {
        return options_of("windowsize\0"s + v + '\0').windowsize;
    };
    const auto tsize = [](const std::string& v) {
        return options_of("tsize\0"s + v + '\0').tsize;
    };
    for (unsigned n = 0; n <= 70'000; ++n) {
        const std::string text = std::to_string(n);
        ASSERT_EQ(blksize(text).has_value(), n >= 8 && n <= 65'464) << n;
        ASSERT_EQ(timeout(text).has_value(), n >= 1 && n <= 255) << n;
        ASSERT_EQ(window(text).has_value(), n >= 1 && n <= 65'535) << n;
    }
    EXPECT_EQ(blksize("65464"), 65'464);
    EXPECT_EQ(tsize("18446744073709551615"), UINT64_MAX);
    EXPECT_EQ(tsize("18446744073709551616"), std::nullopt);
    for (const std::string bad : {"", " 512", "512 ", "+512", "-512", "0x200", "512k", "5.2"}) {
        EXPECT_EQ(blksize(bad), std::nullopt) << bad;
        EXPECT_EQ(tsize(bad), std::nullopt) << bad;
    }
}

// Every place where a request can be cut: a cut is refused unless it falls between two options.
TEST(TftpPacket, RefusesEveryTruncation) {
    const std::string whole = rrq("name\0octet\0"s
                                  "tsize\0"s
                                  "0\0"s
                                  "blksize\0"s
                                  "1432\0"s);
    const std::size_t plain = 2 + 5 + 6;
    const std::size_t one_option = plain + 6 + 2;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string cut = whole.substr(0, size);
        const auto request = read_request(cut);
        if (size == plain || size == one_option) {
            EXPECT_TRUE(request.has_value()) << size;
        } else {
            ASSERT_FALSE(request.has_value()) << size;
            EXPECT_EQ(request.error(), TftpWireError::truncated) << size;
        }
    }
}

TEST(TftpPacket, PaddingAfterTheOptionsIsNoOption) {
    for (std::size_t count = 1; count <= 40; ++count) {
        EXPECT_EQ(options_of("tsize\0"s
                             "0\0"s +
                             std::string(count, '\0')),
                  TftpOptions{.tsize = 0})
            << count;
    }
}

TEST(TftpPacket, RefusesWhatARequestMustNotBe) {
    const auto error_of = [](const std::string& packet) {
        return read_request(packet).error();
    };
    EXPECT_EQ(error_of(rrq("\0octet\0"s)), TftpWireError::empty_name);
    EXPECT_EQ(error_of(opcode(3) + "f\0octet\0"s), TftpWireError::unexpected_opcode);
    EXPECT_EQ(error_of(opcode(9) + "f\0octet\0"s), TftpWireError::unknown_opcode);
    EXPECT_EQ(error_of(rrq("f\0octet\0"s
                           "tsize\0"s
                           "0\0"s
                           "TSIZE\0"s
                           "0\0"s)),
              TftpWireError::repeated_option);
    EXPECT_EQ(error_of(rrq("f\0octet\0"s
                           "blksize\0"s
                           "x\0"s
                           "blksize\0"s
                           "512\0"s)),
              TftpWireError::repeated_option)
        << "also when the first was ignored";
}

TEST(TftpPacket, SizeAndOptionCountHaveLimits) {
    const auto sized = [](std::size_t size) {
        return rrq(std::string(size - 2 - 7, 'n') + "\0octet\0"s);
    };
    EXPECT_TRUE(read_request(sized(tftp_request_size_max)).has_value());
    EXPECT_EQ(read_request(sized(tftp_request_size_max + 1)).error(),
              TftpWireError::request_too_long);
    std::string options;
    for (unsigned i = 0; i < tftp_option_count_max; ++i) {
        options += "o" + std::to_string(i) + "\0v\0"s;
    }
    EXPECT_TRUE(read_request(rrq("f\0octet\0"s + options)).has_value());
    EXPECT_EQ(read_request(rrq("f\0octet\0"s + options + "x\0y\0"s)).error(),
              TftpWireError::too_many_options);
}

TEST(TftpPacket, AckIsReadFromFourBytesAndRefusedFromLess) {
    std::string packet = opcode(4) + "\xAB\xCD"s + "trailing";
    for (std::size_t size = 0; size <= packet.size(); ++size) {
        const auto ack = read_tftp_ack(as_bytes(packet).first(size));
        if (size < 4) {
            EXPECT_EQ(ack.error(), TftpWireError::truncated);
        } else {
            EXPECT_EQ(ack.value(), 0xABCD);
        }
    }
    EXPECT_EQ(read_tftp_ack(as_bytes(opcode(3) + "\0\0"s)).error(),
              TftpWireError::unexpected_opcode);
}

TEST(TftpPacket, ErrorTextEndsAtItsNulOrAtTheEnd) {
    const auto read = [](const std::string& packet) {
        return read_tftp_error(as_bytes(packet));
    };
    const std::string edk2 = opcode(5) + "\0\x08User aborted the transfer\0"s;
    EXPECT_EQ(read(edk2)->code, TftpErrorCode::option_negotiation_failed);
    EXPECT_EQ(read(edk2)->text, "User aborted the transfer");
    const std::string open = opcode(5) + "\0\0closed"s;
    EXPECT_EQ(read(open)->text, "closed");
    const std::string bare = opcode(5) + "\xFF\xFF"s;
    EXPECT_EQ(static_cast<unsigned>(read(bare)->code), 0xFFFFU);
    EXPECT_EQ(read(bare)->text, "");
    EXPECT_EQ(read(opcode(5) + "\0"s).error(), TftpWireError::truncated);
}

TEST(TftpPacket, OackValuesAreTakenSeriously) {
    const auto read = [](const std::string& rest) {
        const std::string packet = opcode(6) + rest;
        return read_tftp_oack(as_bytes(packet));
    };
    EXPECT_EQ(read("blksize\0"s
                   "1428\0"s
                   "tsize\0"s
                   "99\0"s)
                  .value(),
              (TftpOptions{.blksize = 1428, .tsize = 99}));
    EXPECT_TRUE(read("").value().empty());
    EXPECT_EQ(read("blksize\0"s
                   "7\0"s)
                  .error(),
              TftpWireError::bad_option_value);
    EXPECT_EQ(read("tsize\0"s
                   "\0"s)
                  .error(),
              TftpWireError::bad_option_value);
    EXPECT_EQ(read("blksize\0"s
                   "512"s)
                  .error(),
              TftpWireError::truncated);
}

TEST(TftpPacket, DataIsAHeaderAndBorrowedBytes) {
    const std::string packet = opcode(3) + "\x01\x02payload"s;
    const auto data = read_tftp_data(as_bytes(packet));
    ASSERT_TRUE(data.has_value());
    EXPECT_EQ(data->block, 0x0102);
    EXPECT_EQ(as_text(data->payload), "payload");
    EXPECT_EQ(as_text(data->payload).data(), packet.data() + 4);
    EXPECT_TRUE(read_tftp_data(as_bytes(packet).first(4))->payload.empty());
    EXPECT_EQ(read_tftp_data(as_bytes(packet).first(3)).error(), TftpWireError::truncated);
}

TEST(TftpPacket, WhatIsWrittenReadsTheSame) {
    for (unsigned bits = 0; bits < 16; ++bits) {
        TftpRequest request{.opcode = bits % 2 == 0 ? TftpOpcode::rrq : TftpOpcode::wrq,
                            .name = "a name\xFE",
                            .mode = static_cast<TftpMode>(bits % 3),
                            .options = {}};
        if ((bits & 1U) != 0) {
            request.options.blksize = 65'464;
        }
        if ((bits & 2U) != 0) {
            request.options.tsize = UINT64_MAX;
        }
        if ((bits & 4U) != 0) {
            request.options.timeout = 255;
        }
        if ((bits & 8U) != 0) {
            request.options.windowsize = 65'535;
        }
        std::array<std::byte, 256> buffer{};
        ByteWriter writer{buffer};
        ASSERT_TRUE(write_tftp_request(writer, request));
        EXPECT_EQ(read_tftp_request(writer.written()).value(), request);
        ByteWriter oack{buffer};
        write_tftp_oack(oack, request.options);
        EXPECT_EQ(read_tftp_oack(oack.written()).value(), request.options);
    }
}

TEST(TftpPacket, AnOackIsLowerCaseToTheByte) {
    std::array<std::byte, 128> buffer{};
    ByteWriter writer{buffer};
    write_tftp_oack(writer, {.blksize = 1024, .tsize = 171, .timeout = 5, .windowsize = 4});
    EXPECT_EQ(as_text(writer.written()), "\0\6"s
                                         "blksize\0"s
                                         "1024\0"s
                                         "tsize\0"s
                                         "171\0"s
                                         "timeout\0"s
                                         "5\0"s
                                         "windowsize\0"s
                                         "4\0"s);
}

TEST(TftpPacket, RequestsThatCannotBeWrittenAreRefused) {
    std::array<std::byte, 64> buffer{};
    const auto write = [&](const TftpRequest& request, std::size_t room) {
        ByteWriter writer{MutableBytes{buffer}.first(room)};
        return write_tftp_request(writer, request);
    };
    const std::string_view with_nul{"a\0b", 3};
    EXPECT_FALSE(write({.opcode = TftpOpcode::rrq, .name = "", .options = {}}, 64));
    EXPECT_FALSE(write({.opcode = TftpOpcode::rrq, .name = with_nul, .options = {}}, 64));
    EXPECT_FALSE(write({.name = "f", .mode = TftpMode::unknown, .options = {}}, 64));
    for (std::size_t room = 0; room < 10; ++room) {
        EXPECT_FALSE(write({.name = "f", .options = {}}, room)) << room;
    }
    EXPECT_TRUE(write({.name = "f", .options = {}}, 10));
}

TEST(TftpPacket, AnErrorNeverExceedsItsSizeAndEndsWithNul) {
    std::array<std::byte, 2048> buffer{};
    for (std::size_t size = 0; size < 1024; ++size) {
        const std::string text(size, 't');
        ByteWriter writer{buffer};
        write_tftp_error(writer, {TftpErrorCode::file_not_found, text});
        ASSERT_EQ(writer.size(), std::min(size + 5, tftp_error_size_max));
        ASSERT_EQ(writer.written().back(), std::byte{0});
        ASSERT_EQ(read_tftp_error(writer.written())->text.size(), std::min(size, std::size_t{507}));
    }
    ByteWriter writer{buffer};
    write_tftp_error(writer, {TftpErrorCode::not_defined, {"a\0b", 3}});
    EXPECT_EQ(as_text(writer.written()), "\0\5\0\0a\0"s) << "a text ends at its first NUL";
}

TEST(TftpPacket, AcksAndDataAreWrittenToTheByte) {
    std::array<std::byte, 16> buffer{};
    ByteWriter ack{buffer};
    write_tftp_ack(ack, 0xFFFE);
    EXPECT_EQ(as_text(ack.written()), "\0\4\xFF\xFE"s);
    ByteWriter data{buffer};
    write_tftp_data(data, {.block = 1, .payload = as_bytes("xyz")});
    EXPECT_EQ(as_text(data.written()), "\0\3\0\1xyz"s);
}

} // namespace
} // namespace muster
