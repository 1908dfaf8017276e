// SPDX-License-Identifier: Apache-2.0
// The texts that one node gets: boot scripts and installer answers, from its record and the site.
#pragma once

#include "core/content/boot_script.hh"
#include "core/control/installs.hh"

namespace muster {

/// A text, and what is wrong with it: a script with a problem says so on the machine's console.
struct Rendered {
    std::string text;
    std::optional<EventKind> problem;
    std::string problem_text;
};

/// For whom and with what a text is rendered.
struct RenderFor {
    ServerAddress server;
    Token token; ///< of the running attempt; empty: a preview, which nothing can be done with
    std::optional<MacAddress> asked_mac; ///< the script was asked for with `?mac=`
};

class Rendering {
public:
    Rendering(const Ledger& ledger, const Installs& installs, const ContentIndex& content)
        : ledger_(ledger), installs_(installs), content_(content) {}

    /// What this node's network boot leads to now.
    [[nodiscard]] Rendered script(const NodeRecord& node, BootLoader loader,
                                  const RenderFor& to) const;
    /// For a machine that is no node.
    [[nodiscard]] static std::string stranger_script(BootLoader loader, const RenderFor& to);

    /// For a node that others go before.
    [[nodiscard]] static std::string waiting_script(std::string_view node, BootLoader loader,
                                                    const RenderFor& to, Duration ask_again,
                                                    std::string_view reason);

    /// The answers file `name`; nullopt when the node's profile has none of that name.
    [[nodiscard]] std::optional<Rendered> answers(const NodeRecord& node, const std::string& name,
                                                  const RenderFor& to) const;

    /// How clients reach the server that answered at `asked`.
    [[nodiscard]] ServerAddress server_address(const IpAddress& asked, const IpAddress& fallback,
                                               std::uint16_t http_port) const;

private:
    [[nodiscard]] Rendered install_script_of(const NodeRecord& node, const Profile& profile,
                                             const BootScriptFor& target,
                                             const RenderFor& to) const;
    [[nodiscard]] nlohmann::json context(const NodeRecord& node, const Profile& profile,
                                         const RenderFor& to) const;
    [[nodiscard]] const std::string* missing_file(const Profile& profile) const;

    const Ledger& ledger_;
    const Installs& installs_;
    const ContentIndex& content_;
};

} // namespace muster
