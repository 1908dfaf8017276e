// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/checks.hh"

namespace muster::sim {

void InstallCheck::on_durable(const Batch& batch) {
    for (const std::string& gone : batch.removed_nodes) {
        nodes_.erase(gone);
    }
    for (const NodeRecord& node : batch.nodes) {
        const Install& install = node.install;
        const auto before = nodes_.find(node.name());
        if (before != nodes_.end()) {
            const Seen& seen = before->second;
            if (install.attempt < seen.attempt) {
                universe_.found("attempts",
                                fmt::format("{} goes back from attempt {} to {}", node.name(),
                                            seen.attempt, install.attempt));
            }
            const bool left_installed =
                seen.state == InstallState::installed && install.state != InstallState::installed;
            if (left_installed && !orders_[node.name()]) {
                universe_.found("order",
                                fmt::format("{} goes from installed to {}, and nobody ordered that",
                                            node.name(), to_text(install.state)));
            }
            if (left_installed) {
                orders_[node.name()] = false;
            }
        }
        if (!install.token.empty()) {
            const auto [known, fresh] =
                tokens_.try_emplace(install.token, node.name(), install.attempt);
            if (!fresh && !nodes_.contains(known->second.first)) {
                known->second.first = node.name(); // it was renamed
            }
            if (!fresh && known->second != std::pair{node.name(), install.attempt}) {
                universe_.found("token", fmt::format("attempt {} of {} has the token of attempt {} "
                                                     "of {}",
                                                     install.attempt, node.name(),
                                                     known->second.second, known->second.first));
            }
        }
        nodes_[node.name()] = {install.attempt, install.state};
    }
}

} // namespace muster::sim
