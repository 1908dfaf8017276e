// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/svg.hh"

#include "core/base/text.hh"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace muster::load {
namespace {

std::string_view to_text(Svg::Anchor anchor) {
    switch (anchor) {
    case Svg::Anchor::start:
        return "start";
    case Svg::Anchor::middle:
        return "middle";
    case Svg::Anchor::end:
        return "end";
    }
    __builtin_unreachable();
}

/// What a browser shows while the pointer is on the shape.
std::string title(std::string_view tip) {
    return tip.empty() ? std::string{} : fmt::format("<title>{}</title>", escaped_markup(tip));
}

} // namespace

Svg::Svg(double width, double height)
    : out_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:g}\" height=\"{1:g}\" "
                       "viewBox=\"0 0 {0:g} {1:g}\" font-family=\"sans-serif\" font-size=\"12\">\n"
                       "<rect width=\"{0:g}\" height=\"{1:g}\" fill=\"white\"/>\n",
                       width, height)) {}

void Svg::rectangle(Point corner, double width, double height, std::string_view fill,
                    std::string_view tip) {
    out_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
                        "fill=\"{}\">{}</rect>\n",
                        corner.x, corner.y, width, height, fill, title(tip));
}

void Svg::line(Point from, Point to, std::string_view stroke) {
    out_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", from.x,
        from.y, to.x, to.y, stroke);
}

void Svg::area(const std::vector<Point>& outline, std::string_view fill, std::string_view tip) {
    out_ += "<polygon points=\"";
    for (const Point& point : outline) {
        fmt::format_to(std::back_inserter(out_), "{:.1f},{:.1f} ", point.x, point.y);
    }
    out_ += fmt::format("\" fill=\"{}\">{}</polygon>\n", fill, title(tip));
}

void Svg::text(Point at, std::string_view words, Anchor anchor, bool bold) {
    out_ +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", at.x, at.y,
                    to_text(anchor), bold ? " font-weight=\"bold\"" : "", escaped_markup(words));
}

std::string Svg::document() && {
    return std::move(out_) + "</svg>\n";
}

double round_step(double span, unsigned steps) {
    if (!(span > 0) || steps == 0) {
        return 1;
    }
    const double least = span / steps;
    const double power = std::pow(10, std::floor(std::log10(least)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= least * (1 - 1e-9)) {
            return factor * power;
        }
    }
    return 10 * power;
}

} // namespace muster::load
