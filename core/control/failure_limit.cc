// SPDX-License-Identifier: Apache-2.0
#include "core/control/failure_limit.hh"

#include <algorithm>

namespace muster {
namespace {

IpAddress network_of(const IpAddress& client) noexcept {
    if (client.v4()) {
        return client;
    }
    Ipv6Address network = client.v6();
    std::fill(network.octets.begin() + 8, network.octets.end(), std::uint8_t{0});
    return network;
}

} // namespace

/// A clock that was set back ends a span, too: nobody waits for hours.
bool FailureLimit::over(const Failures& failures, UnixTime at) noexcept {
    return at < failures.first || at - failures.first >= token_failures_span;
}

Duration FailureLimit::wait(const IpAddress& client, UnixTime at) const {
    const auto found = clients_.find(network_of(client));
    if (found == clients_.end() || found->second.count < token_failures_max ||
        over(found->second, at)) {
        return {};
    }
    return token_failures_span - (at - found->second.first);
}

void FailureLimit::note(const IpAddress& client, UnixTime at) {
    const IpAddress network = network_of(client);
    if (!clients_.contains(network)) {
        make_room(at);
    }
    Failures& failures = clients_[network];
    if (failures.count == 0 || over(failures, at)) {
        failures = {.first = at, .count = 0};
    }
    ++failures.count;
}

void FailureLimit::make_room(UnixTime at) {
    if (clients_.size() < failing_clients_max) {
        return;
    }
    absl::erase_if(clients_, [at](const auto& client) { return over(client.second, at); });
    if (clients_.size() >= failing_clients_max) {
        clients_.erase(
            std::min_element(clients_.begin(), clients_.end(), [](const auto& a, const auto& b) {
                return a.second.first < b.second.first;
            }));
    }
}

} // namespace muster
