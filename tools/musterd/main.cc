// SPDX-License-Identifier: Apache-2.0
// musterd: joins engines and drivers, in this order: flags, site, store, sockets, another user,
// threads. Until the threads run, any error is one line and an exit status.
#include "tools/musterd/daemon.hh"
#include "tools/musterd/options.hh"

#include <cstdio>

int main(int argc, char** argv) {
    using namespace muster;
    const auto parsed = read_options(argc, argv);
    if (!parsed) {
        std::fprintf(stderr, "musterd: %s\n", parsed.error().c_str());
        return 2;
    }
    switch (parsed->kind) {
    case ParsedOptions::Kind::help:
    case ParsedOptions::Kind::version:
        std::fputs(parsed->text.c_str(), stdout);
        return 0;
    case ParsedOptions::Kind::run:
        break;
    }
    if (parsed->options.dpdk_check) {
        return check_dpdk(parsed->options);
    }
    return parsed->options.check ? check_site(parsed->options) : run_daemon(parsed->options);
}
