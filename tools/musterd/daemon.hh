// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/musterd/options.hh"

namespace muster {

/// `--check`: prints every problem of the site folder; exit status 0 or 2.
[[nodiscard]] int check_site(const Options& options);

/// `--dpdk-check`, with the site if its folder is there; exit status 0 or 1.
[[nodiscard]] int check_dpdk(const Options& options);

/// Serves until a signal ends it. Returns the exit status.
[[nodiscard]] int run_daemon(const Options& options);

} // namespace muster
