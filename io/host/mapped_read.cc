// SPDX-License-Identifier: Apache-2.0
#include "io/host/mapped_read.hh"

#include "core/base/check.hh"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace muster {
namespace {

struct ReadRange {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    volatile sig_atomic_t cut = 0;
};
thread_local ReadRange reading;

struct sigaction before {};
std::uintptr_t page_mask = 0;

void on_bus_error(int, siginfo_t* info, void*) {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    if (address >= reading.begin && address < reading.end) {
        // Zeros from there to the end. The mapping keeps its size, so its owner unmaps them with
        // it.
        void* const page = reinterpret_cast<void*>(address & page_mask);
        const std::size_t size = reading.end - (address & page_mask);
        if (::mmap(page, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
            MAP_FAILED) {
            reading.cut = 1;
            return;
        }
    }
    ::sigaction(SIGBUS, &before, nullptr); // the read is tried again, and is theirs then
}

bool take_signal() noexcept {
    page_mask = ~(static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)) - 1);
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    return ::sigaction(SIGBUS, &action, &before) == 0;
}

} // namespace

MappedRead::MappedRead(Bytes bytes) noexcept {
    static const bool taken = take_signal();
    MUSTER_CHECK(taken && reading.end == 0);
    reading.begin = reinterpret_cast<std::uintptr_t>(bytes.data());
    reading.end = reading.begin + bytes.size();
    reading.cut = 0;
}

MappedRead::~MappedRead() {
    reading.end = 0;
    reading.begin = 0;
}

bool MappedRead::cut() const noexcept {
    return reading.cut != 0;
}

} // namespace muster
