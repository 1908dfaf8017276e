// SPDX-License-Identifier: Apache-2.0
// The certificate and what all TLS connections of the process share.
#pragma once

#include "core/base/result.hh"
#include "io/tls/tls_session.hh"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using SSL_CTX = struct ssl_ctx_st;

namespace muster {

/// TLS 1.2 and 1.3 with one certificate (RSA or ECDSA) and its chain. Beside forward-secret AEADs
/// it has what boot firmware speaks: CBC ciphers, and key exchange by RSA (iPXE before 2022 has
/// nothing else).
///
/// Sessions are resumed by tickets, and with clients that know none of them (TLS 1.2) by a cache
/// that all workers share. Tickets stay good over reload(), not over a restart.
///
/// Thread: any.
class TlsServer {
public:
    /// PEM files: the certificate followed by its chain, and the private key.
    TlsServer(std::string certificate_file, std::string key_file);
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    /// Reads both files anew and uses them for connections from now on. On an error the old ones
    /// stay in use. Call it before the first session.
    ///
    /// Returns: warnings, a line each: an expired certificate, a chain that does not connect.
    /// Errors:  one line that names flag and file.
    [[nodiscard]] Result<std::vector<std::string>, std::string> load();

    /// For a connection that begins; null: out of memory.
    [[nodiscard]] std::unique_ptr<TlsSession> new_session();

    /// When the certificate in use expires (seconds since 1970).
    [[nodiscard]] std::int64_t expires() const noexcept {
        return expires_.load(std::memory_order_relaxed);
    }

private:
    std::string certificate_file_;
    std::string key_file_;
    std::mutex mutex_;                 ///< guards context_
    std::shared_ptr<SSL_CTX> context_; ///< connections hold the one that they began with
    std::atomic<std::int64_t> expires_{0};
};

} // namespace muster
