// SPDX-License-Identifier: Apache-2.0
// The admin API: what operators and their tools ask and order.
#pragma once

#include "core/control/answer.hh"
#include "core/control/api_routes.hh"
#include "core/control/control_options.hh"
#include "core/control/event_feed.hh"
#include "core/control/failure_limit.hh"
#include "core/control/rendering.hh"
#include "core/control/url_query.hh"

namespace muster {

inline constexpr std::size_t page_entries_default = 1'000;
inline constexpr std::size_t page_entries_max = 10'000;

/// `{"error": {"code": …, "message": …}}`.
[[nodiscard]] Answer api_error(std::uint16_t status, std::string_view code,
                               std::string_view message);

/// Tokens that can be kept at a time.
inline constexpr std::size_t api_tokens_max = 256;

/// Whoever showed a token that is known.
struct ApiCaller {
    std::string_view token; ///< its name; of the option's: `--admin-token-file`
    ApiRole role{};
};

class Api {
public:
    Api(Ledger& ledger, Installs& installs, const Rendering& rendering, const ContentIndex& content,
        const std::optional<Governor>& governor, const FlightRecorder& recorder,
        const StageHistory& history, const EventFeed& feed, ControlCounters& counters,
        const ControlOptions& options, RandomSource random)
        : ledger_(ledger),
          installs_(installs),
          rendering_(rendering),
          content_(content),
          governor_(governor),
          recorder_(recorder),
          history_(history),
          feed_(feed),
          counters_(counters),
          options_(options),
          random_(std::move(random)) {}

    /// Puts what the request orders into the open batch; see Decision. What only asks is answered
    /// from what is committed.
    [[nodiscard]] Decision decide(const DynamicRequest& request, UnixTime at);

    /// Whether commits succeed now, for /readyz and the metrics.
    void set_store_works(bool works) noexcept { store_works_ = works; }

private:
    using Order = InstallEventKind;

    /// Null: the call may be made. Else why not.
    [[nodiscard]] std::optional<Answer> refusal(const DynamicRequest& request, ApiRole least,
                                                UnixTime at);
    /// Who shows this; null: nobody that is known.
    [[nodiscard]] std::optional<ApiCaller> caller_of(std::string_view authorization) const;
    Decision on_call(ApiCall call, const DynamicRequest& request, const UrlQuery& query,
                     UnixTime at);
    Decision on_node(ApiCall call, const std::string& name, const DynamicRequest& request,
                     const UrlQuery& query, UnixTime at);
    [[nodiscard]] const AdminAsset* asset_of(std::string_view path) const;
    Decision on_events(const DynamicRequest& request, const UrlQuery& query, UnixTime at);
    Decision on_order(const std::string& name, Order order, UnixTime at);
    Decision on_install(const std::string& name, const DynamicRequest& request, UnixTime at);
    Decision on_tagged_install(const DynamicRequest& request, UnixTime at);
    Decision on_stop(const std::vector<std::string>& names, UnixTime at);
    Decision on_put(const std::string& name, const DynamicRequest& request, UnixTime at);
    Decision on_delete(const std::string& name, UnixTime at);
    Decision on_token_make(const std::string& name, const UrlQuery& query, UnixTime at);
    Decision on_token_remove(const std::string& name, UnixTime at);
    [[nodiscard]] bool has_other_admin(std::string_view name) const;
    [[nodiscard]] Answer list_tokens() const;

    /// All nodes with this tag; an empty one: all nodes.
    [[nodiscard]] std::vector<std::string> names_tagged(std::string_view tag) const;
    [[nodiscard]] nlohmann::json install_forecast(const NodeRecord& node) const;
    [[nodiscard]] nlohmann::json node_with_place(const NodeRecord& node) const;
    [[nodiscard]] Answer list_nodes(const UrlQuery& query) const;
    [[nodiscard]] Answer list_leases(const UrlQuery& query) const;
    [[nodiscard]] Answer list_events(const UrlQuery& query) const;
    [[nodiscard]] Answer show_render(const NodeRecord& node) const;
    [[nodiscard]] Answer show_metrics() const;
    [[nodiscard]] Answer list_profiles() const;
    [[nodiscard]] Answer show_site() const;
    [[nodiscard]] Answer show_governor(const UrlQuery& query) const;
    [[nodiscard]] Answer show_waits(const UrlQuery& query) const;
    Decision showing(Answer (Api::*show)() const) const;
    Decision showing(const UrlQuery& query, Answer (Api::*show)(const UrlQuery&) const) const;
    /// A decision that shows the node, if it is there when the batch is committed.
    Decision showing(std::string name, Answer (Api::*show)(const NodeRecord&) const) const;
    [[nodiscard]] Answer show_node(const NodeRecord& node) const;
    [[nodiscard]] Answer show_packets(const NodeRecord& node, const UrlQuery& query) const;
    [[nodiscard]] Answer show_timeline(const NodeRecord& node, UnixTime now) const;

    Ledger& ledger_;
    Installs& installs_;
    const Rendering& rendering_;
    const ContentIndex& content_;
    const std::optional<Governor>& governor_;
    const FlightRecorder& recorder_;
    const StageHistory& history_;
    const EventFeed& feed_;
    ControlCounters& counters_;
    const ControlOptions& options_;
    RandomSource random_;
    FailureLimit failures_;
    bool store_works_ = true;
};

/// What stands at `/` when no page was built in: a table in self-contained HTML.
[[nodiscard]] std::string_view admin_page() noexcept;

} // namespace muster
