// SPDX-License-Identifier: Apache-2.0
// Link addresses that ARP finds for a fleet, and the frames that wait for them.
#pragma once

#include "core/base/time.hh"
#include "io/client/frame.hh"

#include <absl/container/flat_hash_map.h>

#include <vector>

namespace muster {

class ClientNeighbours {
public:
    /// The link address of `hop`; nullopt: not known yet.
    [[nodiscard]] std::optional<MacAddress> find(const Ipv4Address& hop) const {
        const auto at = neighbours_.find(hop);
        return at == neighbours_.end() ? std::nullopt : at->second.mac;
    }

    /// Keeps a datagram until a reply of `hop` comes; false: too many wait, so it is lost.
    [[nodiscard]] bool hold(const Ipv4Address& hop, const ClientTx& datagram, Bytes payload) {
        if (waiting_.size() >= waiting_max) {
            return false;
        }
        Waiting waiting{hop, std::vector<std::byte>(frame_header_max + payload.size())};
        waiting.frame.resize(write_frame(waiting.frame, {}, datagram, payload));
        waiting_.push_back(std::move(waiting));
        return true;
    }

    /// Whether `hop`, of which nothing is known, is to be asked for at this moment.
    [[nodiscard]] bool is_time_to_ask(const Ipv4Address& hop, Instant now) {
        const auto [at, is_new] = neighbours_.try_emplace(hop);
        if (!is_new && now - at->second.asked < arp_interval) {
            return false;
        }
        at->second.asked = now;
        return true;
    }

    /// Calls `ask(const Ipv4Address& hop)` for each that something waits for and whose time has
    /// come.
    template <class Ask>
    void ask_again(Instant now, Ask&& ask) {
        for (const Waiting& waiting : waiting_) {
            if (is_time_to_ask(waiting.hop, now)) {
                ask(waiting.hop);
            }
        }
    }

    /// `put(Bytes)` gets the frames that have waited for it. One that nobody asked for is ignored.
    template <class Put>
    void on_reply(const ClientArp& reply, Put&& put) {
        const auto at = neighbours_.find(reply.sender);
        if (at == neighbours_.end()) {
            return;
        }
        at->second.mac = reply.sender_mac;
        std::erase_if(waiting_, [&](Waiting& waiting) {
            if (waiting.hop != reply.sender) {
                return false;
            }
            std::memcpy(waiting.frame.data(), reply.sender_mac.octets.data(),
                        reply.sender_mac.octets.size());
            put(Bytes{waiting.frame});
            return true;
        });
    }

private:
    static constexpr Duration arp_interval = std::chrono::milliseconds{500};
    static constexpr std::size_t waiting_max = 4096;

    struct Waiting {
        Ipv4Address hop{};
        std::vector<std::byte> frame;
    };
    struct Neighbour {
        std::optional<MacAddress> mac;
        Instant asked{};
    };

    absl::flat_hash_map<Ipv4Address, Neighbour> neighbours_;
    std::vector<Waiting> waiting_;
};

} // namespace muster
