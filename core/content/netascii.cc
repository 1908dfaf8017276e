// SPDX-License-Identifier: Apache-2.0
#include "core/content/netascii.hh"

namespace muster {

std::string to_netascii(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 16);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') {
            out += "\r\n";
        } else if (c != '\r') {
            out += c;
        } else if (i + 1 < text.size() && text[i + 1] == '\n') {
            out += "\r\n";
            ++i;
        } else {
            out += '\r';
            out += '\0';
        }
    }
    return out;
}

} // namespace muster
