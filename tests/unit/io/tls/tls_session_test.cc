// SPDX-License-Identifier: Apache-2.0
// The server's side of TLS against OpenSSL's client, both in memory. Certificates are made here.
#include "io/tls/tls_server.hh"

#include "tests/support/temporary_folder.hh"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

namespace muster {
namespace {

/// A key and a certificate that it signed itself, as PEM.
struct Identity {
    std::string certificate;
    std::string key;
};

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text{data, static_cast<std::size_t>(size)};
    BIO_free(bio);
    return text;
}

Identity make_identity(long valid_from = -3600, long valid_until = 3600) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), valid_from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_until);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("muster"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    BIO* pem = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(pem, certificate);
    BIO* key_pem = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(key_pem, key, nullptr, nullptr, 0, nullptr, nullptr);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return {text_of(pem), text_of(key_pem)};
}

/// OpenSSL's client with memory for wires.
class Client {
public:
    explicit Client(int version, SSL_SESSION* session = nullptr)
        : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
        SSL_set_min_proto_version(ssl_, version);
        SSL_set_max_proto_version(ssl_, version);
        if (session != nullptr) {
            SSL_set_session(ssl_, session);
        }
        SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_);
    }
    ~Client() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Goes as far as it can with these bytes; what it wants to send.
    std::string step(Bytes wire) {
        if (!wire.empty()) {
            BIO_write(SSL_get_rbio(ssl_), wire.data(), static_cast<int>(wire.size()));
        }
        std::string part(65'536, '\0');
        for (int got = 1; got > 0;) {
            got = SSL_is_init_finished(ssl_) == 0 ? SSL_do_handshake(ssl_)
                                                  : SSL_read(ssl_, part.data(), 65'536);
            if (got > 0 && SSL_is_init_finished(ssl_) != 0 && !first_) {
                received.append(part, 0, static_cast<std::size_t>(got));
            }
            first_ = first_ && SSL_is_init_finished(ssl_) == 0;
            ended = (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
        }
        ERR_clear_error();
        return output();
    }
    std::string send(std::string_view text) {
        EXPECT_EQ(SSL_write(ssl_, text.data(), static_cast<int>(text.size())),
                  static_cast<int>(text.size()));
        return output();
    }
    std::string end() {
        SSL_shutdown(ssl_);
        return output();
    }
    [[nodiscard]] bool open() const { return SSL_is_init_finished(ssl_) != 0; }
    [[nodiscard]] SSL_SESSION* session() const { return SSL_get1_session(ssl_); }

    std::string received;
    bool ended = false;

private:
    std::string output() {
        char* data = nullptr;
        const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &data);
        std::string bytes{data, static_cast<std::size_t>(size)};
        BIO_reset(SSL_get_wbio(ssl_));
        return bytes;
    }

    SSL_CTX* context_;
    SSL* ssl_;
    bool first_ = true;
};

class TlsSessionTest : public ::testing::Test {
protected:
    TlsSessionTest() : server_(path("cert.pem"), path("key.pem")) {
        const Identity identity = make_identity();
        write("cert.pem", identity.certificate);
        write("key.pem", identity.key);
        const auto loaded = server_.load();
        EXPECT_TRUE(loaded.has_value());
        EXPECT_TRUE(loaded->empty());
    }
    std::string path(const std::string& name) { return (folder_.path() / name).string(); }
    void write(const std::string& name, const std::string& text) { folder_.write(name, text); }
    std::string load_error() {
        const auto loaded = server_.load();
        return loaded ? std::string{} : loaded.error();
    }

    /// Feeds a session and collects what it says until it wants more.
    TlsSession::Step feed(TlsSession& session, Bytes wire) {
        session.feed(wire);
        for (;;) {
            const TlsSession::Step step = session.read(room_);
            if (step.kind == TlsSession::Step::Kind::data) {
                plain_ += as_text(Bytes{room_}.first(step.size));
            } else if (step.kind != TlsSession::Step::Kind::opened) {
                return step;
            }
        }
    }
    /// Handshake, in pieces of `piece` bytes in both directions.
    void connect(Client& client, TlsSession& session, std::size_t piece = SIZE_MAX) {
        std::string to_server = client.step({});
        for (int round = 0; round < 20 && !(client.open() && session.is_open()); ++round) {
            for (Bytes rest = as_bytes(to_server); !rest.empty();) {
                const Bytes now = rest.first(std::min(piece, rest.size()));
                ASSERT_EQ(feed(session, now).kind, TlsSession::Step::Kind::more);
                rest = rest.subspan(now.size());
            }
            to_server = client.step(session.take_output());
        }
        ASSERT_TRUE(client.open() && session.is_open());
        feed(session, as_bytes(to_server));
        client.step(session.take_output());
    }

    testing::TemporaryFolder folder_;
    TlsServer server_;
    std::vector<std::byte> room_ = std::vector<std::byte>(16'384);
    std::string plain_;
};

TEST_F(TlsSessionTest, BytesGoBothWaysByEitherVersion) {
    std::string text(100'003, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>(i * 7 % 251);
    }
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto session = server_.new_session();
        Client client{version};
        connect(client, *session);
        EXPECT_EQ(session->is_tls_1_3(), version == TLS1_3_VERSION);
        EXPECT_FALSE(session->is_resumed());
        plain_.clear();
        const std::string wire = client.send(text);
        EXPECT_EQ(feed(*session, as_bytes(wire)).kind, TlsSession::Step::Kind::more);
        EXPECT_EQ(plain_, text);
        ASSERT_TRUE(session->write(as_bytes(text)));
        ASSERT_TRUE(session->write(as_bytes("and the end")));
        session->end();
        client.step(session->take_output());
        EXPECT_EQ(client.received, text + "and the end");
        EXPECT_TRUE(client.ended);
        const std::string end = client.end();
        EXPECT_EQ(feed(*session, as_bytes(end)).kind, TlsSession::Step::Kind::ended);
    }
}

TEST_F(TlsSessionTest, AHandshakeMayComeByteByByte) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto session = server_.new_session();
        Client client{version};
        connect(client, *session, 1);
    }
}

TEST_F(TlsSessionTest, SaysWhyItFails) {
    const auto failure = [this](std::string_view wire) {
        const auto session = server_.new_session();
        const TlsSession::Step step = feed(*session, as_bytes(wire));
        EXPECT_EQ(step.kind, TlsSession::Step::Kind::failed) << wire;
        return step.failure;
    };
    EXPECT_EQ(failure("GET / HTTP/1.1\r\n\r\n"), TlsFailure::plain_http);
    EXPECT_EQ(failure(std::string(64, '\0')), TlsFailure::not_tls);
    // A record of TLS 1.3 data where a ClientHello is due.
    EXPECT_EQ(failure(std::string("\x17\x03\x03\x00\x01\x00", 6)), TlsFailure::protocol);
}

TEST_F(TlsSessionTest, APlainRequestIsAnsweredInItsOwnLanguage) {
    const auto session = server_.new_session();
    feed(*session, as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    const std::string answer{as_text(session->output())};
    const std::size_t body = answer.find("\r\n\r\n") + 4;
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 "));
    EXPECT_NE(answer.find("Content-Length: " + std::to_string(answer.size() - body) + "\r\n"),
              std::string::npos);
}

TEST_F(TlsSessionTest, APartOfAClientHelloWaitsForTheRest) {
    Client client{TLS1_3_VERSION};
    const std::string hello = client.step({});
    for (std::size_t size = 1; size < hello.size(); size += 13) {
        const auto session = server_.new_session();
        EXPECT_EQ(feed(*session, as_bytes(hello).first(size)).kind, TlsSession::Step::Kind::more);
        EXPECT_TRUE(session->output().empty());
    }
}

// One bit anywhere behind the ClientHello's length is either nothing that matters or a failure, and
// never plain text.
TEST_F(TlsSessionTest, ChangedRecordsAreRefused) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto session = server_.new_session();
        Client client{version};
        connect(client, *session);
        std::string wire = client.send("GET / HTTP/1.1\r\n\r\n");
        wire.back() = static_cast<char>(wire.back() ^ 1);
        plain_.clear();
        EXPECT_EQ(feed(*session, as_bytes(wire)).kind, TlsSession::Step::Kind::failed);
        EXPECT_EQ(plain_, "");
    }
}

TEST_F(TlsSessionTest, TicketsOutliveANewCertificate) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SSL_SESSION* ticket = nullptr;
        {
            const auto session = server_.new_session();
            Client client{version};
            connect(client, *session);
            ASSERT_TRUE(session->write(as_bytes("x")));
            client.step(session->take_output());
            client.end(); // a session of a connection that broke off is not taken again
            ticket = client.session();
        }
        const Identity fresh = make_identity();
        write("cert.pem", fresh.certificate);
        write("key.pem", fresh.key);
        ASSERT_EQ(load_error(), "");
        const auto session = server_.new_session();
        Client client{version, ticket};
        connect(client, *session);
        EXPECT_TRUE(session->is_resumed()) << version;
        SSL_SESSION_free(ticket);
    }
}

TEST_F(TlsSessionTest, BadFilesAreNamedAndTheOldOnesStay) {
    write("key.pem", make_identity().key);
    EXPECT_NE(load_error().find("key.pem: is not the key of the certificate in "),
              std::string::npos);
    write("key.pem", "");
    EXPECT_NE(load_error().find("key.pem: there is no private key in it"), std::string::npos);
    write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    EXPECT_NE(load_error().find("key.pem: the key in it is broken"), std::string::npos);
    write("cert.pem", "nothing");
    EXPECT_NE(load_error().find("cert.pem: there is no certificate in it"), std::string::npos);
    std::filesystem::remove(path("cert.pem"));
    EXPECT_EQ(load_error(), "--tls-cert " + path("cert.pem") + ": No such file or directory");
    const auto session = server_.new_session();
    Client client{TLS1_3_VERSION};
    connect(client, *session);
}

TEST_F(TlsSessionTest, DatesAndAChainOutOfOrderAreWarnedOf) {
    const Identity old = make_identity(-7200, -3600);
    write("cert.pem", old.certificate);
    write("key.pem", old.key);
    auto loaded = server_.load();
    ASSERT_TRUE(loaded && loaded->size() == 1);
    EXPECT_NE(loaded->front().find("cert.pem: the certificate expired on "), std::string::npos);
    EXPECT_LT(server_.expires(), ::time(nullptr));
    const Identity early = make_identity(3600, 7200);
    write("cert.pem", early.certificate);
    write("key.pem", early.key);
    loaded = server_.load();
    ASSERT_TRUE(loaded && loaded->size() == 1);
    EXPECT_NE(loaded->front().find("is valid only from "), std::string::npos);
}

} // namespace
} // namespace muster
