// SPDX-License-Identifier: Apache-2.0
#include "io/media/import_folder.hh"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace muster {
namespace {

namespace fs = std::filesystem;

std::string system_text(int number) {
    return std::strerror(number); // NOLINT(concurrency-mt-unsafe): one thread
}

Result<void, std::string> write_all(int fd, std::span<const std::byte> data) {
    while (!data.empty()) {
        const ssize_t wrote = ::write(fd, data.data(), data.size());
        if (wrote < 0) {
            if (errno == EINTR) {
                continue;
            }
            return std::unexpected(system_text(errno));
        }
        data = data.subspan(static_cast<std::size_t>(wrote));
    }
    return {};
}

} // namespace

Result<ImportFolder, std::string> ImportFolder::open(const fs::path& parent,
                                                     const std::string& name) {
    std::error_code error;
    fs::create_directories(parent, error);
    if (error) {
        return std::unexpected(
            fmt::format("cannot make the folder {}: {}", parent.string(), error.message()));
    }
    const fs::path path = parent / (".import-" + name);
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
        return std::unexpected(
            fmt::format("cannot make the folder {}: {}", path.string(), system_text(errno)));
    }
    Fd lock{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!lock.valid()) {
        return std::unexpected(
            fmt::format("cannot open the folder {}: {}", path.string(), system_text(errno)));
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return std::unexpected(fmt::format("another import of '{}' is at work", name));
    }
    for (const auto& left : fs::directory_iterator{path, error}) {
        fs::remove_all(left.path(), error);
    }
    if (error) {
        return std::unexpected(
            fmt::format("cannot empty the folder {}: {}", path.string(), error.message()));
    }
    ::chmod(path.c_str(), 0755); // whatever the umask: the server may be another user
    return ImportFolder{path, parent / name, std::move(lock)};
}

ImportFolder::~ImportFolder() {
    if (lock_.valid() && !path_.empty()) {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
}

std::string ImportFolder::failed(const std::string& what, const std::string& path) const {
    const int number = errno;
    std::string text =
        fmt::format("cannot {} {}: {}", what, (path_ / path).string(), system_text(number));
    return text;
}

Result<void, std::string> ImportFolder::make_way(const std::string& path) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        const std::string folder = path.substr(0, slash);
        if (links_.contains(folder)) {
            return std::unexpected(fmt::format(
                "the medium is refused: the entry '{}' lies below the symbolic link '{}'", path,
                folder));
        }
        if (::mkdir((path_ / folder).c_str(), 0755) == 0) {
            ::chmod((path_ / folder).c_str(), 0755);
        } else if (errno != EEXIST) {
            return std::unexpected(failed("make the folder", folder));
        }
    }
    return {};
}

Result<void, std::string> ImportFolder::add_folder(const std::string& path) {
    return make_way(path + "/");
}

Result<void, std::string> ImportFolder::begin_file(const std::string& path) {
    if (auto made = make_way(path); !made) {
        return made;
    }
    file_path_ = path;
    // Never through a link, never into a file that is there: an archive that names one twice is
    // damaged or worse.
    file_ = Fd{
        ::open((path_ / path).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (!file_.valid()) {
        return std::unexpected(failed("write", path));
    }
    ::fchmod(file_.get(), 0644);
    ++files_;
    return {};
}

Result<void, std::string> ImportFolder::write(std::span<const std::byte> data) {
    if (auto wrote = write_all(file_.get(), data); !wrote) {
        return std::unexpected(
            fmt::format("cannot write {}: {}", (path_ / file_path_).string(), wrote.error()));
    }
    bytes_ += data.size();
    return {};
}

Result<void, std::string> ImportFolder::end_file() {
    // Some file systems say only here that there was no room.
    if (::close(file_.release()) != 0) {
        return std::unexpected(failed("write", file_path_));
    }
    return {};
}

Result<void, std::string> ImportFolder::add_link(const std::string& path,
                                                 const std::string& target) {
    if (auto made = make_way(path); !made) {
        return made;
    }
    if (::symlink(target.c_str(), (path_ / path).c_str()) != 0) {
        return std::unexpected(failed("make the link", path));
    }
    links_.insert(path);
    return {};
}

Result<void, std::string> ImportFolder::add_hard_link(const std::string& path,
                                                      const std::string& target) {
    if (auto made = make_way(path); !made) {
        return made;
    }
    if (auto made = make_way(target); !made) {
        return made;
    }
    // link() does not follow a symbolic link.
    if (::link((path_ / target).c_str(), (path_ / path).c_str()) != 0) {
        return std::unexpected(failed("make the link", path));
    }
    return {};
}

Result<void, std::string> ImportFolder::check_links() const {
    std::error_code error;
    const std::string top = fs::canonical(path_, error).string();
    for (const std::string& link : links_) {
        const std::string real = fs::weakly_canonical(path_ / link, error).string();
        const bool inside = !error && (real == top || real.starts_with(top + "/"));
        if (!inside) {
            return std::unexpected(
                fmt::format("the medium is refused: the symbolic link '{}' leads out of it", link));
        }
    }
    return {};
}

Result<void, std::string> ImportFolder::publish() {
    // One sync of the file system instead of one a file: a tree has thousands.
    if (::syncfs(lock_.get()) != 0) {
        return std::unexpected(failed("write", ""));
    }
    std::error_code error;
    const fs::path old = path_.string() + ".old";
    fs::remove_all(old, error);
    if (::rename(goal_.c_str(), old.c_str()) != 0 && errno != ENOENT) {
        return std::unexpected(
            fmt::format("cannot replace {}: {}", goal_.string(), system_text(errno)));
    }
    if (::rename(path_.c_str(), goal_.c_str()) != 0) {
        const std::string text =
            fmt::format("cannot make {}: {}", goal_.string(), system_text(errno));
        ::rename(old.c_str(), goal_.c_str());
        return std::unexpected(text);
    }
    path_.clear();
    fs::remove_all(old, error);
    return {};
}

Result<void, std::string> replace_file(const fs::path& path, std::string_view text) {
    const auto problem = [&path](const std::string& reason) {
        return std::unexpected(fmt::format("cannot write {}: {}", path.string(), reason));
    };
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) {
        return problem(error.message());
    }
    // No name that the site's loader reads, should it stay behind.
    const fs::path fresh = path.parent_path() / fmt::format(".{}.new", path.filename().string());
    Fd file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (!file.valid()) {
        return problem(system_text(errno));
    }
    ::fchmod(file.get(), 0644);
    auto wrote = write_all(file.get(), std::as_bytes(std::span{text}));
    if (wrote && ::fsync(file.get()) != 0) {
        wrote = std::unexpected(system_text(errno));
    }
    if (wrote && ::rename(fresh.c_str(), path.c_str()) != 0) {
        wrote = std::unexpected(system_text(errno));
    }
    if (!wrote) {
        ::unlink(fresh.c_str());
        return problem(wrote.error());
    }
    return {};
}

} // namespace muster
