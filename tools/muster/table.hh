// SPDX-License-Identifier: Apache-2.0
// A table of text that fits the terminal: columns that may shrink do, the last of them first.
#pragma once

#include "tools/muster/terminal.hh"

#include <string>
#include <vector>

namespace muster::cli {

enum class Align : std::uint8_t { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
    std::size_t shrink_to = 0; ///< cells it keeps when room is short; 0: it never shrinks
};

struct Cell {
    std::string text;
    Colour colour = Colour::none;
};

class Table {
public:
    explicit Table(std::vector<Column> columns);

    /// One cell for each column. What is not `printable` is replaced; an empty text becomes `-`,
    /// so that every line of every table has the same number of words up to its last columns.
    void add(std::vector<Cell> row);

    [[nodiscard]] std::size_t rows() const noexcept { return rows_.size(); }

    /// The title line and a line for each row, each ended by a line feed and, where the terminal
    /// has a width, no wider than it.
    [[nodiscard]] std::string text(const Look& look) const;

private:
    [[nodiscard]] std::vector<std::size_t> widths(const Look& look) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

} // namespace muster::cli
