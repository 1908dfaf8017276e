// SPDX-License-Identifier: Apache-2.0
// Api: who may make which call, and the tokens that tell.
#include "core/base/sha256.hh"
#include "core/control/api.hh"
#include "core/control/api_json.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster {
namespace {

using Json = nlohmann::json;

constexpr std::string_view bearer = "Bearer ";
constexpr std::string_view token_prefix = "muster_"; // so that a scanner knows one that leaked
constexpr std::size_t token_octets = 32;
constexpr std::size_t token_name_size_max = 64;

/// Takes the same time whatever differs, so that a token cannot be guessed byte by byte.
bool equal_in_constant_time(std::string_view given, std::string_view wanted) noexcept {
    unsigned difference = given.size() == wanted.size() ? 0 : 1;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const char c = given.empty() ? '\0' : given[i % given.size()];
        difference |= static_cast<unsigned char>(c ^ wanted[i]);
    }
    return difference == 0;
}

bool is_token_name(std::string_view name) noexcept {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return !name.empty() && name.size() <= token_name_size_max &&
           std::all_of(name.begin(), name.end(), allowed);
}

std::string new_token(const RandomSource& random) {
    std::array<std::byte, token_octets> octets{};
    random(octets);
    std::string text{token_prefix};
    for (const std::byte octet : octets) {
        fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(octet));
    }
    return text;
}

Json token_json(const ApiTokenRecord& token) {
    return {
        {"name", token.name}, {"role", to_text(token.role)}, {"made", rfc3339_text(token.made)}};
}

Answer tokens_answer(const Json& json, std::uint16_t status = 200) {
    return {.status = status, .body = json_text(json) + '\n', .type = json_type};
}

Decision tokens_are_changing() {
    Answer answer = api_error(503, "unavailable", "another token is being changed; try again");
    answer.retry_after_s = 1;
    return decided(std::move(answer));
}

} // namespace

std::optional<ApiCaller> Api::caller_of(std::string_view authorization) const {
    if (!authorization.starts_with(bearer)) {
        return std::nullopt;
    }
    const std::string_view given = authorization.substr(bearer.size());
    if (!options_.admin_token.empty() && equal_in_constant_time(given, options_.admin_token)) {
        return ApiCaller{"--admin-token-file", ApiRole::admin};
    }
    // What the time of a comparison tells of a digest tells nothing of a token.
    const Sha256 digest = sha256(given);
    for (const auto& [name, token] : ledger_.api_tokens()) {
        if (token.digest == digest) {
            return ApiCaller{name, token.role};
        }
    }
    return std::nullopt;
}

std::optional<Answer> Api::refusal(const DynamicRequest& request, ApiRole least, UnixTime at) {
    if (least == ApiRole::anyone ||
        (options_.admin_token.empty() && ledger_.api_tokens().empty())) {
        return std::nullopt;
    }
    if (request.authorization.empty()) {
        ++counters_.api_unauthorized;
        return api_error(401, "unauthorized", "a bearer token is wanted (Authorization: Bearer …)");
    }
    const IpAddress& client = request.client.address;
    if (const Duration wait = failures_.wait(client, at); wait > Duration{}) {
        ++counters_.api_limited;
        Answer answer =
            api_error(429, "too_many_failures",
                      fmt::format("{} wrong tokens came from this address; no token of it is "
                                  "looked at before Retry-After has passed",
                                  token_failures_max));
        answer.retry_after_s =
            static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(wait).count());
        return answer;
    }
    const auto caller = caller_of(request.authorization);
    if (!caller) {
        ++counters_.api_unauthorized;
        failures_.note(client, at);
        return api_error(401, "unauthorized", "this is no token that is known here");
    }
    if (caller->role < least) {
        ++counters_.api_forbidden;
        return api_error(403, "forbidden",
                         fmt::format("this call needs the role {}; token {} has the role {}",
                                     to_text(least), caller->token, to_text(caller->role)));
    }
    return std::nullopt;
}

Answer Api::list_tokens() const {
    Json list = Json::array(); // all: there are api_tokens_max at most
    for (const auto& [name, token] : ledger_.api_tokens()) {
        list.push_back(token_json(token));
    }
    return tokens_answer({{"tokens", std::move(list)}, {"next", nullptr}});
}

/// Someone else can still make and remove tokens.
bool Api::has_other_admin(std::string_view name) const {
    const auto& all = ledger_.api_tokens();
    return !options_.admin_token.empty() ||
           std::any_of(all.begin(), all.end(), [name](const auto& token) {
               return token.first != name && token.second.role == ApiRole::admin;
           });
}

Decision Api::on_token_make(const std::string& name, const UrlQuery& query, UnixTime at) {
    if (!is_token_name(name)) {
        return decided(api_error(
            400, "bad_name",
            fmt::format("a token's name is 1 to {} of A-Z a-z 0-9 - _ .", token_name_size_max)));
    }
    const auto role = read_token_role(query.value("role"));
    if (!role) {
        return decided(api_error(400, "bad_role", "role is view, operate or admin"));
    }
    if (ledger_.changes_api_tokens()) {
        return tokens_are_changing();
    }
    const auto& all = ledger_.api_tokens();
    if (all.contains(name)) {
        return decided(
            api_error(409, "name_taken",
                      fmt::format("there is a token {}; remove it first, or take another "
                                  "name",
                                  name)));
    }
    if (all.size() >= api_tokens_max) {
        return decided(api_error(507, "full", fmt::format("{} tokens are kept", api_tokens_max)));
    }
    if (*role != ApiRole::admin && !has_other_admin(name)) {
        return decided(
            api_error(409, "no_admin",
                      "the first token must have the role admin: from then on a token is "
                      "wanted, and nobody could make another one"));
    }
    const std::string text = new_token(random_);
    ApiTokenRecord token{.name = name, .role = *role, .digest = sha256(text), .made = at};
    Json json = token_json(token);
    json["token"] = text;
    ledger_.put_api_token(std::move(token));
    ledger_.note(at, EventKind::order, "",
                 fmt::format("token {} is made, role {}", name, to_text(*role)));
    return decided(tokens_answer(json, 201));
}

Decision Api::on_token_remove(const std::string& name, UnixTime at) {
    if (ledger_.changes_api_tokens()) {
        return tokens_are_changing();
    }
    const auto& all = ledger_.api_tokens();
    if (!all.contains(name)) {
        return decided(api_error(404, "no_such_token", "no token has this name"));
    }
    if (all.size() > 1 && !has_other_admin(name)) {
        return decided(
            api_error(409, "no_admin",
                      "the other tokens cannot make or remove one: make another with the "
                      "role admin, or remove them first"));
    }
    ledger_.remove_api_token(name);
    ledger_.note(at, EventKind::order, "", fmt::format("token {} is removed", name));
    return decided(tokens_answer({{"removed", name}}));
}

} // namespace muster
