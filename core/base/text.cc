// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hh"

namespace muster {

std::string escaped_markup(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            out += static_cast<unsigned char>(c) < ' ' || c == 0x7F ? '?' : c;
        }
    }
    return out;
}

} // namespace muster
