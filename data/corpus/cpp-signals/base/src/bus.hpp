#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

// Passes events on to listeners, in the order in which they came.
class Bus {
public:
    using Listener = std::function<void(const std::string &event)>;

    // Gives a number to leave with.
    int join(Listener listener);
    bool leave(int id);
    // How many listeners were told.
    std::size_t send(const std::string &event);
    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        int id;
        Listener listener;
    };
    std::vector<Entry> entries_;
    int next_ = 1;
};
