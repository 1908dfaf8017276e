// SPDX-License-Identifier: Apache-2.0
// One DHCP exchange as a boot client makes it: DISCOVER to ACK, a proxyDHCP request on port 4011,
// renewal. RFC 2131 section 4.4; the PXE specification 2.1 section 2.2.
#pragma once

#include "net/client/client_outcome.hh"
#include "net/client/dhcp_client_model.hh"
#include "net/client/dhcp_client_offer.hh"

#include <string>
#include <vector>

namespace muster {

/// Not a machine: a machine owns one, hands it what comes to ports 68 and 4011, and arms its own
/// timer with deadline() after each call. It notes what it did: retransmissions, waits, the
/// exchange or its failure; tells the fleet the address; closes its ports when it is done.
class DhcpClient {
public:
    /// `seed`: of its transaction ids, together with the machine's MAC address.
    explicit DhcpClient(const DhcpClientModel& model, std::uint64_t seed = 0) noexcept
        : model_(&model), seed_(seed) {}

    /// DISCOVER. `elapsed` of the machine counts from here.
    void begin(ClientContext& context);
    /// REQUEST of a known lease in RENEWING state: unicast to its server.
    void renew(ClientContext& context);
    /// RELEASE, for which there is no answer.
    void release(ClientContext& context);
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept;
    void on_timer(ClientContext& context) noexcept;

    [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
    [[nodiscard]] ClientOutcome outcome() const noexcept { return outcome_; }
    [[nodiscard]] bool busy() const noexcept { return outcome_ == ClientOutcome::running; }
    [[nodiscard]] const DhcpClientLease& lease() const noexcept { return lease_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
    enum class State : std::uint8_t {
        idle,
        discovering,
        nak_pause,        ///< refused, begins again shortly
        requesting,       ///< REQUEST for an OFFER
        renewing,         ///< REQUEST for a lease that it has
        asking_proxy,     ///< REQUEST to port 4011
        asking_menu_item, ///< the same, for an item of a boot menu
    };

    static constexpr std::uint16_t server_port = 67;
    static constexpr std::uint16_t client_port = 68;
    static constexpr std::uint16_t boot_server_port = 4011;
    static constexpr std::size_t offers_max = 16; ///< EDK2's number

    void start(State state, ClientContext& context);
    void send(ClientContext& context);
    void repeat(ClientContext& context);
    void wait_is_over(ClientContext& context);
    [[nodiscard]] bool choose(ClientContext& context);
    [[nodiscard]] DhcpClientChoice choice() const noexcept;
    void on_offer(DhcpClientOffer offer, ClientContext& context);
    void on_ack(DhcpClientOffer ack, ClientContext& context);
    void on_nak(const DhcpMessage& message, ClientContext& context);
    void on_boot_reply(const DhcpClientOffer& reply, ClientContext& context);
    void find_boot_server(const DhcpClientOffer& ack, ClientContext& context);
    void ask_boot_server(const DhcpClientOffer& from, ClientContext& context);
    void end(ClientOutcome outcome, std::string why, ClientContext& context);
    [[nodiscard]] Ipv4Address boot_server(const DhcpClientOffer& from) const noexcept;
    [[nodiscard]] std::uint16_t secs() const noexcept;
    [[nodiscard]] std::span<const Duration> waits() const noexcept;
    [[nodiscard]] Duration last_wait() const noexcept;

    const DhcpClientModel* model_;
    std::uint64_t seed_ = 0;
    Prng prng_;
    bool seeded_ = false;
    ClientOutcome outcome_ = ClientOutcome::idle;
    State state_ = State::idle;
    Instant deadline_ = Instant::never();
    Instant begun_{};
    Instant sent_at_{};
    Instant first_offer_at_ = Instant::never();
    std::uint32_t xid_ = 0;
    std::size_t repeats_ = 0;     ///< of the message at hand
    unsigned rounds_ = 0;         ///< of iPXE's timer, over all messages
    std::uint16_t elapsed_s_ = 0; ///< as of the last repetition
    std::vector<DhcpClientOffer> offers_;
    std::size_t chosen_ = 0;                  ///< of offers_
    std::optional<std::size_t> chosen_proxy_; ///< of offers_
    Ipv4Address boot_server_{};
    std::optional<std::uint16_t> menu_type_;
    DhcpClientLease lease_;
    std::string why_;
};

} // namespace muster
