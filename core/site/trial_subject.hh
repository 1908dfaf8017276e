// SPDX-License-Identifier: Apache-2.0
// For whom templates are tried out while there is no machine: a node as far as the site knows it.
#pragma once

#include "core/content/template_context.hh"

namespace muster {

/// The first attempt of this node, or of a machine that no node names. What only a boot can tell
/// (an address, the MAC of several, the token) stands there with its longest text.
[[nodiscard]] TemplateSubject trial_subject(const std::string& profile, const NodeSpec* node);

} // namespace muster
