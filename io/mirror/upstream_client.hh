// SPDX-License-Identifier: Apache-2.0
// Transfers from upstreams, by libcurl, all in one thread.
#pragma once

#include "core/base/bytes.hh"
#include "core/mirror/mirror_engine.hh"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace muster {

/// Told of what comes, from within UpstreamClient::step().
class UpstreamSink {
public:
    UpstreamSink() = default;
    UpstreamSink(const UpstreamSink&) = delete;
    UpstreamSink& operator=(const UpstreamSink&) = delete;
    virtual ~UpstreamSink() = default;

    virtual BodyOrder on_answer(FetchId fetch, const UpstreamAnswer& answer) = 0;
    /// Bytes for the object of the order; false: they could not be stored.
    virtual bool on_body(FetchId fetch, ObjectId object, Bytes bytes) = 0;
    virtual void on_end(FetchId fetch, UpstreamEnd end, std::string_view why) = 0;
};

struct UpstreamLimits {
    Duration connect_timeout = std::chrono::seconds{5};
    Duration silence_timeout = std::chrono::seconds{15}; ///< without a byte
    long redirects_max = 5;
    std::string user_agent = "muster";
};

/// HTTP/1.1 over connections that are kept. Redirects are followed, never from https to http.
class UpstreamClient {
public:
    UpstreamClient(UpstreamSink& sink, UpstreamLimits limits);
    ~UpstreamClient();
    UpstreamClient(const UpstreamClient&) = delete;
    UpstreamClient& operator=(const UpstreamClient&) = delete;

    /// Not from within the sink.
    void start(const UpstreamRequest& request);
    /// Waits until something can be done, `wake` is readable, or `timeout` is over.
    void wait(int wake, Duration timeout);
    void step();
    [[nodiscard]] std::size_t running() const noexcept { return transfers_.size(); }

private:
    struct Transfer;
    struct Multi;
    void finish(Transfer& transfer, int code);

    UpstreamSink& sink_;
    UpstreamLimits limits_;
    std::unique_ptr<Multi> multi_;
    std::unordered_map<FetchId, std::unique_ptr<Transfer>> transfers_;
};

} // namespace muster
