// SPDX-License-Identifier: Apache-2.0
#include "io/host/content_store.hh"

#include "core/content/netascii.hh"
#include "io/host/any_case.hh"
#include "io/host/folder_listing.hh"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

namespace muster {
namespace {

/// How long a cached file is trusted before its version is looked at again.
constexpr Duration trust = std::chrono::seconds{1};
/// Files kept open without a user.
constexpr std::size_t cache_max = 4096;

/// A file written this lately may be written again without its time moving on (the kernel's clock
/// for files ticks slowly), so what was read of it is not kept.
constexpr std::int64_t settle_ms = 2000;

/// Names that are packed already: nobody keeps a sibling for them.
bool is_packed(std::string_view name) noexcept {
    for (const std::string_view suffix : {".gz", ".zst", ".xz", ".bz2", ".iso", ".deb", ".rpm"}) {
        if (name.ends_with(suffix)) {
            return true;
        }
    }
    return false;
}

OpenError error_of(int code) noexcept {
    switch (code) {
    case EXDEV: // RESOLVE_BENEATH: a `..` or a symbolic link leads out
    case ELOOP:
    case EACCES:
    case EPERM:
        return OpenError::forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN: // openat2: a rename raced with the walk
        return OpenError::unavailable;
    default:
        return OpenError::not_found;
    }
}

std::string key_of(ContentRoot root, const std::string& path) {
    return (root == ContentRoot::files ? '0' : '1') + path;
}

} // namespace

void ContentStore::on_snapshot(std::shared_ptr<const Snapshot> snapshot) {
    snapshot_ = std::move(snapshot);
    files_root_ = Fd{::open(snapshot_->files_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    cache_.clear();
}

bool ContentStore::Entry::in_use() const noexcept {
    const auto held = [](const auto& content) {
        return content && content.use_count() > 1;
    };
    return held(file) || held(gzip) || held(zstd) || held(listing);
}

std::expected<ContentRef, OpenError> ContentStore::open(ContentRoot root, const std::string& path,
                                                        Now now, ContentChoice choice) {
    const std::string key = key_of(root, path);
    auto found = cache_.find(key);
    const bool good = found != cache_.end() && now.steady - found->second.checked < trust &&
                      (!found->second.file || found->second.file->intact());
    if (!good) {
        Entry entry = found == cache_.end() ? Entry{} : found->second;
        const auto fresh = refresh(entry, root, path, now, choice);
        if (!fresh) {
            if (found != cache_.end()) {
                cache_.erase(found);
            }
            return std::unexpected(fresh.error());
        }
        entry.checked = now.steady;
        if (found == cache_.end()) {
            make_room(now);
            found = cache_.emplace(key, std::move(entry)).first;
        } else {
            found->second = std::move(entry);
        }
    }
    const Entry& entry = found->second;
    if (!entry.file) {
        return choice.listing ? std::expected<ContentRef, OpenError>{entry.listing}
                              : std::unexpected(OpenError::not_found);
    }
    if (choice.zstd && entry.zstd) {
        return entry.zstd;
    }
    if (choice.gzip && entry.gzip) {
        return entry.gzip;
    }
    return entry.file;
}

std::expected<void, OpenError> ContentStore::refresh(Entry& entry, ContentRoot root,
                                                     const std::string& path, Now now,
                                                     ContentChoice choice) {
    auto file = open_file(root, path);
    if (!file && choice.any_case && file.error() == OpenError::not_found) {
        file = open_any_case(root, path);
    }
    if (!file) {
        return std::unexpected(file.error());
    }
    struct stat info {};
    if (::fstat(file->get(), &info) != 0) {
        return std::unexpected(error_of(errno));
    }
    if (S_ISDIR(info.st_mode) && root == ContentRoot::files && choice.listing) {
        entry = Entry{};
        entry.listing = make_folder_listing(file->get(), path);
        return entry.listing ? std::expected<void, OpenError>{}
                             : std::unexpected(OpenError::forbidden);
    }
    if (!S_ISREG(info.st_mode)) {
        return std::unexpected(OpenError::not_found);
    }
    auto loaded = load(std::move(*file), info, path, {}, now, entry.file);
    if (!loaded) {
        return std::unexpected(loaded.error());
    }
    entry.listing.reset();
    entry.file = std::move(*loaded);
    if (root == ContentRoot::files && !is_packed(path)) {
        entry.gzip = load_sibling(*entry.file, path, ".gz", "gzip", now, entry.gzip);
        entry.zstd = load_sibling(*entry.file, path, ".zst", "zstd", now, entry.zstd);
        entry.file->varies = entry.gzip != nullptr || entry.zstd != nullptr;
    }
    return {};
}

std::expected<ContentRef, OpenError> ContentStore::open_netascii(ContentRoot root,
                                                                 const std::string& path, Now now,
                                                                 ContentChoice choice) {
    constexpr std::size_t size_max = std::size_t{16} << 20U;
    const auto content = open(root, path, now, choice);
    if (!content) {
        return content;
    }
    if ((*content)->bytes.size() > size_max) {
        return std::unexpected(OpenError::forbidden);
    }
    if ((*content)->descriptor < 0) { // in memory
        return std::make_shared<TextContent>(to_netascii(std::string{as_text((*content)->bytes)}),
                                             (*content)->type);
    }
    // Read and not taken from the mapping, which faults when the file was cut off meanwhile.
    std::string text((*content)->bytes.size(), '\0');
    std::size_t at = 0;
    while (at < text.size()) {
        const ssize_t got = ::pread((*content)->descriptor, text.data() + at, text.size() - at,
                                    static_cast<off_t>(at));
        if (got < 0) {
            return std::unexpected(error_of(errno));
        }
        if (got == 0) {
            break;
        }
        at += static_cast<std::size_t>(got);
    }
    text.resize(at);
    return std::make_shared<TextContent>(to_netascii(text), (*content)->type);
}

std::expected<Fd, OpenError> ContentStore::open_file(ContentRoot root,
                                                     const std::string& path) const {
    if (!snapshot_) {
        return std::unexpected(OpenError::unavailable);
    }
    // O_NONBLOCK: a FIFO in the tree must not stop the worker.
    constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = -1;
    if (root == ContentRoot::loaders) {
        const auto loader = snapshot_->loaders.find(path);
        if (loader == snapshot_->loaders.end()) {
            return std::unexpected(OpenError::not_found);
        }
        fd = ::open(loader->second.c_str(), flags);
    } else if (root == ContentRoot::mirror) {
        return std::unexpected(OpenError::not_found); // not a folder's: io/mirror has these
    } else {
        if (!files_root_.valid()) {
            return std::unexpected(OpenError::not_found);
        }
        const char* const name = path.empty() ? "." : path.c_str();
        open_how how{};
        how.flags = static_cast<std::uint64_t>(flags);
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
        fd = static_cast<int>(::syscall(SYS_openat2, files_root_.get(), name, &how, sizeof how));
    }
    if (fd < 0) {
        return std::unexpected(error_of(errno));
    }
    return Fd{fd};
}

std::expected<Fd, OpenError> ContentStore::open_any_case(ContentRoot root,
                                                         const std::string& path) const {
    std::optional<std::string> found;
    if (root == ContentRoot::files) {
        found = find_any_case(files_root_.get(), path);
    } else if (snapshot_) {
        for (const auto& [name, file] : snapshot_->loaders) {
            if (equal_any_case(name, path) && (!found || name < *found)) {
                found = name;
            }
        }
    }
    return found ? open_file(root, *found) : std::unexpected(OpenError::not_found);
}

ContentStore::Loaded ContentStore::load(Fd file, const struct stat& info, const std::string& name,
                                        std::string_view coding, Now now,
                                        const std::shared_ptr<FileContent>& known) {
    const FileVersion version{info};
    const bool settled =
        now.wall.ms - (version.modified_s * 1000 + version.modified_ns / 1'000'000) > settle_ms;
    if (known && known->version() == version && (settled || !known->is_copy())) {
        return known;
    }
    auto content = std::make_shared<FileContent>(std::move(file), version, name, coding);
    if (!content->take_bytes()) {
        return std::unexpected(error_of(errno));
    }
    return content;
}

/// Null: there is none that may be used.
std::shared_ptr<FileContent>
ContentStore::load_sibling(const FileContent& file, const std::string& path,
                           std::string_view suffix, std::string_view coding, Now now,
                           const std::shared_ptr<FileContent>& known) const {
    auto sibling = open_file(ContentRoot::files, path + std::string{suffix});
    struct stat info {};
    if (!sibling || ::fstat(sibling->get(), &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_mtim.tv_sec < file.version().modified_s) {
        return nullptr;
    }
    auto loaded = load(std::move(*sibling), info, path, coding, now, known);
    if (!loaded) {
        return nullptr;
    }
    (*loaded)->varies = true;
    return std::move(*loaded);
}

void ContentStore::make_room(Now now) {
    if (cache_.size() < cache_max) {
        return;
    }
    // Whatever nobody uses goes; if all is in use, all stays and the cache grows by its users,
    // whose number is bounded.
    absl::erase_if(cache_, [now](const auto& item) {
        return !item.second.in_use() && now.steady - item.second.checked >= trust;
    });
}

} // namespace muster
