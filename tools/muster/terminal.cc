// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/terminal.hh"

#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace muster::cli {
namespace {

/// For terminals that do not tell their size (serial consoles say 0 by 0).
constexpr std::size_t usual_width = 80;
constexpr std::size_t usual_height = 24;

bool is_set(const char* variable) {
    const char* value = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): one thread
    return value != nullptr && *value != '\0';
}

bool is_dumb() {
    const char* term = std::getenv("TERM"); // NOLINT(concurrency-mt-unsafe): one thread
    return term == nullptr || *term == '\0' || std::string_view{term} == "dumb";
}

std::string_view sequence(Colour colour) {
    switch (colour) {
    case Colour::none:
        return "";
    case Colour::dim:
        return "\x1b[2m";
    case Colour::red:
        return "\x1b[1;31m";
    case Colour::green:
        return "\x1b[32m";
    case Colour::yellow:
        return "\x1b[33m";
    case Colour::blue:
        return "\x1b[36m";
    }
    __builtin_unreachable();
}

} // namespace

Look look_of(int file_descriptor) {
    Look look;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    if (std::string_view{nl_langinfo(CODESET)} == "UTF-8") {
        look.glyphs = Glyphs::unicode();
    }
    if (isatty(file_descriptor) != 1) {
        return look;
    }
    winsize size{};
    const bool known = ioctl(file_descriptor, TIOCGWINSZ, &size) == 0; // NOLINT: the only call
    look.width = known && size.ws_col > 0 ? size.ws_col : usual_width;
    look.height = known && size.ws_row > 0 ? size.ws_row : usual_height;
    look.redraws = !is_dumb();
    look.colours = look.redraws && !is_set("NO_COLOR");
    return look;
}

std::string coloured(std::string_view text, Colour colour, const Look& look) {
    if (!look.colours || colour == Colour::none || text.empty()) {
        return std::string{text};
    }
    return fmt::format("{}{}\x1b[0m", sequence(colour), text);
}

} // namespace muster::cli
