// SPDX-License-Identifier: Apache-2.0
// A bearer token of the admin API, as it is kept: what it may do, and by what it is known again.
#pragma once

#include "core/base/sha256.hh"
#include "core/base/time.hh"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// Who may make a call. Each may what those before it may.
enum class ApiRole : std::uint8_t {
    anyone,  ///< no token is wanted
    view,    ///< looks
    operate, ///< orders installs, changes machines, and sees what machines are given
    admin,   ///< makes and removes tokens
};
/// Those that a token can have.
inline constexpr std::array token_roles = {ApiRole::view, ApiRole::operate, ApiRole::admin};

constexpr std::string_view to_text(ApiRole role) noexcept {
    switch (role) {
    case ApiRole::anyone:
        return "anyone";
    case ApiRole::view:
        return "view";
    case ApiRole::operate:
        return "operate";
    case ApiRole::admin:
        return "admin";
    }
    __builtin_unreachable();
}

/// A role that a token can have; nullopt for anything else.
constexpr std::optional<ApiRole> read_token_role(std::string_view text) noexcept {
    for (const ApiRole role : token_roles) {
        if (to_text(role) == text) {
            return role;
        }
    }
    return std::nullopt;
}

/// The token itself is told once, to who makes it, and kept nowhere: who reads the store cannot
/// use what is found there. A plain digest does, for the token is as random as a key.
struct ApiTokenRecord {
    std::string name;
    ApiRole role{};
    Sha256 digest{}; ///< of the token's text
    UnixTime made;

    friend bool operator==(const ApiTokenRecord&, const ApiTokenRecord&) = default;
};

} // namespace muster
