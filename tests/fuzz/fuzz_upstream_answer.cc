// SPDX-License-Identifier: Apache-2.0
// Question: does any head of an upstream's answer break its reader, or leave something that must
// not be sent on or counted with?
// Method: the input's lines one by one; what was taken is looked at.
#include "core/mirror/upstream_answer.hh"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace muster;
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    UpstreamAnswer answer;
    while (!rest.empty()) {
        const std::size_t line = std::min(rest.find('\n'), rest.size() - 1) + 1;
        read_upstream_line(rest.substr(0, line), answer);
        rest.remove_prefix(line);
    }
    const auto plain = [](std::string_view text) {
        return text.size() <= 256 &&
               std::ranges::all_of(text, [](char c) { return c >= ' ' && c != '\x7F'; });
    };
    const auto countable = [](std::uint64_t number) {
        return number < (std::uint64_t{1} << 62U);
    };
    const bool good =
        plain(answer.etag) && plain(answer.last_modified) && plain(answer.content_type) &&
        answer.status < 600 && countable(answer.content_length.value_or(0)) &&
        (!answer.range ||
         (answer.range->first <= answer.range->last && countable(answer.range->last)));
    if (!good) {
        std::abort();
    }
    return 0;
}
