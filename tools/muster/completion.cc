// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/completion.hh"

#include "core/node/install_state.hh"

#include "tools/muster/command_line.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster::cli {
namespace {

enum class Completes : std::uint8_t {
    nothing, ///< only whoever types knows it
    words,
    nodes, ///< the server is asked
    files,
    folders,
};

struct Completed {
    Completes kind = Completes::nothing;
    std::string words{};
};

/// By what a value or an argument is called in the help.
Completed completed(std::string_view what) {
    if (what == "NODE") {
        return {.kind = Completes::nodes};
    }
    if (what == "DIR") {
        return {.kind = Completes::folders};
    }
    if (what == "FILE" || what == "PATH" || what == "DEVICE" || what.starts_with("ISO|")) {
        return {.kind = Completes::files};
    }
    std::string words;
    if (what == "STATE") {
        for (const InstallState state : install_states) {
            words.append(words.empty() ? "" : " ").append(to_text(state));
        }
        return {.kind = Completes::words, .words = std::move(words)};
    }
    const auto is_literal = [](char c) {
        return (c >= 'a' && c <= 'z') || c == '-' || c == '|';
    };
    if (!what.empty() && std::ranges::all_of(what, is_literal)) { // `bash|fish`
        words = what;
        std::ranges::replace(words, '|', ' ');
        return {.kind = Completes::words, .words = std::move(words)};
    }
    return {};
}

std::string command_names(std::string_view between) {
    std::string names;
    for (const Command& command : commands()) {
        names.append(names.empty() ? "" : between).append(command.name);
    }
    return names;
}

/// The line of bash that fills COMPREPLY; `:` when there is nothing to fill it with.
std::string bash_reply(const Completed& completed) {
    switch (completed.kind) {
    case Completes::words:
        return fmt::format("_muster_words '{}'", completed.words);
    case Completes::nodes:
        return "_muster_words \"$(_muster_nodes)\"";
    case Completes::files:
        return "_muster_files -f";
    case Completes::folders:
        return "_muster_files -d";
    case Completes::nothing:
        break;
    }
    return ":";
}

std::string bash_values(std::string_view command, const std::vector<OptionText>& options) {
    std::string text;
    for (const OptionText& option : options) {
        if (!option.value.empty()) {
            text += fmt::format("    {}:--{}) {}; return ;;\n", command, option.name,
                                bash_reply(completed(option.value)));
        }
    }
    return text;
}

std::string dashed(const std::vector<OptionText>& options) {
    std::string text;
    for (const OptionText& option : options) {
        text += " --" + option.name;
    }
    return text;
}

/// The arguments of `complete` in fish that offer it.
std::string fish_offer(const Completed& completed) {
    switch (completed.kind) {
    case Completes::words:
        return fmt::format(" -a '{}'", completed.words);
    case Completes::nodes:
        return " -a '(__muster_nodes)'";
    case Completes::files:
        return " -F";
    case Completes::folders:
        return " -a '(__fish_complete_directories)'";
    case Completes::nothing:
        break;
    }
    return {};
}

/// Within single quotes of fish.
std::string fish_quoted(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '\'' || c == '\\' ? "\\" : "";
        out += c;
    }
    return '\'' + out + '\'';
}

std::string fish_options(std::string_view condition, const std::vector<OptionText>& options) {
    std::string text;
    for (const OptionText& option : options) {
        text += fmt::format("complete -c muster{} -l {}", condition, option.name);
        if (!option.value.empty()) {
            const Completed value = completed(option.value);
            text += value.kind == Completes::files ? " -r" : " -x";
            text += fish_offer(value);
        }
        text += fmt::format(" -d {}\n", fish_quoted(option.description));
    }
    return text;
}

/// What `_arguments` of zsh completes a value or an argument with: the last part of a spec.
std::string zsh_action(const Completed& completed) {
    switch (completed.kind) {
    case Completes::words:
        return '(' + completed.words + ')';
    case Completes::nodes:
        return "_muster_nodes";
    case Completes::files:
        return "_files";
    case Completes::folders:
        return "_files -/";
    case Completes::nothing:
        break;
    }
    return " "; // shows what is wanted, and offers nothing
}

/// Within single quotes of zsh, in a part of a spec that ends at any of `ends`.
std::string zsh_part(std::string_view text, std::string_view ends) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
            continue;
        }
        out += ends.find(c) != std::string_view::npos || c == '\\' ? "\\" : "";
        out += c;
    }
    return out;
}

/// The specs of `_arguments`, each on a line of its own that begins with `before`.
std::string zsh_options(const std::vector<OptionText>& options, std::string_view before) {
    std::string text;
    for (const OptionText& option : options) {
        // `*`: some may be given several times, and which is known to who types.
        text += fmt::format("{}'*--{}{}[{}]", before, option.name, option.value.empty() ? "" : "=",
                            zsh_part(option.description, "[]:"));
        if (!option.value.empty()) {
            text += fmt::format(":{}:{}", zsh_part(option.value, ":"),
                                zsh_action(completed(option.value)));
        }
        text += '\'';
    }
    return text;
}

} // namespace

std::string bash_completion() {
    std::string values;
    std::string options;
    std::string arguments;
    for (const Command& command : commands()) {
        const auto own = option_texts(command);
        values += bash_values(command.name, own);
        options += fmt::format("        {}) options+='{}' ;;\n", command.name, dashed(own));
        arguments +=
            fmt::format("    {}) {} ;;\n", command.name, bash_reply(completed(command.argument)));
    }
    // A word that is a command is the command: bash splits URLs at their colons, so that what
    // follows --server cannot be told by counting.
    return fmt::format(
        R"(# bash completion of muster; made by 'muster completion bash'
_muster_words() {{
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}}
_muster_files() {{
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
}}
_muster_nodes() {{
    "${{COMP_WORDS[0]}}" nodes 2>/dev/null | awk 'NR > 1 {{ print $1 }}'
}}
_muster() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command= options i
    COMPREPLY=()
    if [[ $word == = ]]; then # --state=
        word=
    elif [[ $before == = ]]; then # --state=fa
        before=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${{COMP_WORDS[i]}} in
        help|{}) command=${{COMP_WORDS[i]}}; break ;;
        esac
    done
    case $command:$before in
{}{}    esac
    if [[ $word == -* ]]; then
        options='{}'
        case $command in
        '') options+=' --version' ;;
{}        esac
        _muster_words "$options"
        return
    fi
    case $command in
    ''|help) _muster_words 'help {}' ;;
{}    esac
}}
complete -F _muster muster
)",
        command_names("|"), values, bash_values("*", common_option_texts()),
        dashed(common_option_texts()), options, command_names(" "), arguments);
}

std::string zsh_completion() {
    constexpr std::string_view next = " \\\n            ";
    std::string summaries;
    std::string arguments;
    for (const Command& command : commands()) {
        summaries += fmt::format("        '{}:{}'\n", command.name, zsh_part(command.summary, ":"));
        arguments += fmt::format("    {})\n        _arguments -s $common{}", command.name,
                                 zsh_options(option_texts(command), next));
        if (!command.argument.empty()) {
            arguments += fmt::format("{}'*:{}:{}'", next, zsh_part(command.argument, ":"),
                                     zsh_action(completed(command.argument)));
        }
        arguments += " ;;\n";
    }
    return fmt::format(
        R"zsh(#compdef muster
# zsh completion of muster; made by 'muster completion zsh'
_muster_nodes() {{
    local -a names
    names=(${{(f)"$(muster nodes 2>/dev/null | awk 'NR > 1 {{ print $1 }}')"}})
    compadd -a names
}}
_muster() {{
    local curcontext=$curcontext state
    local -a line commands common
    local -A opt_args
    commands=(
        'help:Explain a command.'
{}    )
    common=({}
    )
    _arguments -C $common '--version[Print the version.]' '(-)1:command:->command' '(-)*::argument:->rest'
    case $state in
    command) _describe -t commands 'command of muster' commands; return ;;
    rest) ;;
    *) return ;;
    esac
    case $words[1] in
    help) _describe -t commands 'command of muster' commands ;;
{}    esac
}}
# Found by compinit this is the body of a function; read by 'source' it makes that function known.
if [[ $funcstack[1] == _muster ]]; then
    _muster "$@"
else
    compdef _muster muster
fi
)zsh",
        summaries, zsh_options(common_option_texts(), "\n        "), arguments);
}

std::string fish_completion() {
    const std::string no_command =
        fmt::format(" -n 'not __fish_seen_subcommand_from {}'", command_names(" "));
    std::string text = "# fish completion of muster; made by 'muster completion fish'\n"
                       "function __muster_nodes\n"
                       "    muster nodes 2>/dev/null | awk 'NR > 1 { print $1 }'\n"
                       "end\n"
                       "complete -c muster -f\n";
    text += fish_options("", common_option_texts());
    text += fmt::format("complete -c muster{} -l version -d 'Print the version.'\n", no_command);
    for (const Command& command : commands()) {
        text += fmt::format("complete -c muster{} -a {} -d {}\n", no_command, command.name,
                            fish_quoted(command.summary));
    }
    for (const Command& command : commands()) {
        const std::string seen = fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
        text += fish_options(seen, option_texts(command));
        if (const std::string offer = fish_offer(completed(command.argument)); !offer.empty()) {
            text += fmt::format("complete -c muster{}{}\n", seen, offer);
        }
    }
    return text;
}

} // namespace muster::cli
