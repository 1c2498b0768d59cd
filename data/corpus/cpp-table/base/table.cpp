#include "table.hpp"

#include <algorithm>

namespace table {

namespace {

std::string trimmed(const std::string &s)
{
    auto first = s.find_first_not_of(" \t\r");
    if (first == std::string::npos)
        return "";
    return s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
}

bool is_rule(const Row &row)
{
    return row.size() == 1 && row[0] == "-";
}

bool is_right(const std::string &cell)
{
    return !cell.empty() && cell[0] == '>';
}

std::size_t shown_width(const std::string &cell)
{
    return cell.size() - is_right(cell);
}

std::string padded(const std::string &cell, std::size_t width)
{
    std::string space(width - shown_width(cell), ' ');
    return is_right(cell) ? space + cell.substr(1) : cell + space;
}

}

Row split(const std::string &line)
{
    Row row;
    std::size_t begin = 0;
    for (;;) {
        auto comma = line.find(',', begin);
        row.push_back(trimmed(line.substr(begin, comma - begin)));
        if (comma == std::string::npos)
            return row;
        begin = comma + 1;
    }
}

void Table::add(Row row)
{
    if (rows_.empty())
        columns_ = row.size();
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths() const
{
    std::vector<std::size_t> widths(columns_);
    for (const Row &row : rows_)
        for (std::size_t i = 0; i < row.size(); i++)
            widths[i] = std::max(widths[i], shown_width(row[i]));
    return widths;
}

std::string Table::text() const
{
    std::string out;
    const auto widths = this->widths();
    for (const Row &row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < widths.size(); i++) {
            if (i > 0)
                line += is_rule(row) ? "-+-" : " | ";
            if (is_rule(row))
                line += std::string(widths[i], '-');
            else
                line += padded(i < row.size() ? row[i] : "", widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

}
