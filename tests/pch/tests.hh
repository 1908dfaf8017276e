// SPDX-License-Identifier: Apache-2.0
// Precompiled for the unit tests; no test relies on it to be included.
#ifndef MUSTER_PRECOMPILED
#define MUSTER_PRECOMPILED

#include <absl/container/flat_hash_map.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>
#endif // MUSTER_PRECOMPILED: gcc warns of #pragma once here
