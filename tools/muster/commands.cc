// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/command.hh"

#include <vector>

namespace muster::cli {

std::span<const Command> commands() {
    static const std::vector<Command> all{
        nodes_command,   show_command,   watch_command,      add_command,        remove_command,
        install_command, stop_command,   ignore_command,     boot_local_command, leases_command,
        events_command,  render_command, pcap_command,       check_command,      import_command,
        media_command,   token_command,  completion_command,
    };
    return all;
}

} // namespace muster::cli
