// SPDX-License-Identifier: Apache-2.0
#include "io/host/mapped_read.hh"

#include "io/host/fd.hh"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>

namespace muster::test {
namespace {

class MappedReadTest : public testing::Test {
protected:
    static constexpr std::size_t size = 1 << 20;

    void SetUp() override {
        std::string name = testing::TempDir() + "mapped-XXXXXX";
        file = Fd{::mkstemp(name.data())};
        ASSERT_TRUE(file.valid());
        ::unlink(name.c_str());
        const std::string text(size, 'x');
        ASSERT_EQ(::write(file.get(), text.data(), size), static_cast<ssize_t>(size));
        mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
        ASSERT_NE(mapping, MAP_FAILED);
        bytes = {static_cast<const std::byte*>(mapping), size};
    }
    void TearDown() override { ::munmap(mapping, size); }

    [[nodiscard]] static std::size_t count(Bytes bytes, char wanted) {
        return static_cast<std::size_t>(
            std::count(bytes.begin(), bytes.end(), static_cast<std::byte>(wanted)));
    }

    Fd file;
    void* mapping = nullptr;
    Bytes bytes;
};

TEST_F(MappedReadTest, AWholeFileReadsAsItIs) {
    const MappedRead read{bytes};
    EXPECT_EQ(count(bytes, 'x'), size);
    EXPECT_FALSE(read.cut());
}

TEST_F(MappedReadTest, WhatWasCutReadsAsZeros) {
    ASSERT_EQ(::ftruncate(file.get(), 5000), 0);
    {
        const MappedRead read{bytes};
        EXPECT_EQ(count(bytes, 'x'), 5000U);
        EXPECT_EQ(count(bytes, '\0'), size - 5000);
        EXPECT_TRUE(read.cut());
    }
    const MappedRead next{bytes};
    EXPECT_FALSE(next.cut()) << "of a new one";
}

TEST_F(MappedReadTest, OtherMemoryIsNobodysButTheOperatingSystems) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    ASSERT_EQ(::ftruncate(file.get(), 5000), 0);
    EXPECT_DEATH(
        {
            const MappedRead read{bytes.first(size / 2)};
            std::_Exit(count(bytes.subspan(size / 2), 'x') == 0 ? 0 : 1);
        },
        "");
}

} // namespace
} // namespace muster::test
