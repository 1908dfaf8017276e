// SPDX-License-Identifier: Apache-2.0
#include "net/client/grub_code.hh"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace muster {
namespace {

constexpr unsigned nesting_max = 32;

/// Words with their quotes on, and `;` for each end of a command.
std::vector<std::string> tokens_of(std::string_view text) {
    std::vector<std::string> tokens;
    std::string word;
    char quote = 0;
    const auto end_word = [&] {
        if (!word.empty()) {
            tokens.push_back(std::exchange(word, {}));
        }
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != 0) {
            word += c;
            if (c == '\\' && quote == '"' && i + 1 < text.size()) {
                word += text[++i];
            } else if (c == quote) {
                quote = 0;
            }
        } else if (c == '\'' || c == '"') {
            quote = c;
            word += c;
        } else if (c == '\\' && i + 1 < text.size()) {
            if (text[++i] != '\n') { // else the line goes on
                word += c;
                word += text[i];
            }
        } else if (c == '#' && word.empty()) {
            i = std::min(text.find('\n', i), text.size()) - 1;
        } else if (c == '\n' || c == ';' || c == ' ' || c == '\t' || c == '\r') {
            end_word();
            if (c == '\n' || c == ';') {
                tokens.emplace_back(";");
            }
        } else {
            word += c;
        }
    }
    end_word();
    tokens.emplace_back(";");
    return tokens;
}

class Reader {
public:
    explicit Reader(std::string_view text) : tokens_(tokens_of(text)) {}

    std::optional<GrubCode> read() {
        GrubCode code;
        if (!read_list(code, {}, 0) || at_ != tokens_.size()) {
            return std::nullopt;
        }
        return code;
    }

private:
    using Ends = std::initializer_list<std::string_view>;
    using Kind = GrubStep::Kind;

    [[nodiscard]] bool at(std::string_view token) const noexcept {
        return at_ < tokens_.size() && tokens_[at_] == token;
    }
    bool take(std::string_view token) noexcept {
        const bool there = at(token);
        at_ += there ? 1 : 0;
        return there;
    }
    void skip_ends() noexcept {
        while (take(";")) {
        }
    }
    std::vector<std::string> rest_of_command() {
        std::vector<std::string> words;
        while (at_ < tokens_.size() && tokens_[at_] != ";" && tokens_[at_] != "{" &&
               tokens_[at_] != "}") {
            words.push_back(tokens_[at_++]);
        }
        return words;
    }

    /// Commands up to one of `ends`, which is not taken; with none, up to the end of the file.
    bool read_list(GrubCode& code, Ends ends, unsigned depth) {
        if (depth > nesting_max) {
            return false;
        }
        for (;;) {
            skip_ends();
            if (at_ == tokens_.size()) {
                return ends.size() == 0;
            }
            if (std::ranges::find(ends, tokens_[at_]) != ends.end()) {
                return true;
            }
            if (!read_command(code, depth + 1)) {
                return false;
            }
        }
    }

    bool read_command(GrubCode& code, unsigned depth) {
        if (take("if")) {
            return read_if(code, depth);
        }
        if (take("while")) {
            return read_loop(code, Kind::jump_if_not, depth);
        }
        if (take("until")) {
            return read_loop(code, Kind::jump_if, depth);
        }
        if (take("for")) {
            return read_for(code, depth);
        }
        if (take("menuentry") || take("submenu")) {
            return read_entry(code, depth);
        }
        if (take("function")) { // its calls fail, as those of any unknown command
            GrubCode ignored;
            return read_entry(ignored, depth);
        }
        GrubStep step{.kind = Kind::command};
        step.negated = take("!");
        step.words = rest_of_command();
        const bool reserved =
            !step.words.empty() &&
            std::ranges::any_of(Ends{"then", "else", "elif", "fi", "do", "done", "}", "in"},
                                [&](auto word) { return step.words[0] == word; });
        if (step.words.empty() || reserved) {
            return false;
        }
        code.steps.push_back(std::move(step));
        return true;
    }

    bool read_if(GrubCode& code, unsigned depth) {
        std::vector<std::size_t> to_end;
        for (;;) {
            if (!read_list(code, {"then"}, depth) || !take("then")) {
                return false;
            }
            const std::size_t skip = add(code, Kind::jump_if_not);
            if (!read_list(code, {"elif", "else", "fi"}, depth)) {
                return false;
            }
            to_end.push_back(add(code, Kind::jump));
            code.steps[skip].target = code.steps.size();
            if (take("elif")) {
                continue;
            }
            if (take("else") && !read_list(code, {"fi"}, depth)) {
                return false;
            }
            break;
        }
        if (!take("fi")) {
            return false;
        }
        for (const std::size_t jump : to_end) {
            code.steps[jump].target = code.steps.size();
        }
        return true;
    }

    bool read_loop(GrubCode& code, Kind leave, unsigned depth) {
        const std::size_t begin = code.steps.size();
        if (!read_list(code, {"do"}, depth) || !take("do")) {
            return false;
        }
        const std::size_t out = add(code, leave);
        if (!read_list(code, {"done"}, depth) || !take("done")) {
            return false;
        }
        code.steps[add(code, Kind::jump)].target = begin;
        code.steps[out].target = code.steps.size();
        return true;
    }

    bool read_for(GrubCode& code, unsigned depth) {
        std::vector<std::string> words = rest_of_command();
        if (words.size() < 2 || words[1] != "in") {
            return false;
        }
        words.erase(words.begin() + 1);
        code.steps[add(code, Kind::for_begin)].words = std::move(words);
        skip_ends();
        if (!take("do")) {
            return false;
        }
        const std::size_t next = add(code, Kind::for_next);
        if (!read_list(code, {"done"}, depth) || !take("done")) {
            return false;
        }
        code.steps[add(code, Kind::jump)].target = next;
        code.steps[next].target = code.steps.size();
        return true;
    }

    bool read_entry(GrubCode& code, unsigned depth) {
        GrubStep step{.kind = Kind::menu_entry};
        step.words = rest_of_command();
        GrubCode body;
        if (!take("{") || !read_list(body, {"}"}, depth) || !take("}")) {
            return false;
        }
        step.body = std::make_shared<const GrubCode>(std::move(body));
        code.steps.push_back(std::move(step));
        return true;
    }

    static std::size_t add(GrubCode& code, Kind kind) {
        code.steps.push_back({.kind = kind});
        return code.steps.size() - 1;
    }

    std::vector<std::string> tokens_;
    std::size_t at_ = 0;
};

} // namespace

std::optional<GrubCode> read_grub_code(std::string_view text) {
    return Reader{text}.read();
}

} // namespace muster
