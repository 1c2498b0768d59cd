#include "bus.hpp"

#include <algorithm>
#include <utility>

int Bus::join(Listener listener)
{
    entries_.push_back({next_, std::move(listener)});
    return next_++;
}

bool Bus::leave(int id)
{
    auto at = std::find_if(entries_.begin(), entries_.end(),
                           [id](const Entry &entry) { return entry.id == id; });
    if (at == entries_.end())
        return false;
    entries_.erase(at);
    return true;
}

std::size_t Bus::send(const std::string &event)
{
    std::size_t told = 0;
    for (const Entry &entry : entries_) {
        entry.listener(event);
        told++;
    }
    return told;
}
