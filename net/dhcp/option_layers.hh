// SPDX-License-Identifier: Apache-2.0
// The options that the site sets for one client, over all places where it can set them.
#pragma once

#include "core/site/dhcp_plan.hh"

namespace muster {

/// Sets of options, the most specific first: node and profile, each class that the client is in,
/// subnet and site. Borrows the site.
class OptionLayers {
public:
    void collect(const SharedDhcpOptions& node, std::span<const ClientClass> classes,
                 ClassMask in_classes, const DhcpOptionSet& subnet,
                 DhcpOptionSet ClientClass::*of_class = &ClientClass::options) noexcept {
        count_ = 0;
        add(node.set.get());
        for (ClassMask rest = in_classes; rest != 0; rest &= rest - 1) {
            add(&(classes[static_cast<std::size_t>(std::countr_zero(rest))].*of_class));
        }
        add(&subnet);
    }

    [[nodiscard]] const DhcpOptionSet::Entry* find(std::uint8_t code) const noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (const auto* entry = sets_[i]->find(code)) {
                return entry;
            }
        }
        return nullptr;
    }
    /// Calls `use` with the code of every option set anywhere, some of them repeatedly.
    template <class Use>
    void for_each_code(Use use) const {
        for (std::size_t i = 0; i < count_; ++i) {
            for (const auto& entry : sets_[i]->entries()) {
                use(entry.code);
            }
        }
    }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

private:
    void add(const DhcpOptionSet* set) noexcept {
        if (set != nullptr && !set->empty()) {
            sets_[count_++] = set;
        }
    }

    std::size_t count_ = 0;
    std::array<const DhcpOptionSet*, client_classes_max + 2> sets_; // the first count_ are set
};

} // namespace muster
