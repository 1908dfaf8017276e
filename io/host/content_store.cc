// SPDX-License-Identifier: Apache-2.0
#include "io/host/content_store.hh"

#include "core/content/media_type.hh"
#include "core/content/netascii.hh"
#include "io/host/any_case.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

namespace muster {
namespace {

/// Up to this size a file is read into memory: a mapping costs more than the copy.
constexpr std::uint64_t in_memory_max = 32 << 10;
/// How long a cached file is trusted before its version is looked at again.
constexpr Duration trust = std::chrono::seconds{1};
/// Files kept open without a user.
constexpr std::size_t cache_max = 4096;

class FileContent final : public Content {
public:
    FileContent(Fd file, const struct stat& info, std::string_view name) : file_(std::move(file)) {
        descriptor = file_.get();
        modified = {info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000};
        // From what every server with a copy of the file agrees on, so no inode number.
        etag = fmt::format("\"{:x}.{:x}-{:x}\"", info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                           info.st_size);
        type = media_type(name);
    }
    ~FileContent() override {
        if (mapping_ != nullptr) {
            ::munmap(mapping_, bytes.size());
        }
    }
    FileContent(const FileContent&) = delete;
    FileContent& operator=(const FileContent&) = delete;

    /// False with errno when the file cannot be read or mapped.
    bool take_bytes(std::uint64_t size) {
        if (size <= in_memory_max) {
            memory_.resize(size);
            std::size_t at = 0;
            while (at < size) {
                const ssize_t got =
                    ::pread(file_.get(), memory_.data() + at, size - at, static_cast<off_t>(at));
                if (got < 0) {
                    return false;
                }
                if (got == 0) {
                    memory_.resize(at); // it shrank meanwhile: what is there is this version
                    break;
                }
                at += static_cast<std::size_t>(got);
            }
            bytes = as_bytes(memory_);
            return true;
        }
        void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file_.get(), 0);
        if (mapping == MAP_FAILED) {
            return false;
        }
        mapping_ = mapping;
        bytes = {static_cast<const std::byte*>(mapping), size};
        return true;
    }

private:
    Fd file_;
    void* mapping_ = nullptr;
    std::string memory_;
};

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

std::expected<ContentRef, OpenError> ContentStore::open(ContentRoot root, const std::string& path,
                                                        Now now, bool any_case) {
    const std::string key = key_of(root, path);
    const auto found = cache_.find(key);
    if (found != cache_.end() && now.steady - found->second.checked < trust) {
        return found->second.content;
    }
    auto file = open_file(root, path);
    if (!file && any_case && file.error() == OpenError::not_found) {
        file = open_any_case(root, path);
    }
    if (!file) {
        if (found != cache_.end()) {
            cache_.erase(found);
        }
        return std::unexpected(file.error());
    }
    auto entry = load(std::move(*file), path, now);
    if (!entry) {
        return std::unexpected(entry.error());
    }
    if (found != cache_.end()) {
        // The same version: keep the old content, so that all transfers share it.
        const bool same = found->second.inode == entry->inode &&
                          found->second.device == entry->device &&
                          found->second.content->etag == entry->content->etag;
        if (same) {
            found->second.checked = now.steady;
            return found->second.content;
        }
        found->second = std::move(*entry);
        return found->second.content;
    }
    make_room(now);
    return cache_.emplace(key, std::move(*entry)).first->second.content;
}

std::expected<ContentRef, OpenError>
ContentStore::open_netascii(ContentRoot root, const std::string& path, Now now, bool any_case) {
    constexpr std::size_t size_max = std::size_t{16} << 20U;
    const auto content = open(root, path, now, any_case);
    if (!content) {
        return content;
    }
    if ((*content)->bytes.size() > size_max) {
        return std::unexpected(OpenError::forbidden);
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
    } else {
        if (!files_root_.valid()) {
            return std::unexpected(OpenError::not_found);
        }
        open_how how{};
        how.flags = static_cast<std::uint64_t>(flags);
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
        fd = static_cast<int>(
            ::syscall(SYS_openat2, files_root_.get(), path.c_str(), &how, sizeof how));
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

std::expected<ContentStore::Entry, OpenError> ContentStore::load(Fd file, const std::string& path,
                                                                 Now now) {
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) {
        return std::unexpected(error_of(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return std::unexpected(OpenError::not_found);
    }
    auto content = std::make_shared<FileContent>(std::move(file), info, path);
    if (!content->take_bytes(static_cast<std::uint64_t>(info.st_size))) {
        return std::unexpected(error_of(errno));
    }
    return Entry{std::move(content), now.steady, info.st_dev, info.st_ino};
}

void ContentStore::make_room(Now now) {
    if (cache_.size() < cache_max) {
        return;
    }
    // Whatever nobody uses goes; if all is in use, all stays and the cache grows by its users,
    // whose number is bounded.
    absl::erase_if(cache_, [now](const auto& item) {
        return item.second.content.use_count() == 1 && now.steady - item.second.checked >= trust;
    });
}

} // namespace muster
