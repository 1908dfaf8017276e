// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 requests as a boot client makes them, one after the other, on a connection that is kept
// where both sides keep it.
#pragma once

#include "net/client/client_machine.hh"
#include "net/client/client_outcome.hh"

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
    std::uint64_t range_end = 0;     ///< one behind the last byte asked for; 0: no Range field
    const Bytes* expected = nullptr; ///< compare the body with this; borrowed until it is done
    std::size_t keep_max = 0;        ///< keep up to so many bytes of the body for body()
};

/// Not a machine: a machine owns one, hands it facts about its streams, and arms its own timer with
/// deadline() after each call.
class HttpClient {
public:
    explicit HttpClient(const HttpClientModel& model) noexcept : model_(&model) {}

    void begin(HttpFetch fetch, ClientContext& context);
    [[nodiscard]] bool owns(ClientStreamId stream) const noexcept { return stream == stream_; }
    void on_stream_open(ClientContext& context) noexcept;
    void on_stream_data(Bytes bytes, ClientContext& context) noexcept;
    void on_stream_discarded(std::uint64_t size, ClientContext& context) noexcept;
    void on_stream_closed(ClientContext& context) noexcept;
    void on_timer(ClientContext& context) noexcept;
    /// Gives up what runs and closes a kept connection.
    void close(ClientContext& context) noexcept;

    [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
    [[nodiscard]] ClientOutcome outcome() const noexcept { return outcome_; }
    [[nodiscard]] bool busy() const noexcept { return outcome_ == ClientOutcome::running; }
    /// Of the last answer; 0: none came.
    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; } ///< of the body
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

private:
    const HttpClientModel* model_;
    HttpFetch fetch_;
    ClientStreamId stream_{};
    ClientOutcome outcome_ = ClientOutcome::idle;
    Instant deadline_ = Instant::never();
    std::uint16_t status_ = 0;
    std::uint64_t bytes_ = 0;
    std::string why_;
    std::string body_;
};

} // namespace muster
