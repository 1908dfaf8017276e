// SPDX-License-Identifier: Apache-2.0
#include "core/control/data_plane.hh"

#include "core/addr/subnet.hh"
#include "core/control/url_query.hh"

#include <fmt/format.h>

#include <charconv>

namespace muster {
namespace {

using Method = DynamicRequest::Method;

constexpr std::string_view boot_prefix = "/boot/";
constexpr std::string_view answers_prefix = "/answers/";
constexpr std::string_view report_prefix = "/report/";
constexpr std::string_view pxelinux_prefix = "pxelinux.cfg/";
constexpr std::size_t message_size_max = 500;
constexpr std::size_t problems_max = 1'000;

/// What a boot script's path says: for which loader, and for whom.
struct ScriptPath {
    BootLoader loader{};
    std::optional<MacAddress> mac;
    std::optional<Ipv4Address> address;
};

/// `01-52-54-00-00-01-01`: the hardware type, then the address, as PXELINUX and GRUB ask.
std::optional<MacAddress> mac_of_file(std::string_view name) {
    return name.size() == 20 && name.starts_with("01-") ? read_mac_address(name.substr(3))
                                                        : std::nullopt;
}

/// `0A000015`: the whole IPv4 address as PXELINUX asks. Its shorter forms name no machine.
std::optional<Ipv4Address> address_of_file(std::string_view name) {
    std::uint32_t number = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), number, 16);
    if (name.size() != 8 || error != std::errc{} || rest != name.data() + name.size()) {
        return std::nullopt;
    }
    return from_number(number);
}

std::optional<ScriptPath> read_script_path(std::string_view path) {
    path.remove_prefix(boot_prefix.size());
    if (path == "ipxe") {
        return ScriptPath{.loader = BootLoader::ipxe, .mac = {}, .address = {}};
    }
    if (path.starts_with("grub.cfg")) {
        path.remove_prefix(std::string_view{"grub.cfg"}.size());
        if (!path.empty() && path.front() != '-') {
            return std::nullopt;
        }
        return ScriptPath{.loader = BootLoader::grub,
                          .mac = path.empty() ? std::nullopt : mac_of_file(path.substr(1)),
                          .address = {}};
    }
    if (path.starts_with(pxelinux_prefix)) {
        path.remove_prefix(pxelinux_prefix.size());
        return ScriptPath{.loader = BootLoader::pxelinux,
                          .mac = mac_of_file(path),
                          .address = address_of_file(path)};
    }
    return std::nullopt;
}

/// The two parts behind a prefix: a token's text and what follows it.
struct TokenPath {
    std::optional<Token> token;
    std::string name;
};

TokenPath read_token_path(std::string_view path, std::string_view prefix) {
    path.remove_prefix(prefix.size());
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) {
        return {read_token(path), {}};
    }
    return {read_token(path.substr(0, slash)), std::string{path.substr(slash + 1)}};
}

std::optional<InstallEventKind> report_kind(std::string_view name) noexcept {
    if (name == "started") {
        return InstallEventKind::report_started;
    }
    if (name == "progress") {
        return InstallEventKind::report_progress;
    }
    if (name == "installed") {
        return InstallEventKind::report_installed;
    }
    if (name == "failed") {
        return InstallEventKind::report_failed;
    }
    return std::nullopt;
}

std::int64_t whole_seconds(Duration duration) noexcept {
    return std::chrono::ceil<std::chrono::seconds>(duration).count();
}

std::string_view loader_text(BootLoader loader) noexcept {
    switch (loader) {
    case BootLoader::ipxe:
        return "iPXE";
    case BootLoader::grub:
        return "GRUB";
    case BootLoader::pxelinux:
        return "PXELINUX";
    }
    __builtin_unreachable();
}

/// What the boot script has the machine do.
std::string script_text(BootAction action, const Install& install) {
    switch (action) {
    case BootAction::install:
        return fmt::format("install, attempt {}", install.attempt);
    case BootAction::boot_local:
        return "boot from its disk";
    case BootAction::hold:
        return "wait until an operator says what to install";
    case BootAction::ignore:
        return "left alone";
    }
    __builtin_unreachable();
}

/// `progress 40 %: unpacking`
std::string report_text(std::string_view name, InstallEventKind kind, const InstallEvent& event) {
    std::string text{name};
    if (kind == InstallEventKind::report_progress) {
        text += fmt::format(" {} %", event.percent);
    }
    return event.message.empty() ? text : text + ": " + event.message;
}

Answer refused_token_answer() {
    return text_answer(403, "this token is not, or no longer, that of a running install attempt");
}

} // namespace

Decision DataPlane::decide(const DynamicRequest& request, UnixTime at) {
    const std::string_view path = request.path;
    if (path.starts_with(boot_prefix)) {
        return on_script(request, at);
    }
    // Answers and reports are HTTP's alone.
    if (request.transport == DynamicRequest::Transport::http) {
        if (path.starts_with(answers_prefix)) {
            return on_answers(request, at);
        }
        if (path.starts_with(report_prefix)) {
            return on_report(request, at);
        }
    }
    return decided(text_answer(404, "no such path"));
}

const NodeRecord* DataPlane::asking_node(const DynamicRequest& request,
                                         const std::optional<MacAddress>& mac, UnixTime at) {
    const IpAddress& address = request.client.address;
    if (mac) {
        const NodeRecord* const node = installs_.find_or_discover({.mac = *mac}, at);
        if (node != nullptr && ledger_.node_at(address) == nullptr) {
            ledger_.remember_address(address, *mac); // another DHCP server gave it
        }
        return node;
    }
    return ledger_.node_at(address);
}

Decision DataPlane::on_script(const DynamicRequest& request, UnixTime at) {
    ++counters_.scripts;
    auto path = read_script_path(request.path);
    if (!path) {
        return decided(text_answer(404, "no such boot script"));
    }
    if (request.method != Method::get && request.method != Method::head) {
        return decided(text_answer(405, "a boot script is fetched with GET"));
    }
    UrlQuery query;
    query.read(request.query);
    std::optional<MacAddress> asked_mac;
    if (const std::string* const text = query.find("mac"); text != nullptr && !text->empty()) {
        asked_mac = read_mac_address(*text);
        if (!asked_mac) {
            return decided(text_answer(400, "mac is not a link address such as 52:54:00:00:01:01"));
        }
        path->mac = asked_mac;
    }
    const NodeRecord* const node = path->address && !path->mac
                                       ? ledger_.node_at(*path->address)
                                       : asking_node(request, path->mac, at);
    RenderFor to{.server = rendering_.server_address(request.server, options_.server_address,
                                                     options_.http_port),
                 .token = {},
                 .asked_mac = asked_mac};
    if (node == nullptr) {
        ++counters_.unknown_clients;
        if (path->mac) {
            return decided({.status = 200,
                            .body = Rendering::stranger_script(path->loader, to),
                            .type = text_type});
        }
        return decided(text_answer(404, "no node has the address that this was asked from"));
    }
    const std::string name = node->name();
    if (request.method == Method::get) {
        // A HEAD looks only; whoever boots comes back with GET.
        if (auto waits = queue(*node, path->loader, to, at)) {
            return std::move(*waits);
        }
        installs_.apply(name, {.kind = InstallEventKind::script_asked}, at);
        const NodeRecord& current = *ledger_.nodes().find(name);
        recorder_.note(name, FlightKind::script, loader_text(path->loader),
                       fmt::format("{}: {}", loader_text(path->loader),
                                   script_text(installs_.action_of(current), current.install)),
                       at);
        if (attempt_runs(current.install.state)) {
            ledger_.progress_of(name)->loading_bytes = 0; // it loads from the beginning now
        }
    }
    const bool boots = request.method == Method::get;
    return [this, name, to, boots, loader = path->loader, at]() mutable -> Answer {
        const NodeRecord* const current = ledger_.nodes().find(name);
        if (current == nullptr) {
            return text_answer(404, "this node was removed");
        }
        if (current->install.token_use == TokenUse::open) {
            to.token = current->install.token;
        } else if (boots && installs_.action_of(*current) == BootAction::install) {
            // Its attempt began in this batch, and the store did not take it (or a later fact of
            // the batch ended it): without a token nothing may be installed.
            Answer answer = text_answer(503, "the server cannot begin this install now; ask again");
            answer.retry_after_s = 2;
            return answer;
        }
        Rendered rendered = rendering_.script(*current, loader, to);
        note_problem(name, rendered, at);
        return {.status = 200, .body = std::move(rendered.text), .type = text_type};
    };
}

std::optional<Decision> DataPlane::queue(const NodeRecord& node, BootLoader loader,
                                         const RenderFor& to, UnixTime at) {
    if (!governor_ || installs_.action_of(node) != BootAction::install ||
        installs_.profile_of(node) == nullptr) {
        return std::nullopt;
    }
    const std::string name = node.name();
    const bool had_ticket = governor_->tickets().contains(name);
    const auto wait = governor_->ask(name, boot_terms(node, installs_.site()));
    if (!wait) {
        if (!had_ticket) {
            installs_.add_wait(name, BootWait::governor, governor_->waited(name));
        }
        return std::nullopt;
    }
    installs_.apply(name, {.kind = InstallEventKind::told_to_wait}, at);
    std::string reason = fmt::format("{} machines{}{} load, this one is number {} of {} that wait",
                                     wait->loading, wait->full_budget.empty() ? "" : " of ",
                                     wait->full_budget, wait->place, wait->waiting);
    if (wait->expected) {
        reason += fmt::format(", about {} s more", whole_seconds(*wait->expected));
    }
    recorder_.note(name, FlightKind::wait, "", reason, at);
    return Decision{[name, loader, to, pause = wait->ask_again, reason]() -> Answer {
        return {.status = 200,
                .body = Rendering::waiting_script(name, loader, to, pause, reason),
                .type = text_type};
    }};
}

/// Answers hold secrets: even with the right token they are not for another machine's address, and
/// not to be had over and over.
std::optional<Decision> DataPlane::refuse_answers(const NodeRecord& node, const Profile& profile,
                                                  const std::string& file,
                                                  const DynamicRequest& request, UnixTime at) {
    const auto refuse = [&](std::string why, std::string_view help) {
        ++counters_.tokens_refused;
        recorder_.note(node.name(), FlightKind::refused, file, file + ": " + why, at);
        ledger_.note(at, EventKind::token_refused, node.name(),
                     fmt::format("answers {}: {}{}", file, why, help));
        return decided(text_answer(403, why));
    };
    const NodeRecord* const owner = ledger_.leased_to(request.client.address);
    if (owner != nullptr && owner != &node) {
        return refuse(fmt::format("asked from {}, which another machine has leased",
                                  to_text(request.client.address)),
                      fmt::format(", {}", owner->name()));
    }
    const auto fetched = node.answers_fetched.find(file);
    if (fetched != node.answers_fetched.end() && fetched->second >= profile.answers_fetches) {
        return refuse(fmt::format("fetched {} times already in this attempt", fetched->second),
                      "; the profile's answers-fetches may allow more");
    }
    return std::nullopt;
}

Decision DataPlane::on_answers(const DynamicRequest& request, UnixTime at) {
    ++counters_.answers;
    const TokenPath path = read_token_path(request.path, answers_prefix);
    if (request.method != Method::get && request.method != Method::head) {
        return decided(text_answer(405, "answers are fetched with GET"));
    }
    const NodeRecord* const node = path.token ? ledger_.nodes().find(*path.token) : nullptr;
    if (node == nullptr || node->install.token != *path.token ||
        node->install.token_use != TokenUse::open) {
        installs_.note_refused_token(path.token.value_or(Token{}), "answers asked",
                                     request.client.address, at);
        return decided(refused_token_answer());
    }
    const std::string name = node->name();
    ledger_.rest_on(name);
    const Profile* const profile = installs_.profile_of(*node);
    if (profile == nullptr || !profile->answers.contains(path.name)) {
        return decided(text_answer(404, "the profile of this node has no answers of that name"));
    }
    if (auto refused = refuse_answers(*node, *profile, path.name, request, at)) {
        return std::move(*refused);
    }
    if (request.method == Method::get) {
        installs_.apply(name, {.kind = InstallEventKind::answers_fetched, .token = *path.token},
                        at);
        ++ledger_.progress_of(name)->answers_fetched[path.name];
        recorder_.note(name, FlightKind::answers, path.name, path.name, at);
    }
    const RenderFor to{.server = rendering_.server_address(request.server, options_.server_address,
                                                           options_.http_port),
                       .token = *path.token,
                       .asked_mac = {}};
    return [this, name, to, file = path.name, at]() -> Answer {
        const NodeRecord* const current = ledger_.nodes().find(name);
        if (current == nullptr || current->install.token != to.token ||
            current->install.token_use != TokenUse::open) {
            return refused_token_answer(); // something later in the same batch ended the attempt
        }
        auto rendered = rendering_.answers(*current, file, to);
        if (!rendered) {
            return text_answer(404, "the profile of this node has no answers of that name");
        }
        note_problem(name, *rendered, at);
        if (rendered->problem) {
            return text_answer(500,
                               "these answers cannot be rendered; the server's events say why");
        }
        return {.status = 200, .body = std::move(rendered->text), .type = text_type};
    };
}

Decision DataPlane::on_report(const DynamicRequest& request, UnixTime at) {
    ++counters_.reports;
    const TokenPath path = read_token_path(request.path, report_prefix);
    const auto kind = report_kind(path.name);
    if (request.method != Method::get && request.method != Method::post) {
        return decided(text_answer(405, "reports are made with GET or POST"));
    }
    const NodeRecord* const node = path.token ? ledger_.nodes().find(*path.token) : nullptr;
    // A token that is unknown may be one that the open batch replaces, and might not.
    ledger_.rest_on(node == nullptr ? std::string_view{} : node->name());
    if (node == nullptr) {
        installs_.note_refused_token(path.token.value_or(Token{}),
                                     "report " + clean_line(path.name, 20), request.client.address,
                                     at);
        return decided(refused_token_answer());
    }
    if (!kind) {
        return decided(text_answer(404, "no such report: started, progress, installed, failed"));
    }
    UrlQuery query;
    query.read(request.query);
    query.read(request.body);
    // Installers print what they have: `40`, `40%`, `40.5`. What is no number is no progress.
    const std::string_view percent_text = query.value("percent");
    const auto percent =
        read_count(percent_text.substr(0, percent_text.find_first_not_of("0123456789")));
    const InstallEvent event{.kind = *kind,
                             .token = *path.token,
                             .percent = static_cast<std::uint8_t>(std::min<std::uint64_t>(
                                 percent.value_or(node->install.percent), 100)),
                             .message = clean_line(query.value("message"), message_size_max)};
    const std::string name = node->name();
    const InstallStep step = installs_.apply(name, event, at);
    if (step.outcome == InstallOutcome::token_refused) {
        installs_.note_refused_token(*path.token, "report " + path.name, request.client.address,
                                     at);
        return decided(refused_token_answer());
    }
    recorder_.note(name, FlightKind::report, path.name, report_text(path.name, *kind, event), at);
    return decided(text_answer(200, "ok"));
}

void DataPlane::note_problem(const std::string& node, const Rendered& rendered, UnixTime at) {
    if (!rendered.problem) {
        problems_.erase(node);
        return;
    }
    std::string& last = problems_[node];
    if (last == rendered.problem_text) {
        return;
    }
    last = rendered.problem_text;
    ledger_.note(at, *rendered.problem, node, rendered.problem_text);
    if (problems_.size() > problems_max) {
        problems_.erase(problems_.begin()); // it may be noted a second time
    }
}

} // namespace muster
