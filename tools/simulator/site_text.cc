// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/site_text.hh"

#include "core/base/check.hh"
#include "core/site/loader.hh"

#include "tools/simulator/machines.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster::sim {
namespace {

constexpr std::string_view answers_text = R"(# For {{node.name}}, attempt {{attempt}}.
disk="auto"
hostname="{{node.name}}"
image="{{files_url}}/{{image}}"
root_password_hash=""
ssh_key=""
timezone="Etc/UTC"
kernel_args=""
reboot="yes"
)";

long long seconds(Duration d) {
    return std::chrono::duration_cast<std::chrono::seconds>(d).count();
}

std::string address_text(std::uint32_t number) {
    return fmt::format("10.{}.{}.{}", number >> 16U & 0xFFU, number >> 8U & 0xFFU, number & 0xFFU);
}

constexpr std::uint32_t first_reserved = 0x000101; ///< 10.0.1.1
constexpr std::uint32_t first_of_pool = 0x010000;  ///< 10.1.0.0

} // namespace

Result<std::vector<std::string>, SiteFileError>
MemorySiteFiles::list(std::string_view folder) const {
    std::vector<std::string> found;
    const std::string prefix = folder.empty() ? std::string{} : std::string{folder} + "/";
    for (const auto& [path, text] : files) {
        if (path.starts_with(prefix)) {
            found.push_back(path.substr(prefix.size()));
        }
    }
    if (found.empty()) {
        return std::unexpected(SiteFileError{true, "No such file or directory"});
    }
    return found;
}

Result<std::string, SiteFileError> MemorySiteFiles::read(std::string_view path) const {
    const auto it = files.find(path);
    if (it == files.end()) {
        return std::unexpected(SiteFileError{true, "No such file or directory"});
    }
    return it->second;
}

std::map<std::string, std::string, std::less<>> site_files(const SiteShape& shape) {
    // Twice as many as needed: a machine that comes back under another subnet's rules, or whose
    // lease was lost to a fault, must not find the pool empty.
    const std::uint32_t pool =
        shape.addresses != 0 ? shape.addresses : std::max(64U, 2 * shape.machines);
    std::map<std::string, std::string, std::less<>> files;
    files["site.yaml"] = fmt::format(R"(server: {{address: 10.0.0.1}}
subnets:
  - subnet: 10.0.0.0/8
    pools: [{}-{}]
    lease: {}s
unknown-nodes: {{profile: minimal}}
)",
                                     address_text(first_of_pool),
                                     address_text(first_of_pool + pool - 1), seconds(shape.lease));
    files["profiles/minimal.yaml"] =
        fmt::format(R"(kernel: minimal/linux
initrd: [minimal/initrd]
cmdline: "quiet BOOTIF=01-{{{{node.mac}}}} muster.answers={{{{answers_url}}}} muster.report={{{{report_url}}}}"
answers: {{install.conf: install.mustache}}
loader: {}
variables: {{image: minimal/root.tar}}
deadlines: {{booting: {}s, installing: {}s}}
retries: {}
)",
                    shape.loader, seconds(shape.booting), seconds(shape.installing), shape.retries);
    files["templates/install.mustache"] = answers_text;
    std::string nodes;
    for (std::uint32_t i = 0; i < shape.reserved; ++i) {
        nodes += fmt::format(
            "- {{name: {}, mac: ['{}'], profile: minimal, address: {}}}\n", fmt::format("n{}", i),
            to_text(Machines::mac(i)),
            address_text((shape.reserved_in_pool ? first_of_pool : first_reserved) + i));
    }
    if (!nodes.empty()) {
        files["nodes.yaml"] = nodes;
    }
    return files;
}

std::shared_ptr<const Site> read_site(const SiteShape& shape) {
    MemorySiteFiles files;
    files.files = site_files(shape);
    auto site = load_site(files, "/site");
    if (!site) {
        for (const SiteProblem& problem : site.error()) {
            fmt::print(stderr, "simulated site: {}\n", to_text(problem, "/site"));
        }
        MUSTER_CHECK(site.has_value());
    }
    return std::make_shared<const Site>(std::move(*site));
}

} // namespace muster::sim
