// SPDX-License-Identifier: Apache-2.0
#include "io/mirror/upstream_client.hh"

#include "core/base/check.hh"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

// Names that curl gives its options are used as they are: the lint below is about its macros.
// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg,hicpp-vararg)

namespace muster {
namespace {

/// A body that nobody wants is read to its end up to this size, so that its connection stays.
constexpr std::uint64_t swallow_max = 64 << 10;

struct CurlGlobal {
    CurlGlobal() { curl_global_init(CURL_GLOBAL_DEFAULT); }
};

bool is_redirect(std::uint16_t status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

UnixTime date_of(const std::string& text) noexcept {
    const std::time_t at = text.empty() ? -1 : curl_getdate(text.c_str(), nullptr);
    return {at < 0 ? 0 : std::int64_t{at} * 1000};
}

UpstreamEnd end_of(CURLcode code) noexcept {
    switch (code) {
    case CURLE_OK:
        return UpstreamEnd::complete;
    case CURLE_OPERATION_TIMEDOUT:
        return UpstreamEnd::timeout;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return UpstreamEnd::unreachable;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return UpstreamEnd::untrusted;
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return UpstreamEnd::redirects;
    default:
        return UpstreamEnd::broken;
    }
}

} // namespace

struct UpstreamClient::Multi {
    CURLM* handle = curl_multi_init();
};

struct UpstreamClient::Transfer {
    Transfer(UpstreamSink& to, FetchId id) : sink(to), fetch(id) { MUSTER_CHECK(easy != nullptr); }
    ~Transfer() {
        curl_slist_free_all(fields);
        curl_easy_cleanup(easy);
    }
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    void add_field(const std::string& field) {
        curl_slist* const longer = curl_slist_append(fields, field.c_str());
        MUSTER_CHECK(longer != nullptr);
        fields = longer;
    }

    static std::size_t on_line(char* data, std::size_t size, std::size_t count, void* self) {
        static_cast<Transfer*>(self)->take_line({data, size * count});
        return size * count;
    }
    static std::size_t on_bytes(char* data, std::size_t size, std::size_t count, void* self) {
        const std::string_view bytes{data, size * count};
        // Anything but the size ends the transfer.
        return static_cast<Transfer*>(self)->take_bytes(bytes) ? bytes.size() : bytes.size() + 1;
    }

    void take_line(std::string_view line) {
        read_upstream_line(line, answer);
        if (line.starts_with("HTTP/")) {
            has_location = false;
        }
        constexpr std::string_view location = "location:";
        has_location =
            has_location ||
            (line.size() > location.size() &&
             std::ranges::equal(line.substr(0, location.size()), location, {}, [](char c) {
                 return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
             }));
        const bool ends = line == "\r\n" || line == "\n";
        if (!ends || head_done || answer.status < 200 ||
            (is_redirect(answer.status) && has_location)) {
            return; // trailers come here, too
        }
        head_done = true;
        answer.modified = date_of(answer.last_modified);
        answer.answered = date_of(answer.date);
        order = sink.on_answer(fetch, answer);
        to_skip = order.skip;
    }

    bool take_bytes(std::string_view bytes) {
        if (!head_done) {
            return true; // of a redirect
        }
        came += bytes.size();
        if (order.kind == BodyOrder::Kind::ignore) {
            cut_off = came > swallow_max;
            return !cut_off;
        }
        if (order.limit && came > *order.limit) {
            return false; // more than was announced: somebody is wrong, or worse
        }
        const std::size_t skipped =
            static_cast<std::size_t>(std::min<std::uint64_t>(to_skip, bytes.size()));
        to_skip -= skipped;
        bytes.remove_prefix(skipped);
        if (!bytes.empty() && !sink.on_body(fetch, order.object, as_bytes(bytes))) {
            no_room = true;
            return false;
        }
        return true;
    }

    UpstreamSink& sink;
    FetchId fetch;
    CURL* easy = curl_easy_init();
    curl_slist* fields = nullptr;
    UpstreamAnswer answer;
    BodyOrder order;
    std::uint64_t to_skip = 0;
    std::uint64_t came = 0;
    bool head_done = false;
    bool has_location = false;
    bool cut_off = false; ///< by us
    bool no_room = false;
    std::array<char, CURL_ERROR_SIZE> error{};
};

UpstreamClient::UpstreamClient(UpstreamSink& sink, UpstreamLimits limits)
    : sink_(sink), limits_(std::move(limits)) {
    static const CurlGlobal global;
    multi_ = std::make_unique<Multi>();
    MUSTER_CHECK(multi_->handle != nullptr);
}

UpstreamClient::~UpstreamClient() {
    for (const auto& [id, transfer] : transfers_) {
        curl_multi_remove_handle(multi_->handle, transfer->easy);
    }
    transfers_.clear();
    curl_multi_cleanup(multi_->handle);
}

void UpstreamClient::start(const UpstreamRequest& request) {
    auto transfer = std::make_unique<Transfer>(sink_, request.fetch);
    CURL* const easy = transfer->easy;
    const auto ms = [](Duration time) {
        return static_cast<long>(
            std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
    };
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, limits_.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
                     request.url.starts_with("https:") ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, limits_.redirects_max);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, ms(limits_.connect_timeout));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     std::max(1L, ms(limits_.silence_timeout) / 1000));
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error.data());
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
    if (!request.ca.empty()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca.c_str());
    }
    if (!request.if_none_match.empty()) {
        transfer->add_field("If-None-Match: " + request.if_none_match);
    }
    if (!request.if_modified_since.empty()) {
        transfer->add_field("If-Modified-Since: " + request.if_modified_since);
    }
    if (request.from > 0) {
        curl_easy_setopt(easy, CURLOPT_RANGE, fmt::format("{}-", request.from).c_str());
        transfer->add_field("If-Range: " + request.if_range);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
    const CURLMcode added = curl_multi_add_handle(multi_->handle, easy);
    MUSTER_CHECK(added == CURLM_OK);
    transfers_.emplace(request.fetch, std::move(transfer));
}

void UpstreamClient::wait(int wake, Duration timeout) {
    curl_waitfd extra{};
    extra.fd = wake;
    extra.events = CURL_WAIT_POLLIN;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    curl_multi_poll(multi_->handle, &extra, 1, static_cast<int>(ms), nullptr);
}

void UpstreamClient::step() {
    int running = 0;
    curl_multi_perform(multi_->handle, &running);
    int left = 0;
    while (CURLMsg* const message = curl_multi_info_read(multi_->handle, &left)) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        void* self = nullptr; // curl takes and gives a char*, whatever it points to
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
        const int code = static_cast<int>(message->data.result); // gone with the handle
        curl_multi_remove_handle(multi_->handle, message->easy_handle);
        finish(*static_cast<Transfer*>(self), code);
    }
}

void UpstreamClient::finish(Transfer& transfer, int code) {
    const auto result = static_cast<CURLcode>(code);
    const FetchId fetch = transfer.fetch;
    UpstreamEnd end = end_of(result);
    std::string why;
    if (transfer.no_room) {
        end = UpstreamEnd::no_room;
        why = "the cache's disk takes no more";
    } else if (transfer.cut_off || result == CURLE_OK) {
        end = UpstreamEnd::complete; // as far as we wanted it
        why = transfer.answer.malformed
                  ? "an answer that makes no sense"
                  : fmt::format("the upstream answered {}", transfer.answer.status);
    } else {
        why = transfer.error[0] != '\0' ? transfer.error.data() : curl_easy_strerror(result);
    }
    transfers_.erase(fetch);
    sink_.on_end(fetch, end, why);
}

} // namespace muster

// NOLINTEND(cppcoreguidelines-pro-type-vararg,hicpp-vararg)
