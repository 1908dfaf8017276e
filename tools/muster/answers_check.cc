// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/answers_check.hh"

#include "core/content/render.hh"
#include "core/site/trial_subject.hh"

#include "tools/muster/scratch_folder.hh"
#include "tools/muster/text.hh"
#include "tools/muster/validators.hh"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

namespace muster::cli {
namespace {

/// A text to look at: an answers file as one node gets it.
struct AnswerJob {
    const NodeSpec* node = nullptr; ///< null: unknown machines
    const Profile* profile = nullptr;
    std::string name; ///< that the installer asks for
    std::string template_file;
    AnswerKind kind{};
};

struct Complaint {
    std::string by;
    AnswerProblem problem;
    std::string line;
};

ServerAddress trial_server(const Site& site) {
    return {.address = site.server_address.value_or(Ipv4Address{{255, 255, 255, 255}})};
}

nlohmann::json trial_context(const Site& site, const Profile& profile, const NodeSpec* node,
                             const TemplateSubject& subject) {
    static const Variables none = Variables::object();
    return template_context(trial_server(site), subject,
                            merged_variables(site.default_variables, &profile.variables,
                                             node != nullptr ? node->variables : none));
}

/// Finds the texts that are worth looking at.
class JobFinder {
public:
    JobFinder(const Site& site, Thoroughness how) : site_(site), how_(how) {
        for (const auto& [name, text] : site.templates) {
            if (auto read = Template::read(text)) {
                templates_.emplace(name, std::move(*read));
            }
        }
    }

    void find(const std::string& profile_name, const NodeSpec* node) {
        const auto found = site_.profiles.find(profile_name);
        if (found == site_.profiles.end()) {
            return; // a node without one
        }
        const Profile& profile = found->second;
        TemplateSubject anyone = trial_subject(profile.name, node);
        anyone.name = "node";
        anyone.mac = MacAddress{};
        anyone.address = Ipv4Address{};
        const nlohmann::json context = trial_context(site_, profile, node, anyone);
        for (const auto& [name, file] : profile.answers) {
            const auto text = templates_.at(file).render(context);
            const AnswerKind kind = text ? answer_kind(name, file, *text) : AnswerKind::other;
            if (kind == AnswerKind::other) {
                continue;
            }
            auto& seen = seen_[{profile.name, name}];
            if (!seen.insert(std::hash<std::string>{}(*text)).second) {
                continue;
            }
            if (how_ == Thoroughness::some && seen.size() > distinct_texts_max) {
                ++left_out;
            } else {
                jobs.push_back({node, &profile, name, file, kind});
            }
        }
    }

    [[nodiscard]] std::string text_of(const AnswerJob& job) const {
        const auto text = templates_.at(job.template_file)
                              .render(trial_context(site_, *job.profile, job.node,
                                                    trial_subject(job.profile->name, job.node)));
        return text.value_or(std::string{});
    }

    std::vector<AnswerJob> jobs;
    std::size_t left_out = 0;

private:
    const Site& site_;
    Thoroughness how_;
    std::map<std::string, Template> templates_;
    std::map<std::pair<std::string, std::string>, std::unordered_set<std::size_t>> seen_;
};

/// Looks at the texts, as many at once as there are processors.
class AnswersCheck {
public:
    explicit AnswersCheck(const JobFinder& found) : found_(found), complaints_(found.jobs.size()) {
        use_own_debconf();
    }

    AnswersReport run() {
        const std::size_t workers = std::min<std::size_t>(
            std::max(1U, std::thread::hardware_concurrency()), found_.jobs.size());
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < workers; ++i) {
            threads.emplace_back([this] { work(); });
        }
        threads.clear(); // waits for their ends
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        report_.left_out = found_.left_out;
        tell();
        return std::move(report_);
    }

private:
    /// debconf's database is another one than this machine's: that is locked while packages are
    /// installed, and to root by each reader.
    void use_own_debconf() const {
        const auto database = [this](std::string_view name) {
            return fmt::format("Name: {0}\nDriver: File\nMode: 600\nFilename: {1}/{0}.dat\n", name,
                               folder_.path().string());
        };
        const std::filesystem::path file = folder_.path() / "debconf.conf";
        write_text(file, fmt::format("Config: config\nTemplates: templates\n\n{}\n{}",
                                     database("config"), database("templates")));
        ::setenv("DEBCONF_SYSTEMRC", file.c_str(), 1); // NOLINT: no thread runs yet
    }

    void work() {
        for (std::size_t i = next_++; i < found_.jobs.size(); i = next_++) {
            try {
                complaints_[i] = look(found_.jobs[i], std::to_string(i));
            } catch (...) {
                const std::scoped_lock lock{mutex_};
                thrown_ = std::current_exception();
                return;
            }
        }
    }

    std::optional<Complaint> look(const AnswerJob& job, const std::string& file_name) {
        const std::string text = found_.text_of(job);
        const auto complaint = [&](std::string by, AnswerProblem problem) {
            std::string line{line_of(text, problem.line)};
            return Complaint{std::move(by), std::move(problem), std::move(line)};
        };
        if (job.kind == AnswerKind::preseed) {
            if (auto problem = preseed_problem(text)) {
                return complaint("preseed", std::move(*problem));
            }
        }
        const Validator& validator = *validator_of(job.kind);
        const std::filesystem::path file = folder_.path() / file_name;
        write_text(file, text);
        std::vector<std::string> arguments = validator.arguments;
        arguments.push_back(file.string());
        std::unique_lock one_at_a_time{debconf_, std::defer_lock};
        if (job.kind == AnswerKind::preseed) {
            one_at_a_time.lock();
        }
        const ProgramEnd end = run_program(arguments, validator_time_max);
        std::filesystem::remove(file); // it holds secrets
        const std::scoped_lock lock{mutex_};
        if (!end.started) {
            report_.missing.insert(validator.program());
            return {};
        }
        ++report_.validated[validator.program()];
        if (auto problem = read_verdict(end, file.string(), text)) {
            return complaint(validator.program(), std::move(*problem));
        }
        return {};
    }

    /// The same complaint about several nodes is told once, for the first of them.
    void tell() {
        std::map<std::string, std::size_t> others;
        const auto key = [this](std::size_t i) {
            const Complaint& one = *complaints_[i];
            return fmt::format("{} {}:{} {} {}", found_.jobs[i].profile->name, found_.jobs[i].name,
                               one.problem.line, one.by, one.problem.words);
        };
        for (std::size_t i = 0; i < complaints_.size(); ++i) {
            if (complaints_[i]) {
                ++others[key(i)];
            }
        }
        for (std::size_t i = 0; i < complaints_.size(); ++i) {
            if (!complaints_[i]) {
                continue;
            }
            std::size_t& count = others[key(i)];
            if (count > 0) {
                report_.failures.push_back(shown(found_.jobs[i], *complaints_[i], count - 1));
                count = 0;
            }
        }
    }

    static std::string shown(const AnswerJob& job, const Complaint& complaint, std::size_t others) {
        std::string out = job.node != nullptr ? "node " + printable(job.node->name)
                                              : std::string{"unknown machines"};
        out += ": " + printable(job.name);
        if (complaint.problem.line != 0) {
            out += fmt::format(":{}", complaint.problem.line);
        }
        out += fmt::format(": {}: {}", complaint.by, printable(complaint.problem.words));
        if (others > 0) {
            out += fmt::format(" (and for {} more)", others);
        }
        if (!complaint.line.empty()) {
            out += "\n    " + printable(complaint.line);
        }
        return out;
    }

    const JobFinder& found_;
    const ScratchFolder folder_{"check"};
    std::vector<std::optional<Complaint>> complaints_; ///< parallel to the jobs
    std::atomic<std::size_t> next_ = 0;
    std::mutex debconf_; ///< its database has one user at a time
    std::mutex mutex_;   ///< of what follows, while threads run
    AnswersReport report_;
    std::exception_ptr thrown_;
};

} // namespace

AnswersReport check_answers(const Site& site, Thoroughness how) {
    if (how == Thoroughness::none) {
        return {};
    }
    JobFinder finder{site, how};
    for (const NodeSpec& node : site.nodes) {
        finder.find(node.profile, &node);
    }
    if (site.unknown.action == BootAction::install) {
        finder.find(site.unknown.profile, nullptr);
    }
    return AnswersCheck{finder}.run();
}

} // namespace muster::cli
