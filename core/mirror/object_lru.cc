// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/object_lru.hh"

#include "core/base/check.hh"

namespace muster {

void ObjectLru::add(ObjectId id, std::uint64_t room) {
    const auto at = order_.insert(order_.end(), id);
    const bool fresh = places_.emplace(id, Place{at, room}).second;
    MUSTER_CHECK(fresh);
}

void ObjectLru::touch(ObjectId id) {
    if (const auto place = places_.find(id); place != places_.end()) {
        order_.splice(order_.end(), order_, place->second.at);
    }
}

void ObjectLru::remove(ObjectId id) {
    const auto place = places_.find(id);
    if (place == places_.end()) {
        return;
    }
    used_ -= place->second.room;
    order_.erase(place->second.at);
    places_.erase(place);
}

std::optional<ObjectId> ObjectLru::excess() const {
    return used_ > max_ && !order_.empty() ? std::optional{order_.front()} : std::nullopt;
}

} // namespace muster
