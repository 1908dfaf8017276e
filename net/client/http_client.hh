// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 requests as a boot client makes them, one after the other, on a connection that is kept
// where both sides keep it.
#pragma once

#include "net/client/client_machine.hh"
#include "net/client/client_outcome.hh"
#include "net/client/http_response_reader.hh"
#include "net/wire/http_body.hh"

#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// Habits of one client program. Static data, one object a model.
struct HttpClientModel {
    std::string_view user_agent = "muster-load";
    bool http_1_0 = false;
    bool keep_alive = true;      ///< goes on with the connection; else a connection a request
    bool says_connection = true; ///< sends a Connection header (GRUB sends none)
    bool head_first = false;     ///< HEAD before GET, and wants Content-Length there (EDK2)
    bool retry_after = true;     ///< honours 503 with Retry-After (iPXE, installers)
    Duration connect_timeout{std::chrono::seconds{60}};
    Duration header_timeout{std::chrono::seconds{30}};
    Duration idle_timeout{std::chrono::seconds{120}}; ///< between bytes of a body
    /// A broken body is asked for again from where it broke, so often, after such a wait (EDK2);
    /// 0: the fetch is broken.
    unsigned resumes = 0;
    Duration resume_wait{std::chrono::seconds{2}};
    std::uint32_t receive_window = 0; ///< bytes; 0: the driver's
    std::string_view extra_fields{};  ///< whole lines, each with CR LF
    /// The order in which header fields stand in a request, by letters: `h` Host, `u` User-Agent,
    /// `c` Connection, `e` extra_fields, `r` Range (and If-Match when it resumes), `b` Content-Type
    /// and Content-Length of a POST. What has no letter here is not sent.
    std::string_view field_order = "hucerb";
};

struct HttpFetch {
    enum class Method : std::uint8_t { get, head, post };
    Method method = Method::get;
    IpAddress local{};
    Endpoint server{};
    std::string host{};   ///< the Host field; empty: made from `server`
    std::string target{}; ///< path and query, as they go on the wire
    std::string body{};   ///< of a POST
    std::uint64_t range_begin = 0;
    std::uint64_t range_end = 0; ///< one behind the last byte asked for; 0: no Range field
    /// Compare the body of a 2xx with this (where a range is asked for, with that range's bytes);
    /// borrowed until it is done.
    const Bytes* expected = nullptr;
    std::size_t keep_max = 0; ///< keep up to so many bytes of the body for body()
};

/// Not a machine: a machine owns one, hands it facts about its streams, and arms its own timer with
/// deadline() after each call. One fetch at a time; begin() may follow the end of one.
///
/// A 503 or 429 with Retry-After is waited for and asked again, without end: the server's word. A
/// kept connection that turns out to be closed is replaced by a new one, once a fetch; a POST never
/// goes on a kept one, since nobody could tell whether it arrived (RFC 9110 section 9.2.2).
///
/// Notes `request` for each whole answer, also one that is no 2xx; `waited`: told_to_wait, and
/// http_no_answer for silences of `noted_silence` and more; `retransmission` when it resumes or
/// replaces a connection. A failure is for the machine to judge.
///
/// Source: RFC 9110, RFC 9112.
class HttpClient {
public:
    /// Silences below this are a round trip, not a wait.
    static constexpr Duration noted_silence = std::chrono::milliseconds{200};

    explicit HttpClient(const HttpClientModel& model) noexcept : model_(&model) {}

    void begin(HttpFetch fetch, ClientContext& context);
    /// The last fetch once more; cheaper than begin().
    void repeat(ClientContext& context);
    [[nodiscard]] bool owns(ClientStreamId stream) const noexcept { return stream == stream_; }
    void on_stream_open(ClientContext& context) noexcept;
    void on_stream_data(Bytes bytes, ClientContext& context) noexcept;
    void on_stream_discarded(std::uint64_t size, ClientContext& context) noexcept;
    void on_stream_closed(ClientContext& context) noexcept;
    /// At or after deadline(); early calls do nothing.
    void on_timer(ClientContext& context) noexcept;
    /// Gives up what runs and closes a kept connection.
    void close(ClientContext& context) noexcept;

    [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
    [[nodiscard]] ClientOutcome outcome() const noexcept { return outcome_; }
    [[nodiscard]] bool busy() const noexcept { return outcome_ == ClientOutcome::running; }
    /// Of the last answer; 0: none came.
    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; } ///< of the body
    /// Of the last answer: what its head says about its body.
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept {
        return reader_.head().content_length;
    }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

private:
    enum class Phase : std::uint8_t {
        over,         ///< nothing runs; `stream_` may be a kept connection
        connecting,   ///<
        head,         ///< the request is out
        body,         ///<
        told_to_wait, ///< until `deadline_`, then asks again
        resuming,     ///< the same, because the body broke off
    };

    void ask(ClientContext& context);
    void connect(ClientContext& context);
    void send_request(ClientContext& context);
    void write_request();
    void write_field(char letter);
    void write_range();

    void on_head(ClientContext& context) noexcept;
    [[nodiscard]] bool is_wanted_part(const HttpReceivedHead& head) noexcept;
    [[nodiscard]] std::size_t take_body(Bytes in, ClientContext& context) noexcept;
    [[nodiscard]] bool take_content(Bytes content, ClientContext& context) noexcept;
    void discard_rest(ClientContext& context) noexcept;
    void on_answer(bool surplus, ClientContext& context) noexcept;
    void judge(const HttpReceivedHead& head, ClientContext& context) noexcept;
    void on_broken(ClientOutcome outcome, std::string_view why, ClientContext& context) noexcept;

    void note_silence(ClientContext& context) noexcept;
    void fail(ClientOutcome outcome, std::string why, ClientContext& context) noexcept;
    void end(ClientOutcome outcome, std::string why) noexcept;
    void drop_stream(ClientContext& context) noexcept;
    [[nodiscard]] bool body_ended() const noexcept;
    [[nodiscard]] bool is_good() const noexcept { return status_ >= 200 && status_ < 300; }

    const HttpClientModel* model_;
    HttpFetch fetch_;
    HttpResponseReader reader_;
    HttpBodyReader chunks_;
    ClientStreamId stream_{};
    Endpoint connected_to_{};
    IpAddress connected_from_{};
    ClientOutcome outcome_ = ClientOutcome::idle;
    Phase phase_ = Phase::over;
    bool asks_head_ = false;    ///< head_first: this is the HEAD
    bool reused_ = false;       ///< the request went out on a kept connection
    bool replaced_ = false;     ///< which was closed, and is replaced
    bool discarding_ = false;   ///< the driver may throw the rest of the body away
    bool request_fits_ = false; ///< `request_` serves the same fetch again
    unsigned resumes_used_ = 0;
    std::uint16_t status_ = 0;
    Instant asked_at_{};
    Instant heard_at_{}; ///< last byte, or what was sent before it
    Instant deadline_ = Instant::never();
    std::uint64_t left_ = 0;         ///< of a body with a length
    std::uint64_t bytes_ = 0;        ///< of the body, over all answers that brought parts of it
    std::uint64_t answer_bytes_ = 0; ///< of the body of this answer
    std::uint64_t size_ = 0;         ///< of the whole body, for resuming; 0: not known
    std::optional<std::uint64_t> promised_{}; ///< Content-Length of the HEAD
    std::string request_;
    std::string etag_; ///< kept where a resume may need it
    std::string why_;
    std::string body_;
};

} // namespace muster
