// SPDX-License-Identifier: Apache-2.0
// muster render -- what a machine would be handed now.
#include "tools/muster/command.hh"
#include "tools/muster/terminal.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <unistd.h>

#include <vector>

namespace muster::cli {
namespace {

void add_options(po::options_description& options) {
    options.add_options()("file", po::value<std::string>()->value_name("NAME"),
                          "Only this file, without a heading.");
}

/// A terminal gets no control characters from a template; a file gets every byte.
std::string shown(const std::string& text, const Look& look) {
    std::string out = look.width ? printable_document(text) : text;
    if (!out.empty() && !out.ends_with('\n')) {
        out += '\n';
    }
    return out;
}

Exit run(Session& session) {
    const std::string& name = session.arguments().front();
    const Json answer = require(session.api().get(api_path({"nodes", name, "render"})));
    const auto files = answer.find("files");
    if (files == answer.end() || !files->is_object()) {
        throw Failure{"the answer holds no \"files\""};
    }
    const Look look = look_of(STDOUT_FILENO);
    if (const auto wanted = session.value("file")) {
        const auto file = files->find(*wanted);
        if (file == files->end() || !file->is_string()) {
            std::vector<std::string> names;
            for (const auto& [known, text] : files->items()) {
                names.push_back(printable(known));
            }
            throw Failure{fmt::format("{} gets no file '{}'; it gets: {}", printable(name),
                                      printable(*wanted), fmt::join(names, ", "))};
        }
        const auto text = file->get<std::string>();
        print(look.width ? shown(text, look) : text);
        return Exit::success;
    }
    bool first = true;
    for (const auto& [file, text] : files->items()) {
        if (text.is_string()) {
            const std::string heading = fmt::format("==> {} <==", printable(file));
            print(fmt::format("{}{}\n{}", first ? "" : "\n", coloured(heading, Colour::blue, look),
                              shown(text.get<std::string>(), look)));
            first = false;
        }
    }
    return Exit::success;
}

} // namespace

const Command render_command{
    .name = "render",
    .arguments = "NODE [--file NAME]",
    .summary = "Print the boot script and answers a machine would get now.",
    .details = "Prints every text that muster would hand this machine if it booted now: its boot "
               "script and the answers for its installer, with all variables filled in.",
    .examples = "  muster render r1n01\n"
                "  muster render r1n01 --file preseed.cfg > preseed.cfg",
    .argument = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = add_options,
    .run = run,
};

} // namespace muster::cli
