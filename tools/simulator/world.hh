// SPDX-License-Identifier: Apache-2.0
// A whole site in one thread on virtual time: a musterd, its machines, the network between them,
// and what goes wrong. One seed, one run: the same seed gives the same world, event by event.
//
// A run has two phases. Safety: faults are on; nothing may go wrong, progress is not required.
// Liveness: faults are off; within a bound every machine must run from its disk, installed, and the
// server must know it.
#pragma once

#include "net/client/boot_machine.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/datagrams.hh"
#include "tools/simulator/machines.hh"
#include "tools/simulator/server_host.hh"
#include "tools/simulator/site_text.hh"
#include "tools/simulator/streams.hh"

namespace muster::sim {

/// Sizes of what is loaded.
struct ContentSizes {
    std::uint64_t kernel = 8 << 20U;
    std::uint64_t initrd = 24 << 20U;
    std::uint64_t image = std::uint64_t{800} << 20U;
    double loaders = 1.0;  ///< multiplies the sizes that Debian 12's loaders have
    unsigned packages = 0; ///< files/packages/N.deb, for installers that fetch packages
    std::uint64_t package = 300 << 10U; ///< bytes of the middle one
};

/// When machines are switched on.
struct PowerCurve {
    Duration over{};        ///< spread over so long; 0: all at once
    std::uint32_t rack = 0; ///< above 0: so many at a time, evenly over `over`
};

struct WorldOptions {
    std::uint64_t seed = 1;
    MachineOptions machines;
    MachineMaker make;              ///< see boot_machines()
    std::string firmware = "mixed"; ///< as FirmwareMix reads it
    double own_time = 1.0;          ///< of the machines: see BootMachineOptions
    bool network_first = true;      ///< of the machines: see BootMachineOptions
    InstallerModel installer;
    NetworkOptions network;
    StreamOptions streams;
    ServerOptions server;
    SiteShape site;
    ContentSizes content;
    PowerCurve power;
    Faults faults;
    Canary canary = Canary::none;
    Duration safety{};          ///< how long faults are on
    Duration liveness_max = 2h; ///< and then everything must be done in this time
    bool checks = true;
    bool operators = true; ///< someone looks after machines that gave up
    bool keep = true;      ///< the store keeps what it is told; false only where nothing crashes
    bool trace = false;

    /// A small world with faults, all drawn from the seed. `make` is left to the caller.
    [[nodiscard]] static WorldOptions swarm(std::uint64_t seed);
    /// All that was drawn, in one line.
    [[nodiscard]] std::string text() const;
};

/// Machines with the firmware and the installer that `options` name.
[[nodiscard]] MachineMaker boot_machines(const WorldOptions& options);

class World {
public:
    explicit World(WorldOptions options);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Safety, then liveness, then the checks of the end.
    void run();
    /// For callers that want to look on: the next event, whatever it is. False: nothing is left,
    /// or everything is done.
    bool step();
    /// When that is; Instant::never(): nothing is left.
    [[nodiscard]] Instant next_event() const noexcept;
    /// Ends all faults.
    void heal();
    /// kill -9 of musterd, which begins anew after that time.
    void restart_server(Duration after);

    [[nodiscard]] bool all_done() const noexcept;
    /// When the first machine is switched on: after the server is up.
    [[nodiscard]] Instant first_power_on() const noexcept {
        return Instant{} + options_.server.process_start + 10ms;
    }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept {
        return universe_.findings;
    }
    [[nodiscard]] const std::vector<std::string>& trace() const noexcept { return trace_; }
    [[nodiscard]] std::uint64_t digest() const noexcept { return universe_.digest.value(); }
    [[nodiscard]] std::uint64_t events() const noexcept { return steps_; }
    [[nodiscard]] Universe& universe() noexcept { return universe_; }
    [[nodiscard]] Machines& machines() noexcept { return machines_; }
    [[nodiscard]] Streams& streams() noexcept { return streams_; }
    [[nodiscard]] const Datagrams& datagrams() const noexcept { return datagrams_; }
    [[nodiscard]] const ServerHost& server() const noexcept { return server_; }
    [[nodiscard]] const WorldOptions& options() const noexcept { return options_; }
    [[nodiscard]] const TftpCheck& tftp_check() const noexcept { return tftp_check_; }
    [[nodiscard]] const HttpCheck& http_check() const noexcept { return http_check_; }

private:
    static constexpr Duration operators_come_every = 20s;
    enum FaultKind : std::uint8_t {
        crash,
        store_full,
        store_works,
        cut,
        worker_pause,
        control_pause,
        reload,
        power_cut,
        reorder,
        operator_round,
    };
    enum PowerKind : std::uint8_t { switch_on, switch_off };

    void add_files();
    void plan_power();
    void plan_faults();
    void plan(FaultKind kind, Duration every);
    void on_fault(const AgendaEvent& event);
    void begin_fault(FaultKind kind);
    [[nodiscard]] Recurring* recurring(FaultKind kind) noexcept;
    [[nodiscard]] Duration length(const Recurring& fault);
    [[nodiscard]] MachineIndex any_machine();
    void order_anew(MachineIndex machine);
    void cycle_power(MachineIndex machine, Duration off_for);
    void look_after_machines();
    void spoil_stored(StoredState& state);
    [[nodiscard]] bool server_agrees(MachineIndex machine) const;
    void check_end();
    void dispatch(const AgendaEvent& event);
    void set_time(Instant at) noexcept;

    WorldOptions options_;
    Universe universe_;
    std::vector<std::string> trace_;
    SimStore store_;
    Datagrams datagrams_;
    Streams streams_;
    Machines machines_;
    ServerHost server_;
    AddressCheck address_check_;
    TftpCheck tftp_check_;
    HttpCheck http_check_;
    InstallCheck install_check_;
    Accounting accounting_;
    bool healed_ = false;
    bool clean_ = true;      ///< nothing was ever drawn to go wrong
    Duration wall_offset_{}; ///< of the civil clock
    std::uint32_t switched_on_ = 0;
    std::uint64_t steps_ = 0;
    bool spoiled_ = false; ///< a planted bug has done its harm
};

} // namespace muster::sim
