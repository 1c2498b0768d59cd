// Runs a script: `join NAME`, `joiner NAME COUNT` (joins others when told), `once NAME` (leaves
// when it is told), `leave NAME`, `send EVENT`. What is asked for while an event goes round is
// done after it where the script says `later`.
#include "bus.hpp"

#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

namespace {

Bus bus;
std::map<std::string, int> ids;

void join(const std::string &name)
{
    std::string mine = name;
    ids[name] = bus.join([mine](const std::string &event) { std::cout << mine << ": " << event << "\n"; });
}

void joiner(const std::string &name, int count)
{
    std::string mine = name;
    ids[name] = bus.join([mine, count](const std::string &event) {
        std::string me = mine;
        for (int i = 0; i < count; i++)
            join(me + std::to_string(i));
        std::cout << me << " brings " << count << " to " << event << "\n";
    });
}

void once(const std::string &name, bool later, std::vector<std::string> &gone)
{
    std::string mine = name;
    ids[name] = bus.join([mine, later, &gone](const std::string &event) {
        if (later)
            gone.push_back(mine);
        else
            bus.leave(ids[mine]);
        std::cout << mine << " hears " << event << " and goes\n";
    });
}

}

int main(int argc, char **argv)
{
    std::ifstream in(argc == 2 ? argv[1] : "");
    std::vector<std::string> gone;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string word, name, more;
        words >> word >> name >> more;
        if (word == "join")
            join(name);
        else if (word == "joiner")
            joiner(name, std::min(std::atoi(more.c_str()), 64));
        else if (word == "once")
            once(name, more == "later", gone);
        else if (word == "leave")
            std::cout << "leave " << bus.leave(ids[name]) << "\n";
        else if (word == "send")
            std::cout << bus.send(name) << " told\n";
        for (const auto &who : gone)
            bus.leave(ids[who]);
        gone.clear();
    }
    std::cout << bus.size() << " in the end\n";
    return 0;
}
