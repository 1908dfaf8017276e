// SPDX-License-Identifier: Apache-2.0
#include "core/mirror/object_record.hh"

#include <fmt/format.h>

#include <charconv>

namespace muster {
namespace {

constexpr std::string_view footer_start = "muster object 1 ";
constexpr std::size_t footer_size = 16 + 8 + 16;

/// FNV-1a: finds accidents; against malice the folder's owner is the guard.
std::uint64_t record_checksum(std::string_view text) noexcept {
    std::uint64_t sum = 0xCBF29CE484222325U;
    for (const char c : text) {
        sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    }
    return sum;
}

template <class Number>
bool number_of(std::string_view text, Number& value, int base) noexcept {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc{} && end == text.data() + text.size();
}

/// False: a name that is not known, or a value that cannot be.
bool take_value(std::string_view name, std::string_view value, ObjectRecord& record) {
    if (name == "url") {
        record.url = value;
    } else if (name == "etag") {
        record.etag = value;
    } else if (name == "last-modified") {
        record.last_modified = value;
    } else if (name == "content-type") {
        record.content_type = value;
    } else if (name == "boot") {
        record.boot = value;
    } else if (name == "modified") {
        return number_of(value, record.modified.ms, 10);
    } else if (name == "fetched") {
        return number_of(value, record.fetched.ms, 10);
    } else if (name == "size") {
        return number_of(value, record.size, 10) &&
               record.size <= static_cast<std::uint64_t>(INT64_MAX) / 2;
    } else if (name == "dated-well") {
        record.dated_well = value == "1";
    } else {
        return false;
    }
    return true;
}

} // namespace

std::string_view ObjectRecord::strong_validator() const noexcept {
    if (!etag.empty() && !etag.starts_with("W/")) {
        return etag;
    }
    return dated_well ? std::string_view{last_modified} : std::string_view{};
}

std::string ObjectRecord::served_etag(ObjectId id) const {
    if (!etag.empty() && !etag.starts_with("W/")) {
        return etag;
    }
    // From what every cache of this upstream agrees on, where there is such a thing.
    return modified.ms > 0
               ? fmt::format("\"{:x}-{:x}\"", modified.ms / 1000, size)
               : fmt::format("\"m{:x}-{:x}\"", static_cast<std::uint64_t>(id), fetched.ms);
}

std::string write_object_record(const ObjectRecord& record) {
    std::string text = fmt::format("\nurl {}\netag {}\nlast-modified {}\ncontent-type {}\n"
                                   "modified {}\nfetched {}\nsize {}\ndated-well {}\nboot {}\n",
                                   record.url, record.etag, record.last_modified,
                                   record.content_type, record.modified.ms, record.fetched.ms,
                                   record.size, record.dated_well ? 1 : 0, record.boot);
    const std::uint64_t sum = record_checksum(text);
    return text + fmt::format("{}{:08x}{:016x}", footer_start, text.size(), sum);
}

std::optional<ReadRecord> read_object_record(std::string_view tail) {
    if (tail.size() < footer_size) {
        return std::nullopt;
    }
    const std::string_view footer = tail.substr(tail.size() - footer_size);
    std::size_t size = 0;
    std::uint64_t sum = 0;
    if (!footer.starts_with(footer_start) || !number_of(footer.substr(16, 8), size, 16) ||
        !number_of(footer.substr(24), sum, 16) || size < 2 || size > tail.size() - footer_size) {
        return std::nullopt;
    }
    std::string_view text = tail.substr(tail.size() - footer_size - size, size);
    if (record_checksum(text) != sum || text.front() != '\n' || text.back() != '\n') {
        return std::nullopt;
    }
    ReadRecord read;
    read.size = size + footer_size;
    text.remove_prefix(1);
    while (!text.empty()) {
        const auto end = text.find('\n'); // there is one: the text ends with it
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        const auto blank = line.find(' ');
        if (blank == std::string_view::npos ||
            !take_value(line.substr(0, blank), line.substr(blank + 1), read.record)) {
            return std::nullopt;
        }
    }
    return read.record.url.empty() ? std::nullopt : std::optional{std::move(read)};
}

} // namespace muster
