// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/api_client.hh"

#include "core/base/check.hh"

#include "tools/muster/text.hh"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace muster::cli {
namespace {

// Names that curl gives its options are used as they are: the lint below is about its macros.
constexpr long connect_seconds_max = 5;
constexpr long request_seconds_max = 60;
/// Entries asked for at a time, and pages followed: a bound on a server that never ends a list.
constexpr int page_entries = 1000;
constexpr int pages_max = 10'000;

struct Url {
    Url() : handle(curl_url()) { MUSTER_CHECK(handle != nullptr); }
    Url(const Url&) = delete;
    Url& operator=(const Url&) = delete;
    ~Url() { curl_url_cleanup(handle); }

    [[nodiscard]] std::string part(CURLUPart which) const {
        char* text = nullptr;
        std::string out;
        if (curl_url_get(handle, which, &text, 0) == CURLUE_OK) {
            out = text;
            curl_free(text);
        }
        return out;
    }

    CURLU* handle;
};

struct Headers {
    Headers() = default;
    Headers(const Headers&) = delete;
    Headers& operator=(const Headers&) = delete;
    ~Headers() { curl_slist_free_all(list); }

    void add(const std::string& field) {
        curl_slist* longer = curl_slist_append(list, field.c_str());
        MUSTER_CHECK(longer != nullptr);
        list = longer;
    }

    curl_slist* list = nullptr;
};

std::size_t on_body(char* data, std::size_t, std::size_t count, void* user) {
    auto& body = *static_cast<std::string*>(user);
    if (body.size() + count > answer_bytes_max) {
        return 0; // curl then ends the transfer with CURLE_WRITE_ERROR
    }
    body.append(data, count);
    return count;
}

bool is_unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text) {
    std::string out;
    // A path segment of dots alone would be resolved away (RFC 3986 section 5.2.4), by curl or by
    // a proxy: PUT /nodes/.. must not become PUT /.
    const bool dots = text == "." || text == "..";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_unreserved(byte) && !dots) {
            out.push_back(c);
        } else {
            fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
        }
    }
    return out;
}

} // namespace

std::string api_path(std::initializer_list<std::string_view> parts, const Query& query) {
    std::string out = "/api/v1";
    for (const std::string_view part : parts) {
        out += '/';
        out += percent_encoded(part);
    }
    char separator = '?';
    for (const auto& [name, value] : query) {
        if (!value.empty()) {
            out += fmt::format("{}{}={}", separator, name, percent_encoded(value));
            separator = '&';
        }
    }
    return out;
}

std::string server_url_problem(const std::string& url) {
    if (!url.starts_with("http://") && !url.starts_with("https://")) {
        return "is no URL that starts with http:// or https://";
    }
    const Url parsed;
    if (const CURLUcode code = curl_url_set(parsed.handle, CURLUPART_URL, url.c_str(), 0);
        code != CURLUE_OK) {
        return fmt::format("is no URL: {}", curl_url_strerror(code));
    }
    if (!parsed.part(CURLUPART_QUERY).empty() || !parsed.part(CURLUPART_FRAGMENT).empty()) {
        return "has a query or fragment; it is http://HOST:PORT";
    }
    if (!parsed.part(CURLUPART_USER).empty()) {
        return "holds a user name; access is by --token-file FILE";
    }
    return {};
}

void ApiClient::Close::operator()(void* handle) const noexcept {
    curl_easy_cleanup(handle);
}

ApiClient::ApiClient(std::string server, std::string token)
    : server_(std::move(server)), token_(std::move(token)), handle_(curl_easy_init()) {
    MUSTER_CHECK(handle_ != nullptr);
    while (server_.ends_with('/')) {
        server_.pop_back();
    }
}

Result<Json, ApiFailure> ApiClient::get(const std::string& path) {
    return request("GET", path, nullptr);
}

Result<std::string, ApiFailure> ApiClient::get_bytes(const std::string& path) {
    std::string answer;
    const auto status = perform("GET", path, nullptr, answer);
    if (!status) {
        return std::unexpected(status.error());
    }
    if (*status != 200) {
        const auto refused = read_answer(*status, answer);
        return std::unexpected(refused ? ApiFailure{.kind = FailureKind::not_ours,
                                                    .status = *status,
                                                    .text = fmt::format("status {}", *status)}
                                       : refused.error());
    }
    return answer;
}

Result<Json, ApiFailure> ApiClient::put(const std::string& path, const Json& body) {
    const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    return request("PUT", path, &text);
}

Result<Json, ApiFailure> ApiClient::post(const std::string& path) {
    const std::string nothing;
    return request("POST", path, &nothing);
}

Result<Json, ApiFailure> ApiClient::remove(const std::string& path) {
    return request("DELETE", path, nullptr);
}

Result<Json, ApiFailure> ApiClient::request(const char* method, const std::string& path,
                                            const std::string* body) {
    std::string answer;
    const auto status = perform(method, path, body, answer);
    if (!status) {
        return std::unexpected(status.error());
    }
    return read_answer(*status, answer);
}

Result<int, ApiFailure> ApiClient::perform(const char* method, const std::string& path,
                                           const std::string* body, std::string& answer) {
    CURL* curl = handle_.get();
    const std::string url = server_ + path;
    std::array<char, CURL_ERROR_SIZE> detail{};
    Headers headers;
    headers.add("Accept: application/json");
    if (!token_.empty()) {
        headers.add("Authorization: Bearer " + token_);
    }

    curl_easy_reset(curl); // keeps the connection
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    // The admin address is on this machine or in its management network: a proxy that the
    // environment names for the web must not see the token, and could not reach loopback.
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_seconds_max);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, request_seconds_max);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "muster");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (body != nullptr) {
        headers.add("Content-Type: application/json");
        headers.add("Expect:"); // no 100-continue round for a few hundred bytes
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);

    if (const CURLcode code = curl_easy_perform(curl); code != CURLE_OK) {
        return std::unexpected(unreachable(static_cast<int>(code), detail.data()));
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
}

ApiFailure ApiClient::unreachable(int code, const char* detail) const {
    std::string reason;
    switch (static_cast<CURLcode>(code)) { // NOLINT: curl has some hundred codes
    case CURLE_WRITE_ERROR:
        return {.kind = FailureKind::not_ours,
                .status = 0,
                .text = fmt::format("the answer of {} is larger than {}", server_,
                                    bytes_text(answer_bytes_max))};
    case CURLE_COULDNT_CONNECT: {
        // curl says "Failed to connect to 127.0.0.1 port 8067 after 0 ms: Couldn't connect to
        // server", which repeats the URL and hides the reason.
        long system_error = 0;
        curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &system_error);
        reason = fmt::format(
            "{}; is musterd running, and is this its --admin address?",
            system_error == 0 ? curl_easy_strerror(CURLE_COULDNT_CONNECT)
                              : std::strerror(static_cast<int>(system_error))); // NOLINT: 1 thread
        break;
    }
    case CURLE_OPERATION_TIMEDOUT:
        reason = fmt::format("no answer in time ({})", detail);
        break;
    default:
        reason = *detail != '\0' ? detail : curl_easy_strerror(static_cast<CURLcode>(code));
    }
    return {.kind = FailureKind::unreachable,
            .status = 0,
            .text = fmt::format("cannot reach {}: {}", server_, printable(reason))};
}

Result<Json, ApiFailure> ApiClient::read_answer(int status, const std::string& body) const {
    const bool good = status >= 200 && status < 300;
    Json answer = body.empty() && good ? Json::object() : Json::parse(body, nullptr, false);
    if (good && !answer.is_discarded()) {
        return answer;
    }
    ApiFailure failure{.kind = status >= 500   ? FailureKind::server_error
                               : status >= 400 ? FailureKind::refused
                                               : FailureKind::not_ours,
                       .status = status,
                       .text = {}};
    if (answer.is_object() && answer.contains("error") && answer["error"].is_object()) {
        const Json& error = answer["error"];
        if (error.contains("message") && error["message"].is_string()) {
            failure.text = printable(error["message"].get_ref<const std::string&>());
        }
    }
    if (failure.text.empty()) {
        failure.kind = status < 400 ? FailureKind::not_ours : failure.kind;
        failure.text = fmt::format("{} answered with status {} and no JSON of the admin API; is "
                                   "this musterd's --admin address?",
                                   server_, status);
    }
    if (status == 401 && token_.empty()) {
        failure.text += " (give --token-file FILE, or set MUSTER_TOKEN or MUSTER_TOKEN_FILE)";
    }
    return std::unexpected(std::move(failure));
}

Result<Json, ApiFailure> get_pages(ApiClient& api, std::initializer_list<std::string_view> parts,
                                   std::string_view key, const Query& query) {
    const auto not_ours = [&](std::string_view what) {
        return std::unexpected(ApiFailure{.kind = FailureKind::not_ours,
                                          .status = 200,
                                          .text = fmt::format("the answer {} \"{}\"", what, key)});
    };
    Json entries = Json::array();
    std::string after;
    for (int page = 0; page < pages_max; ++page) {
        Query asked = query;
        asked.emplace_back("limit", std::to_string(page_entries));
        asked.emplace_back("after", after);
        MUSTER_TRY(answer, api.get(api_path(parts, asked)));
        if (!answer.is_object() || !answer.contains(key) || !answer[std::string{key}].is_array()) {
            return not_ours("holds no list");
        }
        for (Json& entry : answer[std::string{key}]) {
            entries.push_back(std::move(entry));
        }
        const auto next = answer.find("next");
        if (next == answer.end() || !next->is_string() || next->get<std::string>().empty()) {
            return entries;
        }
        if (*next == after) {
            return not_ours("repeats a page of the list");
        }
        after = next->get<std::string>();
    }
    return not_ours("never ends the list");
}

} // namespace muster::cli
