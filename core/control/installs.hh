// SPDX-License-Identifier: Apache-2.0
// The installs of all nodes: finds the node that a fact is about, applies install_state's function
// to it, and puts the result into the open batch. Also where the site and the nodes meet.
#pragma once

#include "core/base/bytes.hh"
#include "core/control/content_index.hh"
#include "core/control/control_counters.hh"
#include "core/control/ledger.hh"
#include "core/flight/flight_recorder.hh"
#include "core/port/messages.hh"

#include <functional>

namespace muster {

/// Fills the bytes with randomness nobody can guess; tests and the simulator seed it.
using RandomSource = std::function<void(MutableBytes)>;

class Installs {
public:
    Installs(Ledger& ledger, const ContentIndex& content, RandomSource random,
             ControlCounters& counters, FlightRecorder& recorder)
        : ledger_(ledger),
          content_(content),
          random_(std::move(random)),
          counters_(counters),
          recorder_(recorder) {}

    /// The site that profiles are looked up in from now on.
    void set_site(std::shared_ptr<const Site> site);
    [[nodiscard]] const Site& site() const noexcept { return *site_; }
    [[nodiscard]] const std::shared_ptr<const Site>& site_ref() const noexcept { return site_; }

    // What a node gets.
    [[nodiscard]] const Profile* profile_of(const NodeRecord& node) const noexcept;
    /// The profile's name, also when the site has no such profile; empty: none.
    [[nodiscard]] const std::string& profile_name_of(const NodeRecord& node) const noexcept;
    [[nodiscard]] BootAction action_of(const NodeRecord& node) const noexcept;
    [[nodiscard]] NodeBoot boot_of(const NodeRecord& node, const MacAddress& mac) const;
    /// The same for one of its NodeRecord::aliases().
    [[nodiscard]] NodeBoot boot_of(const NodeRecord& node, std::string alias) const;

    // Facts from workers.
    void on_seen(const MachineSeen& seen, UnixTime at);
    void on_sample(const TransferSample& sample, UnixTime at);

    /// Applies an event to a node that exists. The result is in the open batch if it changed.
    InstallStep apply(const std::string& name, InstallEvent event, UnixTime at);

    /// Of the attempt that runs; a machine that boots its own disk waits for nobody's report.
    void add_wait(const std::string& name, BootWait wait, Duration time);

    /// The node of this machine, added under the site's rule for unknown machines if it is new;
    /// null when no more are taken. A machine is known by a link address that somebody listed,
    /// else by its UUID, client id or switch port, else by a link address that was seen before.
    const NodeRecord* find_or_discover(const MachineSeen& seen, UnixTime at);
    /// Counts a refused token and notes it, though not more often than an eye can follow.
    void note_refused_token(const Token& token, std::string_view what, const IpAddress& client,
                            UnixTime at);

    /// Makes the nodes agree with the site: adds and changes those it lists, keeps the state of
    /// those it no longer lists, and gives or takes profiles.
    void merge_site(UnixTime at);
    /// Gives or takes the profile of one node after its spec changed.
    void settle_profile(const std::string& name, UnixTime at);
    /// Writes a spec to the node of its name, or to the one that has its link address, which then
    /// takes the name: what was installed on a machine stays known under its new name. Other nodes
    /// lose the link addresses that this one claims.
    /// Returns: the changed record's state before, or empty when it is a new node.
    std::optional<InstallState> write_spec(const NodeSpec& spec, NodeOrigin origin, UnixTime at);

private:
    [[nodiscard]] InstallPolicy policy_of(const NodeRecord& node) const noexcept;
    [[nodiscard]] std::uint64_t expected_bytes(const Profile* profile) const;
    [[nodiscard]] Token fresh_token();
    [[nodiscard]] NodeRecord take_over(const NodeSpec& spec);
    const NodeRecord* find_known(const MachineSeen& seen, UnixTime at);
    [[nodiscard]] const NodeRecord* named_by(const MachineSeen& seen) const;
    const NodeRecord* learn_mac(const NodeRecord& named, const MacAddress& mac, UnixTime at);
    void remember_identity(const NodeRecord& node, const MachineSeen& seen);
    void take_addresses_from_others(const NodeRecord& owner, UnixTime at);
    void release_from_site(const NodeRecord& node);

    Ledger& ledger_;
    const ContentIndex& content_;
    RandomSource random_;
    ControlCounters& counters_;
    FlightRecorder& recorder_;
    std::shared_ptr<const Site> site_;
    std::map<std::string, SharedDhcpOptions, std::less<>> profile_options_; ///< of the site
    std::map<std::string, SharedDhcpOptions, std::less<>> profile_options6_;
    bool table_full_noted_ = false;
    UnixTime refusals_since_;
    unsigned refusals_noted_ = 0;
};

} // namespace muster
