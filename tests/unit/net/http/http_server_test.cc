// SPDX-License-Identifier: Apache-2.0
// What each real client asks and must get (captures bios-ipxerom-http, uefi-http-shim-grub,
// uefi-http-grub-embedded, bios-virtio-lpxelinux; CLIENTS.md section 4).
#include "tests/unit/net/http/http_fixture.hh"

namespace muster::test {
namespace {

constexpr std::string_view ipxe_fields = "Connection: keep-alive\r\n"
                                         "User-Agent: iPXE/1.0.0+git-20190125.36a4c85-5.1\r\n"
                                         "Host: 10.79.0.1\r\n\r\n";
constexpr std::string_view uefi_fields = "Host: 10.79.0.1\r\nAccept: */*\r\n"
                                         "User-Agent: UefiHttpBoot/1.0\r\n\r\n";
constexpr std::string_view grub_fields = "Host: 10.79.0.1\r\n"
                                         "User-Agent: GRUB 2.06-13+deb12u2\r\n\r\n";
constexpr std::string_view wget_fields = "Host: 10.79.0.1:8079\r\nUser-Agent: Wget\r\n"
                                         "Connection: close\r\n";

std::string request(std::string_view line, std::string_view fields) {
    return std::string{line} + " HTTP/1.1\r\n" + std::string{fields};
}

TEST(HttpServer, IpxeLoadsScriptKernelAndInitrdOverOneConnection) {
    HttpWorld world;
    world.texts["/boot/ipxe"] = "#!ipxe\nboot\n";
    world.add_file("files:debian12/linux", std::string(100'000, 'k'));
    world.add_file("files:debian12/initrd.gz", std::string(300'000, 'i'));
    const StreamId stream = world.open();

    world.data(stream, request("GET /boot/ipxe", ipxe_fields));
    world.data(stream, request("GET /files/debian12/linux", ipxe_fields));
    world.data(stream, request("GET /files/debian12/initrd.gz", ipxe_fields));

    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got[0].body, "#!ipxe\nboot\n");
    EXPECT_EQ(got[0].field("Cache-Control"), "no-store");
    EXPECT_FALSE(got[0].has("ETag"));
    EXPECT_EQ(got[1].body, std::string(100'000, 'k'));
    EXPECT_EQ(got[2].body, std::string(300'000, 'i'));
    EXPECT_FALSE(got[2].has("Connection")) << "HTTP/1.1 goes on by itself";
    EXPECT_FALSE(world.shut[0]);
    EXPECT_TRUE(world.orders.empty());
    ASSERT_EQ(world.asked.size(), 1U);
    EXPECT_EQ(world.asked[0].user_agent, "iPXE/1.0.0+git-20190125.36a4c85-5.1");
    EXPECT_EQ(world.asked[0].client, world.client);
    EXPECT_EQ(world.asked[0].server, world.local.address);
    EXPECT_EQ(world.asked[0].transport, DynamicRequest::Transport::http);
}

TEST(HttpServer, OvmfGetsTheSameFieldsFromHeadAsFromGet) {
    HttpWorld world;
    world.add_file("loaders:shimx64.efi", std::string(934'680, 's'));
    const StreamId stream = world.open();

    world.data(stream, request("HEAD /loaders/shimx64.efi", uefi_fields));
    world.data(stream, request("GET /loaders/shimx64.efi", uefi_fields));

    const auto got = read_responses(world.received[0], {true, false});
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].head, got[1].head);
    EXPECT_EQ(got[0].field("Content-Length"), "934680");
    EXPECT_EQ(got[0].field("Content-Type"), "application/octet-stream");
    EXPECT_EQ(got[0].field("Accept-Ranges"), "bytes");
    EXPECT_EQ(got[0].field("ETag"), "\"v1\"");
    EXPECT_EQ(got[0].field("Last-Modified"), "Sun, 22 Nov 2026 07:05:18 GMT");
    EXPECT_EQ(got[0].field("Date"), "Sun, 22 Nov 2026 08:05:18 GMT");
    EXPECT_EQ(got[0].field("Server"), "muster");
    EXPECT_EQ(got[1].body.size(), 934'680U);
}

TEST(HttpServer, ShimFindsItsSecondStageBehindADoubledSlash) {
    HttpWorld world;
    world.add_file("loaders:grubx64.efi", "MZ");
    EXPECT_EQ(world.get(request("GET //grubx64.efi", uefi_fields)).body, "MZ");
    EXPECT_EQ(world.get(request("GET /revocations_sku.efi", uefi_fields)).status, 404);
}

// GRUB 2.06 compares these bytes, capitals and blanks included (grub-core/net/http.c).
TEST(HttpServer, GrubFindsItsFieldNamesByteForByte) {
    HttpWorld world;
    world.texts["/boot/grub.cfg"] = "linux /files/linux\n";
    const std::string back = world.exchange(request("GET /grub/grub.cfg", grub_fields));
    EXPECT_TRUE(back.starts_with("HTTP/1.1 200 OK\r\n")) << back;
    EXPECT_NE(back.find("\r\nContent-Length: 19\r\n"), std::string::npos) << back;
    EXPECT_EQ(back.find("Transfer-Encoding"), std::string::npos) << back;
}

// A seek opens the file again from there; GRUB takes a 200 for the part it wanted.
TEST(HttpServer, GrubSeeksInFilesAndInRenderedTexts) {
    HttpWorld world;
    world.add_file("files:linux", "0123456789");
    world.texts["/boot/grub.cfg"] = "0123456789";
    for (const char* path : {"GET /files/linux", "GET /grub/grub.cfg"}) {
        const auto got = world.get(request(path, "Range: bytes=7-\r\n" + std::string{grub_fields}));
        EXPECT_EQ(got.status, 206) << path;
        EXPECT_EQ(got.body, "789") << path;
        EXPECT_EQ(got.field("Content-Range"), "bytes 7-9/10") << path;
    }
}

TEST(HttpServer, LpxelinuxSpeaksHttp10AndIsAnsweredWithHttp11) {
    HttpWorld world;
    world.add_file("loaders:ldlinux.c32", std::string(119'524, 'c'));
    const StreamId stream = world.open();
    world.data(stream, "GET /loaders/ldlinux.c32 HTTP/1.0\r\nHost: 10.79.0.1\r\n"
                       "User-Agent: Syslinux/6.04\r\nConnection: close\r\n"
                       "Cookie: _Syslinux_ip=10.79.0.187%3A10.79.0.1;_Syslinux_BOOTIF=01-52-54-00-"
                       "79-00-00;_Syslinux_CPU=6PXLS\r\n\r\n");
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].body.size(), 119'524U);
    EXPECT_EQ(got[0].field("Connection"), "close");
    EXPECT_TRUE(world.shut[0]);
}

TEST(HttpServer, LpxelinuxIsLedThroughItsNamesBy404) {
    HttpWorld world;
    for (const char* name : {"01-52-54-00-79-00-00", "0A4F00BB", "default"}) {
        const auto got =
            world.get("GET /loaders/pxelinux.cfg/" + std::string{name} +
                      " HTTP/1.0\r\nUser-Agent: Syslinux/6.04\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(got.status, 404);
        EXPECT_EQ(world.asked.back().path, "/boot/pxelinux.cfg/" + std::string{name});
    }
}

TEST(HttpServer, Http10GoesOnOnRequestAndIsToldSo) {
    HttpWorld world;
    world.add_file("files:a", "A");
    const auto kept = world.get("GET /files/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(kept.field("Connection"), "keep-alive");
    const auto closed = world.get("GET /files/a HTTP/1.0\r\n\r\n");
    EXPECT_EQ(closed.field("Connection"), "close");
}

TEST(HttpServer, BusyboxWgetPostsAFormAsAReport) {
    HttpWorld world;
    world.texts["/report/T0K3N/progress"] = "ok\n";
    const std::string form = "percent=42&message=unpacking%20root";
    const StreamId stream = world.open();
    world.data(stream, request("POST /report/T0K3N/progress?x=1", wget_fields) +
                           "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                           std::to_string(form.size()) + "\r\n\r\n" + form);
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].status, 200);
    EXPECT_EQ(got[0].body, "ok\n");
    EXPECT_TRUE(world.shut[0]);
    ASSERT_EQ(world.asked.size(), 1U);
    EXPECT_EQ(world.asked[0].method, DynamicRequest::Method::post);
    EXPECT_EQ(world.asked[0].path, "/report/T0K3N/progress");
    EXPECT_EQ(world.asked[0].query, "x=1") << "raw: control decodes it";
    EXPECT_EQ(world.asked[0].body, form);
}

TEST(HttpServer, AReportMayBeAGetWithAQuery) {
    HttpWorld world;
    world.texts["/report/T/progress"] = "ok\n";
    EXPECT_EQ(world
                  .get(request("GET /report/T/progress?percent=7&message=a%20b",
                               std::string{wget_fields} + "\r\n"))
                  .status,
              200);
    EXPECT_EQ(world.asked[0].query, "percent=7&message=a%20b");
}

TEST(HttpServer, DebianInstallerLivesWithMissingReleases) {
    HttpWorld world;
    world.add_file("files:debian/dists/bookworm/Release", "Suite: oldstable\n");
    const std::string fields = "Host: 10.79.0.1\r\nUser-Agent: debian-installer\r\n\r\n";
    EXPECT_EQ(world.get(request("GET /files/debian/dists/stable/Release", fields)).status, 404);
    EXPECT_EQ(world.get(request("GET /files/debian/dists/bookworm/Release", fields)).body,
              "Suite: oldstable\n");
}

TEST(HttpServer, APathMayBeEscapedAndInAbsoluteForm) {
    HttpWorld world;
    world.add_file("files:a b", "AB");
    EXPECT_EQ(world.get(request("GET /files/a%20b", uefi_fields)).body, "AB");
    EXPECT_EQ(world.get(request("GET http://10.79.0.1/files/a%20b", uefi_fields)).body, "AB");
    EXPECT_EQ(world.get(request("GET HTTP://10.79.0.1:80/%66iles//./a%20b?x", uefi_fields)).body,
              "AB");
}

TEST(HttpServer, SaysCloseWhenItWasToldClose) {
    HttpWorld world;
    world.add_file("files:a", "A");
    const auto got =
        world.get("GET /files/a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Close\r\n\r\n");
    EXPECT_EQ(got.field("Connection"), "close");
    EXPECT_EQ(world.sends.back().close_after, true);
    EXPECT_EQ(world.sends.back().peer_done, true);
}

TEST(HttpServer, WaitsForTheEndOfAClientThatItWasNotToldOf) {
    HttpWorld world;
    world.add_file("files:a", "A");
    world.get("GET /files/a HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_FALSE(world.sends.back().peer_done);
    world.get("GET /files/a HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(world.sends.back().peer_done);
    world.get("GET /files/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
              "99999999999\r\n\r\n");
    EXPECT_TRUE(world.sends.back().close_after);
    EXPECT_FALSE(world.sends.back().peer_done) << "its body is still coming";
}

// ---- The admin API.

TEST(HttpServerAdmin, EveryRequestGoesToControlWithAllItHas) {
    HttpWorld world{HttpRole::admin};
    world.hold_replies = true;
    const StreamId stream = world.open();
    world.data(stream, "PUT /api/v1//nodes/r1%2dn01?dry=1 HTTP/1.1\r\nHost: x\r\n"
                       "Authorization: Bearer abc\r\nUser-Agent: muster/0.1\r\n"
                       "Content-Length: 2\r\n\r\n{}");
    ASSERT_EQ(world.asked.size(), 1U);
    const DynamicRequest& asked = world.asked[0];
    EXPECT_EQ(asked.method, DynamicRequest::Method::put);
    EXPECT_EQ(asked.path, "/api/v1/nodes/r1-n01");
    EXPECT_EQ(asked.query, "dry=1");
    EXPECT_EQ(asked.body, "{}");
    EXPECT_EQ(asked.authorization, "Bearer abc");
    EXPECT_EQ(asked.user_agent, "muster/0.1");

    world.reply(asked, 201, std::make_shared<TextContent>("{\"name\":1}", "application/json"));
    const auto got = read_responses(world.received[0]);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].status, 201);
    EXPECT_EQ(got[0].body, "{\"name\":1}");
    EXPECT_EQ(got[0].field("Content-Type"), "application/json");
}

TEST(HttpServerAdmin, KnowsAllFiveMethodsAndNamesThemForTheSixth) {
    HttpWorld world{HttpRole::admin};
    world.texts["/api/v1/nodes/a"] = "x";
    using Method = DynamicRequest::Method;
    const std::pair<const char*, Method> methods[] = {{"GET", Method::get},
                                                      {"HEAD", Method::head},
                                                      {"POST", Method::post},
                                                      {"PUT", Method::put},
                                                      {"DELETE", Method::del}};
    for (const auto& [name, method] : methods) {
        EXPECT_EQ(
            world.get(std::string{name} + " /api/v1/nodes/a HTTP/1.1\r\nHost: x\r\n\r\n").status,
            200);
        EXPECT_EQ(world.asked.back().method, method);
    }
    const auto refused = world.get("PATCH /api/v1/nodes/a HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.field("Allow"), "GET, HEAD, POST, PUT, DELETE");
    EXPECT_EQ(refused.body,
              "{\"error\": {\"code\": \"method_not_allowed\", \"message\": \"this method is not "
              "allowed here\"}}\n");
    EXPECT_EQ(refused.field("Content-Type"), "application/json");
}

TEST(HttpServerAdmin, ControlsAnswersKeepTheirStatusAndBody) {
    HttpWorld world{HttpRole::admin};
    world.hold_replies = true;
    const auto answered = [&](std::uint16_t status, ContentRef content, std::uint32_t retry) {
        const StreamId stream = world.open();
        world.data(stream, "GET /api/v1/x HTTP/1.1\r\nHost: x\r\n\r\n");
        world.reply(world.asked.back(), status, std::move(content), retry);
        const auto got = read_responses(world.received[0]);
        world.hang_up(stream);
        EXPECT_EQ(got.size(), 1U);
        return got.empty() ? Response{} : got[0];
    };
    const auto json = std::make_shared<TextContent>("{}", "application/json");
    EXPECT_EQ(answered(404, json, 0).body, "{}");
    EXPECT_EQ(answered(409, json, 0).status, 409);
    EXPECT_EQ(answered(503, json, 7).field("Retry-After"), "7");
    EXPECT_EQ(answered(401, json, 0).field("WWW-Authenticate"), "Bearer realm=\"muster\"");
    EXPECT_EQ(answered(200, nullptr, 0).field("Content-Length"), "0");
    EXPECT_EQ(answered(500, nullptr, 0).body, "Internal Server Error\n");
    EXPECT_FALSE(answered(204, nullptr, 0).has("Content-Length"));
    EXPECT_EQ(answered(99, nullptr, 0).status, 500) << "no status at all";
    EXPECT_EQ(answered(100, json, 0).status, 500) << "would not end the response";
    EXPECT_EQ(answered(599, json, 0).status, 599) << "unlisted, but passed on";
}

TEST(HttpServerAdmin, ThePageHasValidatorsAndIsNotSentTwice) {
    HttpWorld world{HttpRole::admin};
    world.hold_replies = true;
    const StreamId stream = world.open();
    world.data(stream, "GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"page-1\"\r\n\r\n");
    EXPECT_EQ(world.asked[0].path, "/");
    world.reply(world.asked[0], 200,
                std::make_shared<FileContent>("<html>", "\"page-1\"", UnixTime{}));
    EXPECT_EQ(read_responses(world.received[0])[0].status, 304);
}

} // namespace
} // namespace muster::test
