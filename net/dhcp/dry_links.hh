// SPDX-License-Identifier: Apache-2.0
// Links that have no address left: said once, until there is one again.
#pragma once

#include "core/lease/lease_table.hh"
#include "core/metrics/counter_set.hh"

#include <vector>

namespace muster {

/// Of one family. Thread: worker 0; the gauge is read by the scrape.
class DryLinks {
public:
    /// The site was read anew, with so many links; `gauge` counts the dry ones.
    void reset(std::size_t links, Counter& gauge) {
        links_.assign(links, {});
        gauge.set(0);
    }
    [[nodiscard]] bool is_dry(LinkId link) const noexcept { return at(link).dry; }
    /// A newcomer got an address. What a machine has anyway says nothing of the pools.
    void end(LinkId link, Counter& gauge) noexcept {
        if (Link& known = links_[static_cast<std::size_t>(link)]; known.dry) {
            known.dry = false;
            gauge.set(gauge.read() - 1);
        }
    }
    /// A newcomer got none. Calls `tell`, which answers false when nobody could hear it; then the
    /// next one that gets nothing says it. At most once in ten minutes a link.
    template <class Tell>
    void begin(LinkId link, Instant now, Counter& gauge, Tell tell) noexcept {
        Link& known = links_[static_cast<std::size_t>(link)];
        if (known.dry) {
            return;
        }
        if (known.told == Instant{INT64_MIN} || now >= known.told + std::chrono::minutes{10}) {
            if (!tell()) {
                return;
            }
            known.told = now;
        }
        known.dry = true;
        gauge.add();
    }

private:
    struct Link {
        bool dry = false;
        Instant told = Instant{INT64_MIN};
    };
    [[nodiscard]] const Link& at(LinkId link) const noexcept {
        return links_[static_cast<std::size_t>(link)];
    }
    std::vector<Link> links_; ///< by LinkId
};

} // namespace muster
