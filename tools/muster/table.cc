// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/table.hh"

#include "core/base/check.hh"

#include <algorithm>
#include <numeric>
#include <utility>

namespace muster::cli {
namespace {

constexpr std::size_t gap = 2;

/// Writes one line cell by cell and never passes the width, whatever the columns would like.
class Line {
public:
    explicit Line(const Look& look) : look_(look) {}

    void add(const Cell& cell, std::size_t width, Align align) {
        if (used_ > 0) {
            pending_ += gap;
        }
        const std::size_t mine = look_.width ? std::min(width, left_of(*look_.width)) : width;
        const std::string shown = fit(cell.text, mine, look_.glyphs);
        const std::size_t spare = mine - display_width(shown);
        if (align == Align::right) {
            pending_ += spare;
        }
        if (!shown.empty()) {
            // Blanks wait for something to follow them, so that no line ends in any.
            text_.append(pending_, ' ');
            used_ = position() + display_width(shown);
            pending_ = 0;
            text_ += coloured(shown, cell.colour, look_);
        }
        if (align == Align::left) {
            pending_ += spare;
        }
    }

    [[nodiscard]] std::string text() && { return std::move(text_) + '\n'; }

private:
    [[nodiscard]] std::size_t position() const { return used_ + pending_; }

    [[nodiscard]] std::size_t left_of(std::size_t width) const {
        return width - std::min(width, position());
    }

    const Look& look_;
    std::string text_;
    std::size_t used_ = 0;    ///< cells written
    std::size_t pending_ = 0; ///< blanks owed
};

} // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Cell> row) {
    MUSTER_CHECK(row.size() == columns_.size());
    for (Cell& cell : row) {
        cell.text = cell.text.empty() ? "-" : printable(cell.text);
    }
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(const Look& look) const {
    std::vector<std::size_t> widths;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
        std::size_t width = display_width(columns_[at].title);
        for (const auto& row : rows_) {
            width = std::max(width, display_width(row[at].text));
        }
        widths.push_back(width);
    }
    if (!look.width) {
        return widths;
    }
    std::size_t total = std::accumulate(widths.begin(), widths.end(), std::size_t{0});
    total += columns_.empty() ? 0 : gap * (columns_.size() - 1);
    for (std::size_t at = columns_.size(); at-- > 0 && total > *look.width;) {
        const std::size_t kept = columns_[at].shrink_to;
        if (kept == 0 || widths[at] <= kept) {
            continue;
        }
        const std::size_t less = std::min(widths[at] - kept, total - *look.width);
        widths[at] -= less;
        total -= less;
    }
    return widths;
}

std::string Table::text(const Look& look) const {
    const auto width = widths(look);
    std::string out;
    Line titles{look};
    for (std::size_t at = 0; at < columns_.size(); ++at) {
        titles.add({columns_[at].title, Colour::dim}, width[at], columns_[at].align);
    }
    out += std::move(titles).text();
    for (const auto& row : rows_) {
        Line line{look};
        for (std::size_t at = 0; at < columns_.size(); ++at) {
            line.add(row[at], width[at], columns_[at].align);
        }
        out += std::move(line).text();
    }
    return out;
}

} // namespace muster::cli
