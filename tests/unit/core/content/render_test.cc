// SPDX-License-Identifier: Apache-2.0
#include "core/content/render.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <initializer_list>

namespace muster {
namespace {

using nlohmann::json;

const json context = {{"name", "r1n01"},
                      {"count", 3},
                      {"ratio", 1.5},
                      {"on", true},
                      {"off", false},
                      {"nothing", nullptr},
                      {"empty", ""},
                      {"html", "<a href=\"x\">&'</a>"},
                      {"node", {{"mac", "52:54:00:00:01:01"}, {"deep", {{"er", "x"}}}}},
                      {"disks", {"vda", "vdb"}},
                      {"none", json::array()},
                      {"parts", {{{"at", "/"}, {"gb", 8}}, {{"at", "/var"}, {"gb", 20}}}}};

std::string rendered(std::string_view text) {
    const auto result = render(text, context);
    return result ? *result : "ERROR " + result.error().reason;
}

TEST(Render, PutsScalarsInAsTheyStand) {
    EXPECT_EQ(rendered("{{name}} {{ count }} {{ratio}} {{on}} {{off}}"), "r1n01 3 1.5 true false");
    EXPECT_EQ(rendered("[{{empty}}]"), "[]");
    EXPECT_EQ(rendered("no tags }} at all {"), "no tags }} at all {");
    EXPECT_EQ(rendered(""), "");
}

TEST(Render, EscapesNothing) {
    EXPECT_EQ(rendered("{{html}}"), "<a href=\"x\">&'</a>");
    EXPECT_EQ(rendered("{{{html}}}{{&html}}"), "<a href=\"x\">&'</a><a href=\"x\">&'</a>");
}

TEST(Render, FindsDottedNames) {
    EXPECT_EQ(rendered("{{node.mac}} {{node.deep.er}}"), "52:54:00:00:01:01 x");
    EXPECT_EQ(rendered("{{#node}}{{mac}} {{name}} {{deep.er}}{{/node}}"),
              "52:54:00:00:01:01 r1n01 x");
}

TEST(Render, SectionsOverListsAndObjects) {
    EXPECT_EQ(rendered("{{#disks}}<{{.}}>{{/disks}}"), "<vda><vdb>");
    EXPECT_EQ(rendered("{{#parts}}{{at}}={{gb}} on {{name}};{{/parts}}"),
              "/=8 on r1n01;/var=20 on r1n01;");
    EXPECT_EQ(rendered("{{#name}}named {{.}}{{/name}}"), "named r1n01");
}

TEST(Render, EmptyFalseNullAndUndefinedAreFalseInSections) {
    for (const char* name : {"off", "nothing", "empty", "none", "undefined", "node.undefined"}) {
        const std::string n = name;
        EXPECT_EQ(rendered("{{#" + n + "}}yes{{/" + n + "}}{{^" + n + "}}no{{/" + n + "}}"), "no")
            << name;
    }
    for (const char* name : {"on", "count", "name", "node", "disks"}) {
        const std::string n = name;
        const std::string out =
            rendered("{{#" + n + "}}y{{/" + n + "}}{{^" + n + "}}no{{/" + n + "}}");
        EXPECT_EQ(out.find('n'), std::string::npos) << name;
        EXPECT_NE(out.find('y'), std::string::npos) << name;
    }
}

TEST(Render, LinesThatHoldOnlyASectionTagVanish) {
    EXPECT_EQ(rendered("a\n{{#on}}\nb\n{{/on}}\nc\n"), "a\nb\nc\n");
}

TEST(Render, CommentsAndChangedDelimiters) {
    EXPECT_EQ(rendered("a{{! not {{ this }}b"), "ab");
    EXPECT_EQ(rendered("{{=<% %>=}}<% name %> {{name}} <%={{ }}=%>{{name}}"),
              "r1n01 {{name}} r1n01");
}

TEST(Render, UndefinedVariablesAreErrorsThatNameThem) {
    const auto result = render("first\n  x {{nme}} {{other}}", context);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), (TemplateError{2, 5, "'nme' is not defined"}));
    EXPECT_EQ(rendered("{{node.mca}}"), "ERROR 'node.mca' is not defined");
    EXPECT_EQ(rendered("{{name.x}}"), "ERROR 'name.x' is not defined");
    EXPECT_EQ(rendered("{{#disks}}{{at}}{{/disks}}"), "ERROR 'at' is not defined");
}

TEST(Render, AnUndefinedVariableInASectionThatIsFalseDoesNoHarm) {
    EXPECT_EQ(rendered("{{#proxy}}proxy={{proxy}}{{/proxy}}end"), "end");
    EXPECT_EQ(rendered("{{#proxy}}{{/proxy}}{{proxy}}"), "ERROR 'proxy' is not defined");
}

TEST(Render, WhatIsNoScalarCannotBeAText) {
    EXPECT_EQ(rendered("{{disks}}"), "ERROR 'disks' is a list, not a text");
    EXPECT_EQ(rendered("{{node}}"), "ERROR 'node' is a mapping, not a text");
    EXPECT_EQ(rendered("{{nothing}}"), "ERROR 'nothing' is empty, not a text");
}

struct Bad {
    const char* text;
    TemplateError error;
};

TEST(Template, SyntaxErrorsSayWhere) {
    for (const auto& [text, error] : std::initializer_list<Bad>{
             {"a\nb {{#on}} c", {2, 3, "section 'on' is not closed"}},
             {"{{#a}}{{#b}}{{/a}}{{/b}}",
              {1, 13, "section 'a' is closed, but 'b' of line 1 is open"}},
             {"x\n\n{{/on}}", {3, 1, "section 'on' is closed but was not opened"}},
             {"line\n{{name", {2, 1, "this tag is not closed"}},
             {"{{{name}}", {1, 1, "this tag is not closed"}},
             {"{{", {1, 1, "this tag is not closed"}},
             {"a {{}}", {1, 3, "this tag has no name"}},
             {"a {{# }}", {1, 3, "this tag has no name"}},
             {"{{> other}}", {1, 1, "partials ({{> name}}) are not supported"}},
             {"{{=x=}}", {1, 1, "malformed change of delimiters"}},
             {"{{=a b c=}}", {1, 1, "malformed change of delimiters"}},
             {"ab\x01", {1, 3, "control character 0x01"}},
         }) {
        const auto read = Template::read(text);
        ASSERT_FALSE(read.has_value()) << text;
        EXPECT_EQ(read.error().reason, error.reason) << text;
        EXPECT_EQ(read.error().line, error.line) << text;
        EXPECT_EQ(read.error().column, error.column) << text;
    }
}

TEST(Template, NestingAndSizeAreBounded) {
    std::string open;
    std::string close;
    for (unsigned i = 0; i < section_depth_max; ++i) {
        open += "{{#on}}";
        close += "{{/on}}";
    }
    EXPECT_EQ(rendered(open + "x" + close), "x");
    EXPECT_EQ(Template::read("{{#on}}" + open + close + "{{/on}}").error().reason,
              "sections nest deeper than 32");
    EXPECT_TRUE(Template::read(std::string(template_size_max, 'x')).has_value());
    EXPECT_FALSE(Template::read(std::string(template_size_max + 1, 'x')).has_value());
}

TEST(Template, WhatRendersTooLargeIsRefused) {
    const json many = {{"list", json::array()}, {"text", std::string(70'000, 'x')}};
    json longer = many;
    for (int i = 0; i < 70; ++i) {
        longer["list"].push_back("x");
    }
    EXPECT_FALSE(render("{{#list}}{{text}}{{/list}}", longer).has_value());
}

TEST(Template, OneTemplateRendersForManyContexts) {
    const auto read = Template::read("{{#a}}{{a}}{{/a}}{{b}}");
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->render({{"a", 1}, {"b", 2}}), "12");
    EXPECT_EQ(read->render({{"b", "x"}}), "x");
    EXPECT_FALSE(read->render({{"a", 1}}).has_value());
    EXPECT_EQ(read->render({{"a", 1}, {"b", 2}}), "12") << "an error leaves nothing behind";
}

// Every cut of a template: read, or refused with a reason, never a crash.
TEST(Template, EveryPrefixOfATemplateIsReadOrRefused) {
    const std::string whole = "a{{=<% %>=}}<%#on%>b<%^off%><%{name}%><%/off%><%/on%><%={{ }}=%>"
                              "{{! c }}{{{name}}}{{&name}}{{#parts}}{{at}}{{/parts}}";
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const auto read = Template::read(whole.substr(0, size));
        if (read) {
            (void)read->render(context);
        } else {
            EXPECT_FALSE(read.error().reason.empty());
        }
    }
}

} // namespace
} // namespace muster
