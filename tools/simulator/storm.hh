// SPDX-License-Identifier: Apache-2.0
// A planner's question, answered without a rack: how long do so many machines take to install over
// such a link, who waits, and for what?
//
// The server's engines and the machines are the real ones; the network, the disk of the store and
// time are simulated (World). Everything follows from the seed: the same options give the same
// answer.
#pragma once

#include "core/port/client.hh"
#include "net/client/boot_machine.hh"

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace muster {

struct StormProgress {
    Duration at{}; ///< of virtual time, since the first machine was switched on
    std::array<std::uint32_t, client_stage_count> in_stage{};
    std::uint32_t done = 0;
    double link_use = 0; ///< of the server's link, 0 .. 1, since the last report
};

struct StormOptions {
    std::uint32_t nodes = 1'000;
    std::string firmware = "mixed"; ///< as FirmwareMix reads it
    std::uint64_t seed = 1;
    unsigned workers = 1;

    Duration power_on{30s};      ///< machines are switched on over so long; 0: all at once
    std::uint32_t rack_size = 0; ///< above 0: so many at the same moment

    double link = 25e9;                 ///< bits a second of the server's link
    std::optional<unsigned> boot_slots; ///< 0: the server finds out; empty: all load at once
    double client_link = 10e9;          ///< bits a second of each machine's
    Duration latency = 50us;            ///< one way
    double loss = 0;                    ///< of packets

    std::uint64_t kernel = 14'200'000; ///< what deploy/minimal-installer builds
    std::uint64_t initrd = 5'400'000;  ///<
    std::uint64_t image = std::uint64_t{800} << 20U;
    std::uint64_t package = std::uint64_t{300}
                            << 10U; ///< the middle one of InstallerModel::packages
    InstallerModel installer;
    double own_time = 1.0;       ///< see BootMachineOptions
    std::string loader = "auto"; ///< the site's choice for all machines
    // What another server's limits would do; 0: this one's own.
    std::uint32_t addresses = 0;       ///< machines that get one
    std::uint32_t tftp_transfers = 0;  ///< at a time, a worker; further requests are not answered
    std::uint16_t tftp_windowsize = 0; ///< largest that is granted
    Duration booting{12h};             ///< deadlines of the site's profile
    Duration installing{12h};          ///<
    Duration give_up{48h};             ///< of virtual time: what is not done then is not waited for
    /// How finely large transfers are followed; smaller is slower. Zero: a ninetieth of the time
    /// that the server's link needs for all images, within 5 s and 30 s.
    Duration transfer_report{};
    Duration timeline_step{1s}; ///< of SimulatedStorm::timeline
    /// Called now and then, for a display; may be empty.
    std::function<void(const StormProgress&)> progress;
};

/// What one machine went through. Times count from when the first machine was switched on.
struct StormMachine {
    std::string_view firmware;
    Duration switched_on{};
    /// When it first entered each stage; negative: never.
    std::array<Duration, client_stage_count> entered{};
    /// How long it was in each stage, all visits together.
    std::array<Duration, client_stage_count> spent{};
    std::array<Duration, client_wait_count> waited{};
    /// When its installer asked for the root image that it then got, and had it; negative: never.
    Duration image_asked{-1};
    Duration image_there{-1};
    std::uint32_t retransmissions = 0;
    bool installed = false; ///< runs from its disk
    bool lost = false;      ///< gave up as the real client does
    std::string why;        ///< it was lost, or its last failure

    [[nodiscard]] Duration to_stage(ClientStage stage) const noexcept {
        return entered[static_cast<std::size_t>(stage)] - switched_on;
    }
};

struct SimulatedStorm {
    std::vector<StormMachine> machines;
    std::uint32_t installed = 0;
    std::uint32_t lost = 0;
    Duration took{}; ///< until the last machine was installed or lost
    std::vector<StormProgress> timeline;
    std::array<Duration, client_wait_count> waited{}; ///< of all machines together
    std::uint64_t retransmissions = 0;
    std::uint64_t datagrams = 0;       ///< sent by server and machines
    std::uint64_t datagrams_lost = 0;  ///< for whatever reason
    double stream_bytes = 0;           ///< of large HTTP bodies, over the server's link
    double link_use = 0;               ///< mean over `took`, 0 .. 1
    double link_use_peak = 0;          ///< of the timeline's steps
    std::uint64_t events = 0;          ///< of the simulation
    std::uint64_t digest = 0;          ///< of everything that happened
    std::vector<std::string> findings; ///< what checkers found wrong: a bug of the server's
};

/// Runs it. The error says what is wrong with the options.
[[nodiscard]] Result<SimulatedStorm, std::string> simulate_storm(const StormOptions& options);

} // namespace muster
