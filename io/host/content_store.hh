// SPDX-License-Identifier: Apache-2.0
// Opens files for transfers: never outside the tree, once per version, shared by all sessions of
// a worker.
#pragma once

#include "core/port/content_request.hh"
#include "core/site/snapshot.hh"
#include "io/host/fd.hh"

#include <absl/container/flat_hash_map.h>

#include <expected>
#include <memory>

namespace muster {

/// One per worker. Files are held open (mapped, or in memory when small) while they are used or
/// were lately; a changed file is noticed within a second and opened anew, while transfers that
/// began before keep theirs.
class ContentStore {
public:
    /// Takes over the folders of a site. Errors are not fatal: requests then answer not_found.
    void on_snapshot(std::shared_ptr<const Snapshot> snapshot);

    /// Opens `path`. Blocks for metadata only.
    ///
    /// Errors: not_found -- no regular file of that name; forbidden -- the path or a symbolic link
    /// in it leaves the tree, or the file may not be read; unavailable -- out of descriptors or
    /// memory.
    [[nodiscard]] std::expected<ContentRef, OpenError> open(ContentRoot root,
                                                            const std::string& path, Now now);

    [[nodiscard]] bool has_site() const noexcept { return snapshot_ != nullptr; }
    [[nodiscard]] std::size_t cached() const noexcept { return cache_.size(); }

private:
    struct Entry {
        ContentRef content;
        Instant checked;
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
    };

    [[nodiscard]] std::expected<Fd, OpenError> open_file(ContentRoot root,
                                                         const std::string& path) const;
    [[nodiscard]] std::expected<Entry, OpenError> load(Fd file, const std::string& path, Now now);
    void make_room(Now now);

    std::shared_ptr<const Snapshot> snapshot_;
    Fd files_root_;
    absl::flat_hash_map<std::string, Entry> cache_; ///< key: root digit and path
};

} // namespace muster
