// SPDX-License-Identifier: Apache-2.0
// The text of a client's requests. Which fields, and in which order, is the model's business.
#include "net/client/http_client.hh"

namespace muster {
namespace {

constexpr std::uint16_t web_port = 80;

std::string_view method_name(HttpFetch::Method method) noexcept {
    switch (method) {
    case HttpFetch::Method::get:
        return "GET ";
    case HttpFetch::Method::head:
        return "HEAD ";
    case HttpFetch::Method::post:
        return "POST ";
    }
    __builtin_unreachable();
}

/// The Host of a server that is known by its address.
std::string host_of(const Endpoint& server) {
    std::string text =
        server.address.is_v4() ? to_text(server.address) : '[' + to_text(server.address) + ']';
    if (server.port != web_port) {
        text += ':' + std::to_string(server.port);
    }
    return text;
}

} // namespace

void HttpClient::write_request() {
    if (request_fits_) {
        return;
    }
    request_ = asks_head_ ? "HEAD " : method_name(fetch_.method);
    request_ += fetch_.target;
    request_ += model_->http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n";
    for (const char letter : model_->field_order) {
        write_field(letter);
    }
    request_ += "\r\n";
    if (fetch_.method == HttpFetch::Method::post) {
        request_ += fetch_.body;
    }
    request_fits_ = bytes_ == 0 && !model_->head_first;
}

void HttpClient::write_field(char letter) {
    switch (letter) {
    case 'h':
        request_ += "Host: ";
        request_ += fetch_.host.empty() ? host_of(fetch_.server) : fetch_.host;
        request_ += "\r\n";
        break;
    case 'u':
        request_ += "User-Agent: ";
        request_ += model_->user_agent;
        request_ += "\r\n";
        break;
    case 'c':
        if (model_->says_connection) {
            request_ += model_->keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
        }
        break;
    case 'e':
        request_ += model_->extra_fields;
        break;
    case 'r':
        write_range();
        break;
    case 'b':
        if (fetch_.method == HttpFetch::Method::post) {
            request_ += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ";
            request_ += std::to_string(fetch_.body.size());
            request_ += "\r\n";
        }
        break;
    default:
        break;
    }
}

/// What the fetch asks for, less what is there already.
void HttpClient::write_range() {
    if (asks_head_ || (fetch_.range_end == 0 && bytes_ == 0)) {
        return;
    }
    request_ += "Range: bytes=" + std::to_string(fetch_.range_begin + bytes_) + '-';
    if (fetch_.range_end != 0) {
        request_ += std::to_string(fetch_.range_end - 1);
    } else if (size_ != 0) {
        request_ += std::to_string(size_ - 1);
    }
    request_ += "\r\n";
    if (bytes_ != 0 && !etag_.empty()) {
        request_ += "If-Match: " + etag_ + "\r\n";
    }
}

} // namespace muster
