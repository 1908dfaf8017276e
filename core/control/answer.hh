// SPDX-License-Identifier: Apache-2.0
// What the control answers to a request, before it becomes a DynamicReply.
#pragma once

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
    std::string body;
    std::string_view type = text_type; ///< a literal
    std::uint32_t retry_after_s = 0;
};

/// A line of text with its line feed: what installers and people at a console see.
[[nodiscard]] inline Answer text_answer(std::uint16_t status, std::string_view line) {
    std::string body{line}; // not by operator+, in which gcc 12 sees an overflow that is none
    body += '\n';
    return {.status = status, .body = std::move(body), .type = text_type, .retry_after_s = 0};
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
