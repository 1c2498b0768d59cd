#include "table.hpp"

#include <iostream>

static int n, bad;

static void is(const std::string &got, const std::string &wanted, const char *name)
{
    std::cout << (got == wanted ? "ok " : "not ok ") << ++n << " - " << name << "\n";
    bad |= got != wanted;
}

static std::string lay(std::initializer_list<const char *> lines)
{
    table::Table rows;
    for (const char *line : lines)
        rows.add(table::split(line));
    return rows.text();
}

int main()
{
    is(lay({}), "", "no rows");
    is(lay({"a,b"}), "a | b\n", "one row");
    is(lay({"a,b", "long,c"}), "a    | b\nlong | c\n", "columns are as wide as their cells");
    is(lay({"a,b", "c"}), "a | b\nc |\n", "a short row");
    is(lay({"aa,b", "-"}), "aa | b\n---+--\n", "a rule");
    is(lay({"100,b", ">7,c"}), "100 | b\n  7 | c\n", "to the right");
    is(lay({" a , b "}), "a | b\n", "spaces go");
    is(table::split("a,,c")[1], "", "an empty cell");
    std::cout << "1.." << n << "\n";
    return bad;
}
