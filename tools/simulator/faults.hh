// SPDX-License-Identifier: Apache-2.0
// What goes wrong in a world, how often, how strongly; and the bugs that can be planted to see
// whether the checkers find them.
#pragma once

#include "core/base/prng.hh"
#include "core/base/time.hh"

#include <string>

namespace muster::sim {

/// What happens to packets. Probabilities are per packet.
struct LinkFaults {
    double loss = 0;
    double duplication = 0;
    double reordering = 0;     ///< delayed by up to `reordering_max`, so that others overtake it
    double corruption = 0;     ///< damaged; the checksum finds it, as it nearly always does
    double unseen_dhcp = 0;    ///< damaged, and the checksum fits (DHCP requests only)
    Duration jitter_max{};     ///< of every packet
    Duration reordering_max{}; ///<
};

/// Something that happens again and again: on average every `every` (0: never), for a time between
/// `least` and `most`.
struct Recurring {
    Duration every{};
    Duration least{};
    Duration most{};

    [[nodiscard]] bool on() const noexcept { return every > Duration::zero(); }
};

/// What may go wrong; the default is a world in which nothing does.
struct Faults {
    LinkFaults link;
    Recurring crash;         ///< musterd is killed, and begins anew after that time
    Recurring store_full;    ///< the store refuses commits
    Recurring cut;           ///< some machines' links are cut
    Recurring worker_pause;  ///< a worker gets no CPU
    Recurring control_pause; ///< control gets none
    Recurring reload;        ///< the site changes: who has a reservation, and where
    Recurring power_cut;     ///< a machine loses power, and gets it back after that time
    Duration commit_max{};   ///< a commit takes up to this long
    Duration
        reorder_every{}; ///< on average, an operator orders an installed machine anew; 0: never
    Duration wall_step_max{}; ///< the civil clock is set back by up to this much at a restart

    /// Each kind off with probability one half, else of a strength that is drawn too.
    [[nodiscard]] static Faults swarm(Prng& random);
    /// One line that says what is on.
    [[nodiscard]] std::string text() const;
};

/// A planted bug. Each is made by the world, never by the product, and each is there for a checker.
enum class Canary : std::uint8_t {
    none,
    store_lies,        ///< commits are acknowledged and not kept
    early_ack,         ///< control's answers leave before the commit has returned
    leases_forgotten,  ///< the lease table begins empty after a restart
    lease_given_twice, ///< a restart finds a lease as another machine's
    flipped_byte,      ///< a byte of a TFTP block changes and its checksum fits
    wrong_range,       ///< an HTTP body comes from elsewhere in its file
    short_body,        ///< an HTTP body ends early, and nobody says so
    uncounted_drop,    ///< a datagram vanishes between socket and engine
    install_forgotten, ///< a restart finds an installed machine ready to be installed
    install_invented,  ///< a restart finds a machine installed that never was
    token_shared,      ///< a restart finds two machines with one token
    machine_unheard,   ///< one machine's frames reach nobody
    attempt_forgotten, ///< a restart finds a machine that installs at an attempt before its last
    report_unheard,    ///< `installed` is answered and means nothing to the server
    frame_cut,         ///< half of a frame that the server built is all that leaves
};
inline constexpr unsigned canary_count = 16;
[[nodiscard]] std::string_view to_text(Canary canary) noexcept;
[[nodiscard]] Canary read_canary(std::string_view text) noexcept; ///< none if unknown

} // namespace muster::sim
