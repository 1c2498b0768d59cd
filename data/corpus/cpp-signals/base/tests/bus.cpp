#include "bus.hpp"

#include <iostream>

static int n, bad;

static void ok(bool good, const char *name)
{
    std::cout << (good ? "ok " : "not ok ") << ++n << " - " << name << "\n";
    bad |= !good;
}

int main()
{
    std::string heard;
    Bus bus;
    ok(bus.send("x") == 0, "nobody is told");
    int a = bus.join([&](const std::string &event) { heard += "a" + event; });
    int b = bus.join([&](const std::string &event) { heard += "b" + event; });
    ok(a != b, "numbers differ");
    ok(bus.send("1") == 2, "two are told");
    ok(heard == "a1b1", "in their order");
    ok(bus.leave(a) && bus.size() == 1, "one leaves");
    ok(!bus.leave(a), "and cannot leave again");
    bus.send("2");
    ok(heard == "a1b1b2", "and hears nothing more");
    std::cout << "1.." << n << "\n";
    return bad;
}
