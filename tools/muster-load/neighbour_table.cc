// SPDX-License-Identifier: Apache-2.0
#include "tools/muster-load/neighbour_table.hh"

#include <fstream>
#include <sstream>

namespace muster::load {

std::uint64_t neighbour_table_overflows_in(const std::string& statistics) {
    std::istringstream lines{statistics};
    std::string line;
    std::getline(lines, line);
    std::istringstream titles{line};
    std::size_t column = 0;
    std::string title;
    while (titles >> title && title != "table_fulls") {
        ++column;
    }
    std::uint64_t sum = 0;
    while (title == "table_fulls" && std::getline(lines, line)) { // one line for each processor
        std::istringstream fields{line};
        std::string field;
        for (std::size_t i = 0; i < column; ++i) {
            fields >> field;
        }
        std::uint64_t count = 0;
        if (fields >> std::hex >> count) {
            sum += count;
        }
    }
    return sum;
}

std::uint64_t neighbour_table_overflows() {
    // Counted for all network namespaces together, but shown in the first one's folder alone.
    for (const char* path : {"/proc/net/stat/arp_cache", "/proc/1/net/stat/arp_cache"}) {
        std::ifstream file{path};
        std::ostringstream text;
        text << file.rdbuf();
        if (file) {
            return neighbour_table_overflows_in(text.str());
        }
    }
    return 0;
}

} // namespace muster::load
