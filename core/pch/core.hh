// SPDX-License-Identifier: Apache-2.0
// Precompiled for the cold sources of core; no file relies on it to be included.
#ifndef MUSTER_PRECOMPILED
#define MUSTER_PRECOMPILED

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#endif // MUSTER_PRECOMPILED: gcc warns of #pragma once here
