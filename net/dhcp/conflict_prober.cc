// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/conflict_prober.hh"

#include <algorithm>

namespace muster {

bool ConflictProber::Link::knows(const Ipv4Address& address, Instant since) const noexcept {
    return std::any_of(looked.begin(), looked.end(), [&](const Looked& one) {
        return one.address == address && one.at >= since;
    });
}

void ConflictProber::set_links(std::span<const SubnetPlan> subnets,
                               std::span<const InterfaceInfo> interfaces) {
    links_.clear();
    turn_ = 0;
    const std::vector<std::uint16_t> links = links_of(subnets);
    for (std::size_t i = 0; i < subnets.size(); ++i) {
        auto link = std::find_if(links_.begin(), links_.end(), [&](const Link& known) {
            return known.id == static_cast<LinkId>(links[i]);
        });
        if (link == links_.end()) {
            link = links_.insert(links_.end(), Link{.id = static_cast<LinkId>(links[i])});
        }
        for (const InterfaceInfo& interface : interfaces) {
            if (subnets[i].subnet.contains(interface.address) ||
                (!subnets[i].interface.empty() && subnets[i].interface == interface.name)) {
                link->interface = interface.index;
                link->mac = interface.mac;
            }
        }
    }
    next_round_ = links_.empty() ? Instant::never() : Instant{};
}

std::uint32_t ConflictProber::interface_of(LinkId link) const noexcept {
    const auto found = std::find_if(links_.begin(), links_.end(),
                                    [&](const Link& known) { return known.id == link; });
    return found == links_.end() ? 0 : found->interface;
}

void ConflictProber::hurry(Instant now) noexcept {
    next_round_ = std::min(next_round_, now + limits_.round);
}

void ConflictProber::ask(const LeaseTable& leases, Instant now, std::vector<ConflictProbe>& out) {
    const std::size_t before = out.size();
    const Instant since = now - limits_.valid;
    echoes_ = 0;
    std::array<Ipv4Address, ahead> candidates{};
    for (std::size_t i = 0; i < links_.size(); ++i) {
        Link& link = links_[(turn_ + i) % links_.size()];
        const std::size_t count = leases.candidates(link.id, candidates);
        for (std::size_t k = 0; k < count && out.size() - before < limits_.probes_per_round; ++k) {
            if (link.knows(candidates[k], since)) {
                continue;
            }
            link.looked[link.next] = {candidates[k], now};
            link.next = (link.next + 1) % ahead;
            echoes_ += link.interface == 0 ? 1U : 0U;
            out.push_back({candidates[k], link.interface, link.mac});
        }
    }
    turn_ = links_.empty() ? 0 : (turn_ + 1) % links_.size();
    next_round_ = now + (out.size() > before ? limits_.round : limits_.rest);
}

bool ConflictProber::asked(const Ipv4Address& address, Instant now) const noexcept {
    return std::any_of(links_.begin(), links_.end(),
                       [&](const Link& link) { return link.knows(address, now - limits_.valid); });
}

void ConflictProber::hear(const ConflictAnswer& answer, Instant now) noexcept {
    const auto known = heard_.begin() + static_cast<std::ptrdiff_t>(heard_count_);
    const bool again = std::any_of(heard_.begin(), known, [&](const ConflictAnswer& one) {
        return one.address == answer.address && one.mac == answer.mac;
    });
    if (!again && heard_count_ < heard_.size() && asked(answer.address, now)) {
        heard_[heard_count_++] = answer;
    }
}

bool ConflictProber::answers_for_all(const ConflictAnswer& answer, Instant now) noexcept {
    const auto known = heard_.begin() + static_cast<std::ptrdiff_t>(heard_count_);
    const auto count = static_cast<std::size_t>(std::count_if(
        heard_.begin(), known, [&](const ConflictAnswer& one) { return one.mac == answer.mac; }));
    if (!answer.mac) { // ICMP does not say who; a link where most answer is one that always does
        return count > addresses_of_one && count * 2 > echoes_;
    }
    const auto proxy = std::find_if(proxies_.begin(), proxies_.end(),
                                    [&](const Proxy& one) { return one.mac == *answer.mac; });
    if (proxy != proxies_.end() && proxy->until > now) {
        proxy->until = now + limits_.valid;
        return true;
    }
    if (count <= addresses_of_one) {
        return false;
    }
    proxies_[next_proxy_] = {*answer.mac, now + limits_.valid};
    next_proxy_ = (next_proxy_ + 1) % proxies_.size();
    return true;
}

std::span<const ConflictAnswer> ConflictProber::settle(Instant now) noexcept {
    std::array<ConflictAnswer, 256> believed;
    std::size_t count = 0;
    for (std::size_t i = 0; i < heard_count_; ++i) {
        if (answers_for_all(heard_[i], now)) {
            ++ignored_;
        } else {
            believed[count++] = heard_[i];
        }
    }
    heard_ = believed;
    heard_count_ = 0;
    return std::span{heard_}.first(count);
}

} // namespace muster
