// SPDX-License-Identifier: Apache-2.0
// The admin API as seen from outside: paths, requests over HTTP, answers as JSON.
#pragma once

#include "core/base/result.hh"

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::cli {

/// Keeps the order of the keys, so that `--json` prints what the server wrote.
using Json = nlohmann::ordered_json;

/// An answer larger than this is refused rather than held.
inline constexpr std::size_t answer_bytes_max = 64U << 20U;

enum class FailureKind : std::uint8_t {
    unreachable,  ///< no answer: not running, wrong address, time ran out
    refused,      ///< an answer with status 400 to 499
    server_error, ///< an answer with status 500 to 599
    not_ours,     ///< an answer that the admin API does not give
};

struct ApiFailure {
    FailureKind kind{};
    int status = 0;   ///< of HTTP; 0 when unreachable
    std::string text; ///< one line for the operator, already printable
};

using Query = std::vector<std::pair<std::string_view, std::string>>;

/// `/api/v1/` and the parts, each percent-encoded (RFC 3986 section 2.1), joined by slashes; then
/// the query, of which pairs with an empty value are left out.
[[nodiscard]] std::string api_path(std::initializer_list<std::string_view> parts,
                                   const Query& query = {});

/// Why `url` cannot be the server's, or empty: it is http or https, has a host, no query.
[[nodiscard]] std::string server_url_problem(const std::string& url);

/// One connection to one server, kept open between requests.
class ApiClient {
public:
    /// `server` is a URL without a problem; `token` is sent with every request unless empty.
    ApiClient(std::string server, std::string token);

    [[nodiscard]] Result<Json, ApiFailure> get(const std::string& path);
    /// What is no JSON.
    [[nodiscard]] Result<std::string, ApiFailure> get_bytes(const std::string& path);
    [[nodiscard]] Result<Json, ApiFailure> put(const std::string& path, const Json& body);
    [[nodiscard]] Result<Json, ApiFailure> post(const std::string& path);
    [[nodiscard]] Result<Json, ApiFailure> remove(const std::string& path);

private:
    struct Close {
        void operator()(void* handle) const noexcept;
    };
    /// Returns: the status; the answer's body is in `answer`.
    [[nodiscard]] Result<int, ApiFailure> perform(const char* method, const std::string& path,
                                                  const std::string* body, std::string& answer);
    [[nodiscard]] Result<Json, ApiFailure> request(const char* method, const std::string& path,
                                                   const std::string* body);
    [[nodiscard]] ApiFailure unreachable(int code, const char* detail) const;
    [[nodiscard]] Result<Json, ApiFailure> read_answer(int status, const std::string& body) const;

    std::string server_;
    std::string token_;
    std::unique_ptr<void, Close> handle_;
};

/// GET of a list that comes in pages: {"<key>": […], "next": "NAME" or null}. Follows `next` to
/// the end and gives all entries as one array.
[[nodiscard]] Result<Json, ApiFailure> get_pages(ApiClient& api,
                                                 std::initializer_list<std::string_view> parts,
                                                 std::string_view key, const Query& query);

} // namespace muster::cli
