#include "table.hpp"

#include <fstream>
#include <iostream>

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: tabulate FILE\n";
        return 2;
    }
    std::ifstream in(argv[1]);
    table::Table rows;
    for (std::string line; std::getline(in, line);)
        rows.add(table::split(line));
    std::cout << rows.text();
    return 0;
}
