// SPDX-License-Identifier: Apache-2.0
// Fetches one file after the other for a boot program, by the protocol that the URL says and with
// the habits of the program.
#pragma once

#include "net/client/boot_url.hh"
#include "net/client/firmware.hh"

#include <optional>

namespace muster {

class BootFetcher {
public:
    /// A machine has a port number sequence of its own.
    explicit BootFetcher(std::uint64_t seed) noexcept : prng_(seed) {}

    /// From now on as this program does; what its predecessor kept open is closed.
    void take_over(const BootProgramModel& program, ClientContext& context);
    void begin(const BootUrl& url, std::size_t keep, const Ipv4Address& local,
               ClientContext& context);
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept;
    [[nodiscard]] bool owns(ClientStreamId stream) const noexcept {
        return http_ && http_->owns(stream);
    }
    [[nodiscard]] HttpClient& http() noexcept { return *http_; }
    void on_timer(ClientContext& context) noexcept;
    /// The machine is switched off.
    void drop(ClientContext& context);

    [[nodiscard]] Instant deadline() const noexcept;
    [[nodiscard]] bool busy() const noexcept { return by_http() ? http_->busy() : tftp_.busy(); }
    [[nodiscard]] bool ok() const noexcept;
    [[nodiscard]] std::string_view body() const noexcept;
    /// What went wrong, with the name of the file.
    [[nodiscard]] std::string why() const;

private:
    [[nodiscard]] bool by_http() const noexcept {
        return http_ && url_.scheme == BootUrl::Scheme::http;
    }
    [[nodiscard]] std::uint16_t next_port() noexcept;

    Prng prng_;
    const BootProgramModel* program_ = nullptr;
    BootUrl url_;
    TftpClient tftp_;
    std::optional<HttpClient> http_;
    std::uint16_t port_ = 0; ///< of the next TFTP transfer; 0: any
    bool refused_ = false;   ///< the program does not speak the protocol
};

} // namespace muster
