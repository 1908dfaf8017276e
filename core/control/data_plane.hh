// SPDX-License-Identifier: Apache-2.0
// What machines and their installers ask of the control: boot scripts, answers, reports.
#pragma once

#include "core/control/answer.hh"
#include "core/control/control_options.hh"
#include "core/control/rendering.hh"

namespace muster {

class DataPlane {
public:
    DataPlane(Ledger& ledger, Installs& installs, const Rendering& rendering,
              std::optional<Governor>& governor, FlightRecorder& recorder,
              ControlCounters& counters, const ControlOptions& options)
        : ledger_(ledger),
          installs_(installs),
          rendering_(rendering),
          governor_(governor),
          recorder_(recorder),
          counters_(counters),
          options_(options) {}

    /// Puts what the request changes into the open batch; see Decision.
    [[nodiscard]] Decision decide(const DynamicRequest& request, UnixTime at);

private:
    Decision on_script(const DynamicRequest& request, UnixTime at);
    Decision on_answers(const DynamicRequest& request, UnixTime at);
    std::optional<Decision> refuse_answers(const NodeRecord& node, const Profile& profile,
                                           const std::string& file, const DynamicRequest& request,
                                           UnixTime at);
    Decision on_report(const DynamicRequest& request, UnixTime at);
    /// Has the machine wait if others load first: the decision is what it is told, then.
    std::optional<Decision> queue(const NodeRecord& node, BootLoader loader, const RenderFor& to,
                                  UnixTime at);
    const NodeRecord* asking_node(const DynamicRequest& request,
                                  const std::optional<MacAddress>& mac, UnixTime at);
    void note_problem(const std::string& node, const Rendered& rendered, UnixTime at);

    Ledger& ledger_;
    Installs& installs_;
    const Rendering& rendering_;
    std::optional<Governor>& governor_;
    FlightRecorder& recorder_;
    ControlCounters& counters_;
    const ControlOptions& options_;
    /// The problem last noted of a node, so that a machine that asks every 30 s is noted once.
    std::map<std::string, std::string> problems_;
};

} // namespace muster
