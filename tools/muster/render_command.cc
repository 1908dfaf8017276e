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

void add_render_options(po::options_description& options) {
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

std::string names_of(const Json& files) {
    std::vector<std::string> names;
    for (const auto& [name, text] : files.items()) {
        names.push_back(printable(name));
    }
    return fmt::to_string(fmt::join(names, ", "));
}

/// Tells what is wrong with the texts, of one file or all; the machine is told so on its console.
Exit print_problems(const Json& answer, const std::optional<std::string>& wanted) {
    const auto problems = answer.find("problems");
    Exit exit = Exit::success;
    if (problems == answer.end() || !problems->is_object()) {
        return exit;
    }
    for (const auto& [file, problem] : problems->items()) {
        if ((!wanted || *wanted == file) && problem.is_string()) {
            fmt::print(stderr, "muster: {}: {}\n", printable(file),
                       printable(problem.get<std::string>()));
            exit = Exit::failure;
        }
    }
    return exit;
}

Exit run_render(Session& session) {
    const std::string& name = session.arguments().front();
    const Json answer = require(session.api().get(api_path({"nodes", name, "render"})));
    const auto files = answer.find("files");
    if (files == answer.end() || !files->is_object()) {
        throw Failure{"the answer holds no \"files\""};
    }
    const Look look = look_of(STDOUT_FILENO);
    const auto wanted = session.value("file");
    if (wanted) {
        const auto file = files->find(*wanted);
        if (file == files->end() || !file->is_string()) {
            throw Failure{fmt::format("{} gets no file '{}'; it gets: {}", printable(name),
                                      printable(*wanted), names_of(*files))};
        }
        const auto text = file->get<std::string>();
        print(look.width ? shown(text, look) : text);
        return print_problems(answer, wanted);
    }
    std::string_view gap;
    for (const auto& [file, text] : files->items()) {
        if (text.is_string()) {
            const std::string heading = fmt::format("==> {} <==", printable(file));
            print(fmt::format("{}{}\n{}", gap, coloured(heading, Colour::blue, look),
                              shown(text.get<std::string>(), look)));
            gap = "\n";
        }
    }
    return print_problems(answer, wanted);
}

} // namespace

const Command render_command{
    .name = "render",
    .arguments = "NODE [--file NAME]",
    .summary = "Print the boot script and answers a machine would get now.",
    .details = "Prints every text that muster would hand this machine if it booted now: its boot "
               "script, for each kind of boot loader, and the answers for its installer, with all "
               "variables filled in. The status is 1 if there is something wrong with one of them.",
    .examples = "  muster render r1n01\n"
                "  muster render r1n01 --file boot/ipxe",
    .argument = "NODE",
    .arguments_min = 1,
    .arguments_max = 1,
    .add_options = add_render_options,
    .run = run_render,
};

} // namespace muster::cli
