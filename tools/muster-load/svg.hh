// SPDX-License-Identifier: Apache-2.0
// Just enough of SVG for a chart that a browser shows.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::load {

/// Builds one drawing. Lengths are pixels, the origin is at the top left.
class Svg {
public:
    Svg(double width, double height);

    struct Point {
        double x = 0;
        double y = 0;
    };
    enum class Anchor : unsigned char { start, middle, end };

    void rectangle(Point corner, double width, double height, std::string_view fill,
                   std::string_view tip = {});
    void line(Point from, Point to, std::string_view stroke);
    void area(const std::vector<Point>& outline, std::string_view fill, std::string_view tip = {});
    void text(Point at, std::string_view words, Anchor anchor = Anchor::start, bool bold = false);

    /// The whole document.
    [[nodiscard]] std::string document() &&;

private:
    std::string out_;
};

/// A round step such that `span` has at most `steps` of them: 1, 2 or 5 times a power of ten.
[[nodiscard]] double round_step(double span, unsigned steps);

} // namespace muster::load
