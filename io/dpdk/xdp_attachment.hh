// SPDX-License-Identifier: Apache-2.0
// Which XDP program an interface has, and that ours goes when its process does.
#pragma once

#include "core/base/result.hh"
#include "io/host/fd.hh"

#include <cstdint>
#include <string>

namespace muster {

/// Makes sure that the interface has no XDP program: removes one of ours that a killed process
/// left.
///
/// Errors: one line: somebody else's is there, or the kernel does not say.
[[nodiscard]] Result<void, std::string> clear_xdp(const std::string& interface,
                                                  std::uint32_t index);

/// Attaches the program that is attached now once more, by a link: it stays as long as the
/// descriptor is open, however the process ends, and needs no privilege to go.
[[nodiscard]] Result<Fd, std::string> hold_xdp(const std::string& interface, std::uint32_t index);

} // namespace muster
