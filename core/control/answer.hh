// SPDX-License-Identifier: Apache-2.0
// What the control answers to a request, before it becomes a DynamicReply.
#pragma once

#include "core/content/content.hh"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace muster {

inline constexpr std::string_view text_type = "text/plain; charset=utf-8";
inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view html_type = "text/html; charset=utf-8";

struct Answer {
    std::uint16_t status = 200;
    std::string body{};
    std::string_view type = text_type; ///< a literal
    std::uint32_t retry_after_s = 0;
    bool feed = false;    ///< `body` only begins what is sent (see EventFeed)
    ContentRef content{}; ///< instead of `body`
};

/// A line of text with its line feed: what installers and people at a console see.
[[nodiscard]] inline Answer text_answer(std::uint16_t status, std::string_view line) {
    Answer answer{.status = status};
    answer.body.reserve(line.size() + 1); // not by operator+, in which gcc 12 sees an overflow
    answer.body.append(line).push_back('\n');
    return answer;
}

/// How a request will be answered: it has put its changes into the open batch, and says from what
/// is committed what it has to say. If the store refuses the batch, and the request changed
/// anything, it is answered 503 instead.
using Decision = std::function<Answer()>;

[[nodiscard]] inline Decision decided(Answer answer) {
    return [answer = std::move(answer)] {
        return answer;
    };
}

} // namespace muster
