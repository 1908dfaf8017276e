// SPDX-License-Identifier: Apache-2.0
#include "io/tls/tls_server.hh"

#include "core/base/check.hh"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace muster {
namespace {

/// TLS 1.2, best first. From `RSA` on no forward secrecy: for firmware that knows nothing else
/// (iPXE of 2019: AES-CBC with RSA; EDK2 builds differ).
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:kRSA+AESGCM:kRSA+AES:"
                                "!aNULL:!eNULL:!PSK:!SRP:!AESCCM:!ARIA:!CAMELLIA:!3DES:!MD5";
constexpr const char* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
/// Sessions in the cache, below a kilobyte each, and how long any session may be resumed: a machine
/// installs and comes back within it.
constexpr long cached_sessions_max = 20'000;
constexpr long session_seconds = 3600;
constexpr const char* session_context = "musterd";

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using File = std::unique_ptr<std::FILE, Freed<std::fclose>>;

/// The last of what OpenSSL has to say, in its words; forgets the rest.
std::string openssl_error() {
    std::array<char, 256> text{};
    const unsigned long error = ERR_peek_last_error();
    const char* reason = ERR_reason_error_string(error);
    ERR_error_string_n(error, text.data(), text.size());
    ERR_clear_error();
    return reason != nullptr ? reason : text.data();
}

/// Keys with a password are refused, and not asked about on a terminal.
int no_password(char* /*to*/, int /*size*/, int /*encrypting*/, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

struct Pem {
    std::vector<Certificate> chain; ///< the server's own comes first
    Key key;
};

std::unexpected<std::string> bad(const char* flag, const std::string& file,
                                 const std::string& what) {
    ERR_clear_error();
    return std::unexpected("--" + std::string{flag} + " " + file + ": " + what);
}

/// OpenSSL says the same of a file without a key and of one with a broken key.
bool has_key(std::FILE* file) {
    std::rewind(file);
    std::array<char, 256> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), file) != nullptr) {
        const std::string_view text{line.data()};
        if (text.starts_with("-----BEGIN ") && text.find("PRIVATE KEY") != std::string_view::npos) {
            return true;
        }
    }
    return false;
}

Result<Pem, std::string> read_pem(const std::string& certificates, const std::string& key_file) {
    Pem pem;
    ERR_clear_error();
    const File in{std::fopen(certificates.c_str(), "re")};
    if (!in) {
        return bad("tls-cert", certificates, std::strerror(errno));
    }
    while (X509* one = PEM_read_X509(in.get(), nullptr, nullptr, nullptr)) {
        pem.chain.emplace_back(one);
    }
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (pem.chain.empty() && at_end) {
        return bad("tls-cert", certificates, "there is no certificate in it (PEM is wanted)");
    }
    if (!at_end) {
        return bad("tls-cert", certificates,
                   "certificate " + std::to_string(pem.chain.size() + 1) +
                       " in it is broken: " + openssl_error());
    }
    ERR_clear_error();
    const File key_in{std::fopen(key_file.c_str(), "re")};
    if (!key_in) {
        return bad("tls-key", key_file, std::strerror(errno));
    }
    bool password = false;
    pem.key.reset(PEM_read_PrivateKey(key_in.get(), nullptr, no_password, &password));
    if (password) {
        return bad("tls-key", key_file, "the key has a password; one without is wanted");
    }
    if (!pem.key) {
        return bad("tls-key", key_file,
                   has_key(key_in.get()) ? "the key in it is broken: " + openssl_error()
                                         : "there is no private key in it (PEM is wanted)");
    }
    if (X509_check_private_key(pem.chain.front().get(), pem.key.get()) != 1) {
        return bad("tls-key", key_file,
                   "is not the key of the certificate in " + certificates +
                       (pem.chain.size() > 1 ? " (its first one; the chain follows it)" : ""));
    }
    return pem;
}

std::string distinguished_name_of(const X509_NAME* name) {
    std::array<char, 256> text{};
    X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
    return text.data();
}

std::string date_of(const ASN1_TIME* time) {
    std::tm parts{};
    std::array<char, 32> text{};
    if (ASN1_TIME_to_tm(time, &parts) != 1 ||
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        return "an unreadable date";
    }
    return text.data();
}

/// What clients may refuse, and what only they can judge.
std::vector<std::string> warnings_of(const Pem& pem, const std::string& file) {
    std::vector<std::string> found;
    const auto warn = [&](const std::string& what) {
        found.push_back("--tls-cert " + file + ": " + what);
    };
    for (std::size_t i = 0; i < pem.chain.size(); ++i) {
        const X509* one = pem.chain[i].get();
        const std::string who = i == 0 ? "the certificate" : "certificate " + std::to_string(i + 1);
        if (X509_cmp_current_time(X509_get0_notAfter(one)) < 0) {
            warn(who + " expired on " + date_of(X509_get0_notAfter(one)) +
                 ": clients will refuse it");
        }
        if (X509_cmp_current_time(X509_get0_notBefore(one)) > 0) {
            warn(who + " is valid only from " + date_of(X509_get0_notBefore(one)) +
                 ": clients will refuse it");
        }
        if (i > 0 && X509_NAME_cmp(X509_get_issuer_name(pem.chain[i - 1].get()),
                                   X509_get_subject_name(one)) != 0) {
            warn(who + " (" + distinguished_name_of(X509_get_subject_name(one)) +
                 ") did not sign the one before it: the chain is out of order");
        }
    }
    return found;
}

std::int64_t expiry_of(const X509* certificate) {
    std::tm parts{};
    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? ::timegm(&parts) : 0;
}

void set_up(SSL_CTX* context) {
    MUSTER_CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    MUSTER_CHECK(SSL_CTX_set_cipher_list(context, ciphers) == 1);
    MUSTER_CHECK(SSL_CTX_set_ciphersuites(context, ciphers_1_3) == 1);
    // Our order, but a client without AES in hardware, which puts ChaCha20 first, gets it.
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // An idle connection keeps no buffers.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_num_tickets(context, 1); // a boot client has one connection at a time
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(context, cached_sessions_max);
    SSL_CTX_set_timeout(context, session_seconds);
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(session_context),
                                   static_cast<unsigned>(std::strlen(session_context)));
}

/// Clients keep their tickets over a new certificate.
void take_ticket_keys(SSL_CTX* from, SSL_CTX* to) {
    std::array<unsigned char, 256> keys{};
    const long size = SSL_CTX_get_tlsext_ticket_keys(from, nullptr, 0);
    if (size > 0 && static_cast<std::size_t>(size) <= keys.size() &&
        SSL_CTX_get_tlsext_ticket_keys(from, keys.data(), size) == 1) {
        SSL_CTX_set_tlsext_ticket_keys(to, keys.data(), size);
    }
    OPENSSL_cleanse(keys.data(), keys.size());
}

} // namespace

TlsServer::TlsServer(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}

Result<std::vector<std::string>, std::string> TlsServer::load() {
    auto pem = read_pem(certificate_file_, key_file_);
    if (!pem) {
        return std::unexpected(std::move(pem.error()));
    }
    const std::shared_ptr<SSL_CTX> fresh{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
    MUSTER_CHECK(fresh != nullptr);
    set_up(fresh.get());
    if (SSL_CTX_use_certificate(fresh.get(), pem->chain.front().get()) != 1) {
        return bad("tls-cert", certificate_file_, "cannot be used: " + openssl_error());
    }
    for (std::size_t i = 1; i < pem->chain.size(); ++i) {
        if (SSL_CTX_add1_chain_cert(fresh.get(), pem->chain[i].get()) != 1) {
            return bad("tls-cert", certificate_file_,
                       "certificate " + std::to_string(i + 1) +
                           " in it cannot be used: " + openssl_error());
        }
    }
    if (SSL_CTX_use_PrivateKey(fresh.get(), pem->key.get()) != 1) {
        return bad("tls-key", key_file_, "cannot be used: " + openssl_error());
    }
    const std::lock_guard lock{mutex_};
    if (context_) {
        take_ticket_keys(context_.get(), fresh.get());
    }
    context_ = fresh;
    expires_.store(expiry_of(pem->chain.front().get()), std::memory_order_relaxed);
    return warnings_of(*pem, certificate_file_);
}

std::unique_ptr<TlsSession> TlsServer::new_session() {
    std::shared_ptr<SSL_CTX> context;
    {
        const std::lock_guard lock{mutex_};
        context = context_;
    }
    MUSTER_CHECK(context != nullptr);
    SSL* ssl = SSL_new(context.get()); // holds a reference to the context
    return ssl == nullptr ? nullptr : std::make_unique<TlsSession>(ssl);
}

} // namespace muster
