// SPDX-License-Identifier: Apache-2.0
#include "core/content/template_context.hh"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(TemplateContext, NamesThePortUnlessItIs80) {
    EXPECT_EQ(server_url({Ipv4Address{{10, 0, 0, 1}}, 80}), "http://10.0.0.1");
    EXPECT_EQ(server_url({Ipv4Address{{10, 0, 0, 1}}, 8080}), "http://10.0.0.1:8080");
}

TEST(TemplateContext, PutsAnIpv6AddressInBrackets) {
    const Ipv6Address address = read_ipv6_address("fd00:79::1").value();
    EXPECT_EQ(server_url({address, 80}), "http://[fd00:79::1]");
    EXPECT_EQ(server_url({address, 8080}), "http://[fd00:79::1]:8080");
}

TEST(TemplateContext, HoldsTheNodeTheUrlsAndTheVariables) {
    TemplateSubject subject;
    subject.name = "r1n01";
    subject.mac = MacAddress{{0x52, 0x54, 0, 0, 1, 1}};
    subject.address = Ipv4Address{{10, 0, 0, 21}};
    subject.tags = {"rack1", "compute"};
    subject.profile = "debian12";
    subject.attempt = 2;
    subject.token = "TOKEN";
    const nlohmann::json context =
        template_context({Ipv4Address{{10, 0, 0, 1}}, 8080}, subject, {{"disk", "/dev/vda"}});
    const nlohmann::json expected = {{"node",
                                      {{"name", "r1n01"},
                                       {"mac", "52:54:00:00:01:01"},
                                       {"address", "10.0.0.21"},
                                       {"tags", {"rack1", "compute"}}}},
                                     {"server_url", "http://10.0.0.1:8080"},
                                     {"server_host", "10.0.0.1:8080"},
                                     {"files_url", "http://10.0.0.1:8080/files"},
                                     {"answers_url", "http://10.0.0.1:8080/answers/TOKEN"},
                                     {"report_url", "http://10.0.0.1:8080/report/TOKEN"},
                                     {"attempt", 2},
                                     {"profile", "debian12"},
                                     {"disk", "/dev/vda"}};
    EXPECT_EQ(context, expected);
}

TEST(TemplateContext, WhatIsNotKnownYetIsAnEmptyText) {
    const auto context = template_context({}, {}, Variables::object());
    EXPECT_EQ(context["node"]["mac"], "");
    EXPECT_EQ(context["node"]["address"], "");
    EXPECT_EQ(context["node"]["tags"], nlohmann::json::array());
}

TEST(TemplateContext, ReservedNamesWin) {
    for (const std::string_view name : reserved_variables) {
        const auto context = template_context({}, {}, Variables{{std::string{name}, "stolen"}});
        EXPECT_NE(context[std::string{name}], "stolen") << name;
        EXPECT_TRUE(is_reserved_variable(name));
    }
    EXPECT_FALSE(is_reserved_variable("disk"));
}

TEST(TemplateContext, TheMostSpecificPlaceWins) {
    const Variables site = {{"a", 1}, {"b", 1}, {"c", 1}, {"m", {{"x", 1}}}};
    const Variables profile = {{"b", 2}, {"c", 2}};
    const Variables node = {{"c", 3}, {"m", {{"y", 3}}}};
    EXPECT_EQ(merged_variables(site, &profile, node),
              (Variables{{"a", 1}, {"b", 2}, {"c", 3}, {"m", {{"y", 3}}}}));
    EXPECT_EQ(merged_variables(site, nullptr, Variables::object()), site);
}

} // namespace
} // namespace muster
