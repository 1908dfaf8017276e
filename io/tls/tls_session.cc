// SPDX-License-Identifier: Apache-2.0
#include "io/tls/tls_session.hh"

#include "core/base/check.hh"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>

namespace muster {
namespace {

constexpr std::string_view plain_http_answer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 34\r\n"
    "Connection: close\r\n\r\nThis port speaks HTTPS, not HTTP.\n";

TlsSession& session_of(BIO* bio) {
    return *static_cast<TlsSession*>(BIO_get_data(bio));
}

int read_wire(BIO* bio, char* to, std::size_t size, std::size_t* got) {
    Bytes& input = session_of(bio).input();
    BIO_clear_retry_flags(bio);
    *got = std::min(size, input.size());
    if (*got == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    std::memcpy(to, input.data(), *got);
    input = input.subspan(*got);
    return 1;
}

int write_wire(BIO* bio, const char* from, std::size_t size, std::size_t* written) {
    session_of(bio).add_output(as_bytes(std::string_view{from, size}));
    *written = size;
    return 1;
}

long control_wire(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// The way between OpenSSL and a session; one for the process.
const BIO_METHOD* wire_method() {
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "session");
        MUSTER_CHECK(made != nullptr);
        BIO_meth_set_read_ex(made, read_wire);
        BIO_meth_set_write_ex(made, write_wire);
        BIO_meth_set_ctrl(made, control_wire);
        return made;
    }();
    return method;
}

TlsFailure failure_of(unsigned long error) {
    const int reason = ERR_GET_REASON(error);
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return TlsFailure::plain_http;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
        return TlsFailure::not_tls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        return TlsFailure::version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return TlsFailure::nothing_common;
    default:
        break;
    }
    const bool alert = ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET;
    return alert ? TlsFailure::client_alert : TlsFailure::protocol;
}

} // namespace

std::string_view to_text(TlsFailure failure) noexcept {
    constexpr std::array<std::string_view, tls_failure_count> names{
        "not_tls",  "plain_http", "version",     "nothing_common", "client_alert",
        "protocol", "timeout",    "peer_closed", "no_room"};
    return names[static_cast<std::size_t>(failure)];
}

TlsSession::TlsSession(SSL* ssl) : ssl_(ssl) {
    BIO* wire = BIO_new(wire_method());
    MUSTER_CHECK(wire != nullptr);
    BIO_set_data(wire, this);
    BIO_set_init(wire, 1);
    SSL_set_bio(ssl_, wire, wire); // one reference for both directions; SSL_free() frees it
    SSL_set_accept_state(ssl_);
}

TlsSession::~TlsSession() {
    SSL_free(ssl_);
}

TlsSession::Step TlsSession::read(MutableBytes plain) noexcept {
    ERR_clear_error(); // of other connections: the queue is the thread's
    if (!open_) {
        const int result = SSL_do_handshake(ssl_);
        if (result != 1) {
            return fail(result);
        }
        open_ = true;
        return {.kind = Step::Kind::opened};
    }
    const int size = static_cast<int>(std::min<std::size_t>(plain.size(), INT_MAX));
    const int result = SSL_read(ssl_, plain.data(), size);
    if (result > 0) {
        return {.kind = Step::Kind::data, .size = static_cast<std::size_t>(result)};
    }
    return fail(result);
}

TlsSession::Step TlsSession::fail(int result) noexcept {
    input_ = {}; // it is used up, or of no use: and it is the caller's
    switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
        return {.kind = Step::Kind::more};
    case SSL_ERROR_ZERO_RETURN:
        return {.kind = Step::Kind::ended};
    default:
        break;
    }
    const TlsFailure failure = failure_of(ERR_peek_error());
    if (failure == TlsFailure::plain_http && !open_) {
        output_.clear(); // whoever speaks HTTP does not read alerts
        add_output(as_bytes(plain_http_answer));
    }
    ERR_clear_error();
    return {.kind = Step::Kind::failed, .failure = failure};
}

bool TlsSession::write(Bytes plain) noexcept {
    if (plain.empty()) {
        return true;
    }
    ERR_clear_error();
    output_.reserve(output_.size() + plain.size() +
                    (plain.size() / SSL3_RT_MAX_PLAIN_LENGTH + 1) * SSL3_RT_MAX_ENCRYPTED_OVERHEAD);
    std::size_t written = 0;
    // The transport takes everything, so it is all or nothing.
    const bool good = SSL_write_ex(ssl_, plain.data(), plain.size(), &written) == 1;
    ERR_clear_error();
    return good && written == plain.size();
}

void TlsSession::end() noexcept {
    ERR_clear_error();
    if (open_) {
        SSL_shutdown(ssl_);
    }
    ERR_clear_error();
}

bool TlsSession::is_resumed() const noexcept {
    return SSL_session_reused(ssl_) == 1;
}

bool TlsSession::is_tls_1_3() const noexcept {
    return SSL_version(ssl_) == TLS1_3_VERSION;
}

} // namespace muster
