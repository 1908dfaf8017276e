// SPDX-License-Identifier: Apache-2.0
// What validators say is told apart by what the real ones printed (debconf 1.5.82, libxml2 2.9.14,
// ignition 2.14, cloud-init 22.4).
#include "tools/muster/validators.hh"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

ProgramEnd ended(int status, std::string output) {
    ProgramEnd end;
    end.started = true;
    end.status = status;
    end.output = std::move(output);
    return end;
}

AnswerProblem verdict(std::string output, std::string_view text = "") {
    return read_verdict(ended(1, std::move(output)), "/tmp/m/0", text).value_or(AnswerProblem{});
}

TEST(Validators, KnowAnAnswersFileByNameTemplateOrText) {
    EXPECT_EQ(answer_kind("preseed.cfg", "a", ""), AnswerKind::preseed);
    EXPECT_EQ(answer_kind("a", "debian-preseed.mustache", ""), AnswerKind::preseed);
    EXPECT_EQ(answer_kind("a", "b", "# x\nd-i a/b string c\n"), AnswerKind::preseed);
    EXPECT_EQ(answer_kind("ks.cfg", "redhat-kickstart.mustache", ""), AnswerKind::kickstart);
    EXPECT_EQ(answer_kind("a", "b", "lang en\n%packages\n%end\n"), AnswerKind::kickstart);
    EXPECT_EQ(answer_kind("user-data", "b", "#cloud-config\n"), AnswerKind::cloud_config);
    EXPECT_EQ(answer_kind("user-data", "b", "#!/bin/sh\n"), AnswerKind::other);
    EXPECT_EQ(answer_kind("unattend.xml", "b", ""), AnswerKind::xml);
    EXPECT_EQ(answer_kind("a", "b", "\n<?xml version=\"1.0\"?>\n<a/>"), AnswerKind::xml);
    EXPECT_EQ(answer_kind("live.ign", "b", "{}"), AnswerKind::ignition);
    EXPECT_EQ(answer_kind("install.conf", "minimal-image.mustache", "method=\"image\""),
              AnswerKind::other);
}

TEST(Validators, EachKindHasOne) {
    for (const auto kind : {AnswerKind::preseed, AnswerKind::kickstart, AnswerKind::cloud_config,
                            AnswerKind::xml, AnswerKind::ignition}) {
        ASSERT_NE(validator_of(kind), nullptr);
        EXPECT_FALSE(validator_of(kind)->program().empty());
    }
    EXPECT_EQ(validator_of(AnswerKind::other), nullptr);
}

TEST(Validators, NameTheLineThatTheyMean) {
    EXPECT_EQ(verdict("error: parse error on line 2: 'badline x'\n"),
              (AnswerProblem{2, "error: parse error on line 2: 'badline x'"}));
    EXPECT_EQ(verdict("/tmp/m/0:3: parser error : Premature end of data\n<b></a>\n       ^\n"),
              (AnswerProblem{3, "3: parser error : Premature end of data | <b></a>"}));
    EXPECT_EQ(verdict("error at $.storage.files.0.path, line 12 col 33: path not absolute\n").line,
              12U);
    EXPECT_EQ(verdict("File /tmp/m/0 is not valid yaml. while parsing a flow node\n"
                      "  in \"<byte string>\", line 4, column 1:\n    \n    ^\n")
                  .line,
              4U);
    // The schema names a key, and no line.
    const std::string_view text = "#cloud-config\nhostname: a\npackages: {a: b}";
    const auto schema = verdict("Error:\nCloud config schema errors: packages: {'a': 'b'} is not "
                                "of type 'array'\n",
                                text);
    EXPECT_EQ(schema.line, 3U);
    EXPECT_EQ(line_of(text, schema.line), "packages: {a: b}");
    EXPECT_EQ(verdict("no\n"), (AnswerProblem{0, "no"}));
    EXPECT_EQ(verdict("\n"), (AnswerProblem{0, "it does not say why"}));
    EXPECT_LT(verdict(std::string(10'000, 'x')).words.size(), 700U);
}

TEST(Validators, AnEndIsGoodOrBadOrTooLate) {
    EXPECT_EQ(read_verdict(ended(0, "a warning on line 1\n"), "f", ""), std::nullopt);
    EXPECT_EQ(read_verdict(ended(-1, ""), "f", "")->words,
              "a signal ended it: it does not say why");
    ProgramEnd late = ended(-1, "");
    late.too_slow = true;
    EXPECT_EQ(read_verdict(late, "f", "")->words, "did not end within 30 s");
}

TEST(Validators, LinesAreCountedFromOne) {
    EXPECT_EQ(line_of("a\n b \nc", 1), "a");
    EXPECT_EQ(line_of("a\n b \nc", 2), "b");
    EXPECT_EQ(line_of("a\n b \nc", 3), "c");
    EXPECT_EQ(line_of("a\n b \nc", 4), "");
    EXPECT_EQ(line_of("a", 0), "");
    EXPECT_EQ(line_of("", 3), "");
}

} // namespace
} // namespace muster::cli
