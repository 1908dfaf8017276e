// SPDX-License-Identifier: Apache-2.0
// The machines of a world: a fleet of client engines, their power, their links, and what is true
// of each of them, whatever the server thinks.
#pragma once

#include "net/client/client_fleet.hh"

#include "tools/simulator/universe.hh"

#include <functional>
#include <map>

namespace muster::sim {

class AddressCheck;
class Datagrams;
class Streams;

/// More have no place in the site's pools (10.1.0.0 and on).
inline constexpr std::uint32_t machines_max = 500'000;

struct MachineOptions {
    std::uint32_t count = 1;
    std::uint32_t streams_max = 64;
};

/// What a machine is made as, each time its power comes on.
struct PowerOn {
    MachineIndex index = 0;
    std::uint64_t seed = 0;
    bool installed = false; ///< its disk holds a system
};
using MachineMaker = std::function<std::unique_ptr<ClientMachine>(const PowerOn&)>;

/// The truth about one machine.
struct Machine {
    bool powered = false;
    bool installed = false;    ///< its disk holds a whole system
    bool wipe_allowed = true;  ///< an order stands: its next install is wanted
    bool ordered_anew = false; ///< an order came after it last read one
    bool done = false;         ///< runs from its disk: its client engine has finished
    bool lost = false;         ///< gave up; until its power is cut and comes back
    ClientStage stage = ClientStage::off;
    Instant cut_until;
    Instant link_free; ///< its port of the switch has sent everything by then
    std::uint16_t next_port = 49'152;
    unsigned installs = 0;
    unsigned boots = 0;
    std::string last_failure; ///< as its engine noted it
};

class Machines {
public:
    Machines(Universe& universe, const MachineOptions& options, MachineMaker maker);
    void connect(Datagrams& datagrams, Streams& streams, AddressCheck* check) noexcept {
        datagrams_ = &datagrams;
        streams_ = &streams;
        check_ = check;
    }

    void power_on(MachineIndex machine);
    /// Pulls the plug.
    void power_off(MachineIndex machine);
    /// It read a complete order: its disk is written from now on.
    void on_order_read(MachineIndex machine);
    /// It says that its disk is complete; the server has heard it if `accepted`.
    void on_reports_installed(MachineIndex machine, bool accepted);
    void cut_link(MachineIndex machine, Instant until);

    // Facts from the network.
    void receive(MachineIndex machine, const ClientRx& datagram);
    void receive_frame(const ClientRx& datagram);
    void on_stream_open(ClientStreamId stream);
    void on_stream_data(ClientStreamId stream, Bytes bytes);
    void on_stream_discarded(ClientStreamId stream, std::uint64_t size);
    void on_stream_closed(ClientStreamId stream);
    void expire();
    [[nodiscard]] Instant next_deadline() const noexcept { return next_deadline_; }

    // Who is where.
    [[nodiscard]] static MacAddress mac(MachineIndex machine) noexcept;
    [[nodiscard]] std::optional<MachineIndex> find(const MacAddress& mac) const noexcept;
    /// The machine that answers for this address on the link.
    [[nodiscard]] std::optional<MachineIndex> find(const IpAddress& address) const noexcept;
    [[nodiscard]] bool unreachable(MachineIndex machine) const noexcept {
        const Machine& m = machines_[machine];
        return !m.powered || m.cut_until > universe_.now.steady;
    }
    [[nodiscard]] Instant link_back_at(MachineIndex machine) const noexcept {
        return machines_[machine].cut_until;
    }
    [[nodiscard]] Instant& port_free(MachineIndex machine) noexcept {
        return machines_[machine].link_free;
    }
    [[nodiscard]] std::uint16_t next_port(MachineIndex machine) noexcept {
        std::uint16_t& port = machines_[machine].next_port;
        return port == UINT16_MAX ? port = 49'152 : port++;
    }

    void prefetch(MachineIndex machine) const noexcept {
        __builtin_prefetch(&machines_[machine]);
        fleet_.prefetch(machine);
    }
    void prefetch_engine(MachineIndex machine) const noexcept { fleet_.prefetch_engine(machine); }
    [[nodiscard]] std::uint32_t count() const noexcept {
        return static_cast<std::uint32_t>(machines_.size());
    }
    [[nodiscard]] Machine& machine(MachineIndex index) noexcept { return machines_[index]; }
    [[nodiscard]] const Machine& machine(MachineIndex index) const noexcept {
        return machines_[index];
    }
    [[nodiscard]] std::uint32_t done_count() const noexcept { return done_; }

    /// Sees every note before the world does.
    std::function<void(const ClientNote&)> on_note;

private:
    template <class Call>
    void call(Call&& what);
    void perform(bool silent);
    void take_note(const ClientNote& note);

    Universe& universe_;
    MachineMaker maker_;
    ClientFleet fleet_;
    Datagrams* datagrams_ = nullptr;
    Streams* streams_ = nullptr;
    AddressCheck* check_ = nullptr;
    std::vector<Machine> machines_;
    std::vector<Ipv4Address> addresses_; ///< that they last sent from
    ClientOutbox out_;
    Prng seeds_;
    Instant next_deadline_ = Instant::never();
    std::uint32_t done_ = 0;
    /// Addresses of machines whose engine has finished: the system on the disk has them now.
    std::map<Ipv4Address, MachineIndex> on_disk_;
};

} // namespace muster::sim
