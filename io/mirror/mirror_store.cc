// SPDX-License-Identifier: Apache-2.0
#include "io/mirror/mirror_store.hh"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <memory>
#include <optional>

namespace muster {
namespace {

/// The first line is the convention's (bford.info/cachedir), the second ours.
constexpr std::string_view tag_text = "Signature: 8a477f597d28d172789f06886806bc55\n"
                                      "# muster's cache of mirrors: may be deleted while musterd "
                                      "does not run.\n";
constexpr std::string_view about_ending = ".about";
/// In a record's `boot`: flushed to the disk, so good after any boot.
constexpr std::string_view any_boot = "any";

std::string read_whole(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    std::string text(object_record_size_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

std::string this_boot() {
    std::string id = read_whole("/proc/sys/kernel/random/boot_id");
    while (!id.empty() && id.back() == '\n') {
        id.pop_back();
    }
    return id;
}

bool write_whole(int file, std::string_view text, std::uint64_t at) noexcept {
    while (!text.empty()) {
        const ssize_t put = ::pwrite(file, text.data(), text.size(), static_cast<off_t>(at));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        at += static_cast<std::uint64_t>(put);
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> listing{::opendir(folder.c_str()), ::closedir};
    while (listing) {
        const dirent* const entry = ::readdir(listing.get()); // NOLINT(concurrency-mt-unsafe)
        if (entry == nullptr) {
            break;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    return names;
}

std::optional<ObjectId> id_of(std::string_view name) noexcept {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value, 16);
    const bool good = name.size() == 16 && error == std::errc{} && end == name.data() + name.size();
    return good ? std::optional{ObjectId{value}} : std::nullopt;
}

UnixTime time_of(const timespec& at) noexcept {
    return {std::int64_t{at.tv_sec} * 1000 + at.tv_nsec / 1'000'000};
}

timespec time_spec(UnixTime at) noexcept {
    timespec spec{};
    spec.tv_sec = at.ms / 1000;
    spec.tv_nsec = at.ms == 0 ? UTIME_OMIT : at.ms % 1000 * 1'000'000;
    return spec;
}

/// A whole file of the cache, read from its end; nullopt: it is none.
std::optional<MirrorStore::Whole> read_object(const std::string& path, ObjectId id) {
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    struct stat info {};
    if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return std::nullopt;
    }
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const std::uint64_t tail = std::min<std::uint64_t>(size, object_record_size_max);
    std::string text(tail, '\0');
    if (::pread(file.get(), text.data(), tail, static_cast<off_t>(size - tail)) !=
        static_cast<ssize_t>(tail)) {
        return std::nullopt;
    }
    auto read = read_object_record(text);
    if (!read || read->record.size + read->size != size) {
        return std::nullopt;
    }
    return MirrorStore::Whole{id, std::move(read->record), time_of(info.st_mtim),
                              time_of(info.st_atim)};
}

} // namespace

std::string MirrorStore::object_path(ObjectId id) const {
    return fmt::format("{}/objects/{:016x}", folder_, static_cast<std::uint64_t>(id));
}

std::string MirrorStore::part_path(ObjectId id) const {
    return fmt::format("{}/partial/{:016x}", folder_, static_cast<std::uint64_t>(id));
}

Result<void, SysError> MirrorStore::prepare() const {
    if (::mkdir(folder_.c_str(), 0755) != 0 && errno != EEXIST) {
        return sys_error(folder_);
    }
    const std::string tag = folder_ + "/CACHEDIR.TAG";
    if (read_whole(tag) != tag_text) {
        // What stands in the two folders is thrown away unless it is good: not in a folder of
        // somebody else's.
        if (!names_in(folder_).empty()) {
            return std::unexpected(
                SysError{folder_ + " holds something other than a cache of muster's", ENOTEMPTY});
        }
        const Fd file{::open(tag.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
        if (!file.valid() || !write_whole(file.get(), tag_text, 0)) {
            return sys_error(tag);
        }
    }
    for (const char* const name : {"/objects", "/partial"}) {
        if (::mkdir((folder_ + name).c_str(), 0755) != 0 && errno != EEXIST) {
            return sys_error(folder_ + name);
        }
    }
    return {};
}

MirrorStore::Found MirrorStore::scan() const {
    Found found;
    scan_objects(found);
    scan_parts(found);
    std::ranges::sort(found.whole, {}, &Whole::used);
    return found;
}

void MirrorStore::scan_objects(Found& found) const {
    for (const std::string& name : names_in(folder_ + "/objects")) {
        const std::string path = folder_ + "/objects/" + name;
        const auto id = id_of(name);
        auto whole = id ? read_object(path, *id) : std::nullopt;
        if (whole) {
            found.whole.push_back(std::move(*whole));
        } else {
            ::unlink(path.c_str());
            ++found.thrown_away;
        }
    }
}

void MirrorStore::scan_parts(Found& found) const {
    const std::string boot = this_boot();
    std::vector<std::string> names = names_in(folder_ + "/partial");
    for (const std::string& name : names) {
        const std::string path = folder_ + "/partial/" + name;
        if (name.ends_with(about_ending)) {
            struct stat info {};
            const std::string of = path.substr(0, path.size() - about_ending.size());
            if (::lstat(of.c_str(), &info) != 0) {
                ::unlink(path.c_str());
            }
            continue;
        }
        const auto id = id_of(name);
        const auto about =
            id ? read_object_record(read_whole(path + std::string{about_ending})) : std::nullopt;
        struct stat info {};
        // What was written and not flushed when the machine went down may be anything.
        const bool good = about && (about->record.boot == any_boot || about->record.boot == boot) &&
                          ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
                          info.st_size > 0 &&
                          static_cast<std::uint64_t>(info.st_size) <= about->record.size;
        if (good) {
            found.parts.push_back({*id, about->record, static_cast<std::uint64_t>(info.st_size)});
        } else {
            ::unlink((path + std::string{about_ending}).c_str());
            ::unlink(path.c_str());
            ++found.thrown_away;
        }
    }
}

Result<Fd, SysError> MirrorStore::create_part(ObjectId id) const {
    const std::string path = part_path(id);
    Fd file{::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644)};
    if (!file.valid()) {
        return sys_error(path);
    }
    return file;
}

Result<Fd, SysError> MirrorStore::open_part(ObjectId id, std::uint64_t have) const {
    const std::string path = part_path(id);
    Fd file{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
    struct stat info {};
    if (!file.valid() || ::fstat(file.get(), &info) != 0) {
        return sys_error(path);
    }
    if (static_cast<std::uint64_t>(info.st_size) < have) {
        return std::unexpected(SysError{path + " is shorter than it was", EIO});
    }
    if (::ftruncate(file.get(), static_cast<off_t>(have)) != 0) {
        return sys_error(path);
    }
    return file;
}

Result<Fd, SysError> MirrorStore::open_object(ObjectId id) const {
    const std::string path = object_path(id);
    Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!file.valid()) {
        return sys_error(path);
    }
    return file;
}

void MirrorStore::describe_part(ObjectId id, ObjectRecord record, bool durable) const {
    record.boot = durable ? std::string{any_boot} : this_boot();
    const std::string text = write_object_record(record);
    const std::string path = part_path(id) + std::string{about_ending};
    const Fd file{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644)};
    // One that is not whole is not believed: the part then begins anew.
    if (file.valid() && write_whole(file.get(), text, 0) && durable) {
        ::fdatasync(file.get());
    }
}

Result<void, SysError> MirrorStore::commit(int file, ObjectId id,
                                           const ObjectRecord& record) const {
    const std::string part = part_path(id);
    const timespec times[2] = {time_spec(record.fetched), time_spec(record.fetched)};
    if (!write_whole(file, write_object_record(record), record.size) || ::fdatasync(file) != 0 ||
        ::futimens(file, times) != 0 || ::rename(part.c_str(), object_path(id).c_str()) != 0) {
        return sys_error(part);
    }
    ::unlink((part + std::string{about_ending}).c_str());
    return {};
}

void MirrorStore::remove(ObjectId id) const noexcept {
    const std::string part = part_path(id);
    ::unlink((part + std::string{about_ending}).c_str());
    ::unlink(part.c_str());
    ::unlink(object_path(id).c_str());
}

void MirrorStore::note_times(ObjectId id, UnixTime checked, UnixTime used) const noexcept {
    const timespec times[2] = {time_spec(used), time_spec(checked)};
    ::utimensat(AT_FDCWD, object_path(id).c_str(), times, AT_SYMLINK_NOFOLLOW);
}

} // namespace muster
