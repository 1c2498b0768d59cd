#pragma once

#include <string>
#include <vector>

namespace table {

using Row = std::vector<std::string>;

// Splits at commas; spaces around a cell go.
Row split(const std::string &line);

// Lays rows out in columns. A row that is `-` alone is a rule. A cell that begins with `>` is
// set to the right, without the mark.
class Table {
public:
    void add(Row row);
    std::string text() const;
    std::size_t columns() const { return columns_; }

private:
    std::vector<std::size_t> widths() const;

    std::vector<Row> rows_;
    std::size_t columns_ = 0;
};

}
