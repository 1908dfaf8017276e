// SPDX-License-Identifier: Apache-2.0
#include "io/host/access_log.hh"

#include "tests/support/temporary_folder.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>

namespace muster {
namespace {

AccessRecord record(std::string target) {
    AccessRecord made;
    made.at = {784'111'777'042};
    made.client = {Ipv4Address{{10, 66, 0, 21}}, 40'000};
    made.method = "GET";
    made.target = std::move(target);
    made.agent = "iPXE/1.0";
    made.status = 206;
    made.complete = true;
    made.bytes = 4096;
    made.duration = std::chrono::milliseconds{1'250};
    return made;
}

TEST(AccessLog, WritesOneLineInEitherForm) {
    EXPECT_EQ(access_line(record("/files/linux?x=1"), "r1n01", AccessFormat::text),
              "1994-11-06T08:49:37.042Z r1n01 10.66.0.21 \"GET /files/linux?x=1\" 206 4096 1.250 "
              "\"iPXE/1.0\"\n");
    AccessRecord broken = record("/files/linux");
    broken.complete = false;
    broken.status = 0;
    broken.agent.clear();
    EXPECT_EQ(access_line(broken, "", AccessFormat::text),
              "1994-11-06T08:49:37.042Z - 10.66.0.21 \"GET /files/linux\" - 4096+ 1.250 \"-\"\n");

    const auto json =
        nlohmann::json::parse(access_line(record("/files/linux"), "r1n01", AccessFormat::json));
    EXPECT_EQ(json["time"], "1994-11-06T08:49:37.042Z");
    EXPECT_EQ(json["node"], "r1n01");
    EXPECT_EQ(json["client"], "10.66.0.21");
    EXPECT_EQ(json["method"], "GET");
    EXPECT_EQ(json["path"], "/files/linux");
    EXPECT_EQ(json["status"], 206);
    EXPECT_EQ(json["bytes"], 4096);
    EXPECT_EQ(json["seconds"], 1.25);
    EXPECT_EQ(json["complete"], true);
    EXPECT_EQ(json["agent"], "iPXE/1.0");
}

// Every byte that a client may send: one line stays one line, and JSON stays JSON.
TEST(AccessLog, NoByteOfAClientEndsALineOrAString) {
    for (int byte = 0; byte < 256; ++byte) {
        AccessRecord made = record(std::string{"/a"} + static_cast<char>(byte) + "b");
        made.agent = std::string(1, static_cast<char>(byte));
        const std::string text = access_line(made, "", AccessFormat::text);
        EXPECT_EQ(std::ranges::count(text, '\n'), 1) << byte;
        EXPECT_EQ(std::ranges::count(text, '"'), 4) << byte;
        const std::string json = access_line(made, "", AccessFormat::json);
        EXPECT_EQ(std::ranges::count(json, '\n'), 1) << byte;
        EXPECT_TRUE(nlohmann::json::accept(json)) << byte;
    }
}

TEST(AccessLog, TokensAreNotWrittenDown) {
    for (const auto& [target, shown] :
         {std::pair{"/answers/SECRET/preseed.cfg", "/answers/*/preseed.cfg"},
          std::pair{"/report/SECRET/progress?percent=3", "/report/*/progress?percent=3"},
          std::pair{"http://h//report/SECRET", "http://h//report/*"},
          std::pair{"/files/report", "/files/report"}}) {
        const std::string line = access_line(record(target), "", AccessFormat::text);
        EXPECT_NE(line.find(std::string{"GET "} + shown + "\""), std::string::npos) << line;
    }
}

TEST(AccessLog, RecordsOfAllWorkersAreWrittenAndNamedOnceByAddress) {
    const testing::TemporaryFolder folder;
    const std::string path = (folder.path() / "log").string();
    std::size_t asked = 0;
    {
        AccessLog log{path, AccessFormat::text, 2};
        ASSERT_TRUE(log.open());
        for (int i = 0; i < 6'000; ++i) {
            auto made = std::make_unique<AccessRecord>(record("/files/" + std::to_string(i)));
            ASSERT_TRUE(log.ring(static_cast<unsigned>(i) % 2).push(std::move(made)));
        }
        log.start([&asked](const std::vector<IpAddress>& addresses) {
            asked += addresses.size();
            return std::vector<std::string>(addresses.size(), "r1n01");
        });
        log.stop();
    }
    EXPECT_EQ(asked, 1U);
    std::ifstream in{path};
    std::string line;
    std::size_t lines = 0;
    while (std::getline(in, line)) {
        ++lines;
        EXPECT_NE(line.find(" r1n01 10.66.0.21 \"GET /files/"), std::string::npos) << line;
    }
    EXPECT_EQ(lines, 6'000U);
}

TEST(AccessLog, GoesOnInANewFileAfterARotation) {
    const testing::TemporaryFolder folder;
    const auto path = folder.path() / "log";
    AccessLog log{path.string(), AccessFormat::text, 1};
    ASSERT_TRUE(log.open());
    std::filesystem::rename(path, folder.path() / "log.1");
    log.reopen();
    ASSERT_TRUE(log.ring(0).push(std::make_unique<AccessRecord>(record("/x"))));
    log.start({});
    log.stop();
    EXPECT_GT(std::filesystem::file_size(path), 0U);
    EXPECT_EQ(std::filesystem::file_size(folder.path() / "log.1"), 0U);
    AccessLog nowhere{(folder.path() / "no" / "log").string(), AccessFormat::text, 1};
    EXPECT_FALSE(nowhere.open());
}

} // namespace
} // namespace muster
