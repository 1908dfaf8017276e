// SPDX-License-Identifier: Apache-2.0
// Question: does any end of a file break the reader of the cache's records, or is one read in a way
// that cannot be written again?
// Method: read as it is, and once more with the footer that the bytes would need; what was accepted
// is written, read again and compared.
#include "core/mirror/object_record.hh"

#include <cstdio>
#include <cstdlib>

namespace {

void check_record(std::string_view tail) {
    using namespace muster;
    const auto read = read_object_record(tail);
    if (!read) {
        return;
    }
    if (read->size > tail.size()) {
        std::abort();
    }
    const auto again = read_object_record(write_object_record(read->record));
    if (!again || again->record != read->record) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    check_record(text);
    // The checksum would keep a fuzzer out: this lets it in.
    std::string sealed = "\n" + text + "\n";
    std::uint64_t sum = 0xCBF29CE484222325U;
    for (const char c : sealed) {
        sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    }
    char footer[64];
    const int length = std::snprintf(footer, sizeof footer, "muster object 1 %08zx%016llx",
                                     sealed.size(), static_cast<unsigned long long>(sum));
    check_record(sealed.append(footer, static_cast<std::size_t>(length)));
    return 0;
}
