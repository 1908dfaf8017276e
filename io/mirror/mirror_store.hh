// SPDX-License-Identifier: Apache-2.0
// The folder of the mirrors' cache: files that are whole, and files that are arriving.
#pragma once

#include "core/mirror/object_record.hh"
#include "io/host/fd.hh"
#include "io/host/sys_error.hh"

#include <string>
#include <vector>

namespace muster {

/// DIR/CACHEDIR.TAG   says that the folder is ours, and to backups that it may be left out
/// DIR/objects/ID     a file: its bytes, then its record
/// DIR/partial/ID     one that is arriving: the bytes so far
/// DIR/partial/ID.about   its record, once the upstream has said it
///
/// The last modification of a file is when its upstream last vouched for it, the last access when
/// it was last asked for (to some minutes).
///
/// Thread: any, but a file is one thread's at a time.
class MirrorStore {
public:
    explicit MirrorStore(std::string folder) : folder_(std::move(folder)) {}

    /// Makes the folder, if need be. An error: it cannot be written, or holds something that is not
    /// this cache; nothing in it is touched then.
    [[nodiscard]] Result<void, SysError> prepare() const;

    struct Whole {
        ObjectId id{};
        ObjectRecord record;
        UnixTime checked;
        UnixTime used;
    };
    struct Part {
        ObjectId id{};
        ObjectRecord record;
        std::uint64_t received = 0;
    };
    struct Found {
        std::vector<Whole> whole; ///< the least recently used first
        std::vector<Part> parts;
        std::size_t thrown_away = 0; ///< cut short, foreign, or arriving when the machine went down
    };
    /// What the last run left. Removes whatever is not a good file of the cache.
    [[nodiscard]] Found scan() const;

    [[nodiscard]] Result<Fd, SysError> create_part(ObjectId id) const;
    /// To be continued behind its first `have` bytes.
    [[nodiscard]] Result<Fd, SysError> open_part(ObjectId id, std::uint64_t have) const;
    [[nodiscard]] Result<Fd, SysError> open_object(ObjectId id) const;
    /// So that a later run can continue the part. `durable`: also after the machine went down.
    void describe_part(ObjectId id, ObjectRecord record, bool durable) const;
    /// Makes a part that has arrived wholly an object: on disk first, then under its name.
    [[nodiscard]] Result<void, SysError> commit(int file, ObjectId id,
                                                const ObjectRecord& record) const;
    void remove(ObjectId id) const noexcept;
    /// Zero: stays as it is.
    void note_times(ObjectId id, UnixTime checked, UnixTime used) const noexcept;

private:
    [[nodiscard]] std::string object_path(ObjectId id) const;
    [[nodiscard]] std::string part_path(ObjectId id) const;
    void scan_objects(Found& found) const;
    void scan_parts(Found& found) const;

    std::string folder_;
};

} // namespace muster
