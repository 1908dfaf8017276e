// SPDX-License-Identifier: Apache-2.0
#include "tools/simulator/files.hh"

#include "core/base/check.hh"
#include "core/content/media_type.hh"

#include <fmt/format.h>

#include <algorithm>

namespace muster::sim {
namespace {

constexpr std::uint64_t kept_size_max = std::uint64_t{16} << 20U; ///< smaller files are kept whole

/// Bytes 8 * index .. 8 * index + 7 of a file.
std::uint64_t word_of(std::uint64_t seed, std::uint64_t index) noexcept {
    std::uint64_t z = seed + index * 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

class SimContent final : public Content {};

std::string path_of(ContentRoot root, std::string_view name) {
    return std::string{root == ContentRoot::files ? "/files/" : "/loaders/"}.append(name);
}

} // namespace

void SimFiles::add(ContentRoot root, const std::string& name, std::uint64_t size) {
    const auto number = static_cast<FileNumber>(files_.size());
    File file;
    file.path = path_of(root, name);
    file.size = size;
    files_.push_back(std::move(file));
    File& added = files_.back();
    auto content = std::make_shared<SimContent>();
    if (size <= kept_size_max && !blank_) {
        added.bytes.resize(size);
        make(number, 0, added.bytes);
        content->bytes = added.bytes;
    } else {
        // Engines name ranges and never look: an address that faults proves it.
        content->bytes = {reinterpret_cast<const std::byte*>(std::uintptr_t{4096}), size};
    }
    content->modified = UnixTime{1'600'000'000'000};
    content->etag = fmt::format("\"{:x}-{:x}\"", number, size);
    content->type = media_type(name);
    content->descriptor = number;
    added.content = std::move(content);
    by_path_[added.path] = number;
    if (root == ContentRoot::loaders) {
        loaders_[name] = "/loaders/" + name;
    }
}

std::expected<ContentRef, OpenError> SimFiles::open(ContentRoot root,
                                                    const std::string& name) const {
    const auto number = find(path_of(root, name));
    if (!number) {
        return std::unexpected(OpenError::not_found);
    }
    return file(*number).content;
}

std::optional<std::uint64_t> SimFiles::size(std::string_view path) const {
    const auto number = find(path_of(ContentRoot::files, path));
    return number ? std::optional{file(*number).size} : std::nullopt;
}

std::optional<FileNumber> SimFiles::find(std::string_view path) const {
    const auto it = by_path_.find(path);
    return it == by_path_.end() ? std::nullopt : std::optional{it->second};
}

void SimFiles::read(const Content& content, std::uint64_t offset, MutableBytes out) const {
    MUSTER_CHECK(offset <= content.bytes.size() && out.size() <= content.bytes.size() - offset);
    const auto number = number_of(content);
    if (number && file(*number).bytes.size() != content.bytes.size()) {
        make(*number, offset, out);
    } else if (!out.empty()) {
        std::memcpy(out.data(), content.bytes.data() + offset, out.size());
    }
}

void SimFiles::make(FileNumber number, std::uint64_t offset, MutableBytes out) const {
    if (blank_) {
        std::fill(out.begin(), out.end(), std::byte{0});
        return;
    }
    const std::uint64_t seed = word_of(seed_, static_cast<std::uint64_t>(number) + 1);
    while (!out.empty()) {
        const std::uint64_t word = word_of(seed, offset / 8);
        const std::size_t skip = offset % 8;
        const std::size_t count = std::min<std::size_t>(8 - skip, out.size());
        std::memcpy(out.data(), reinterpret_cast<const std::byte*>(&word) + skip, count);
        out = out.subspan(count);
        offset += count;
    }
}

} // namespace muster::sim
