// SPDX-License-Identifier: Apache-2.0
// Opens files for transfers: never outside the tree, once per version, shared by all sessions of
// a worker.
#pragma once

#include "core/port/content_request.hh"
#include "core/site/snapshot.hh"
#include "io/host/fd.hh"
#include "io/host/file_content.hh"

#include <absl/container/flat_hash_map.h>

#include <expected>
#include <memory>

namespace muster {

/// One per worker. Files are held open (mapped, or in memory when small) while they are used or
/// were lately; a changed file is noticed within a second and opened anew, while transfers that
/// began before keep theirs.
///
/// Where the client takes codings, `NAME.zst` or `NAME.gz` beside NAME is given in its stead,
/// unless NAME is younger: somebody then forgot to pack it again.
class ContentStore {
public:
    /// Takes over the folders of a site. Errors are not fatal: requests then answer not_found.
    void on_snapshot(std::shared_ptr<const Snapshot> snapshot);

    /// Opens `path`, or what `choice` lets stand in for it. Blocks for metadata only.
    ///
    /// Errors: not_found -- no regular file of that name (and no folder to list); forbidden -- the
    /// path or a symbolic link in it leaves the tree, or the file may not be read; unavailable --
    /// out of descriptors or memory.
    [[nodiscard]] std::expected<ContentRef, OpenError>
    open(ContentRoot root, const std::string& path, Now now, ContentChoice choice = {});

    /// The same as netascii: a copy that nobody shares. forbidden -- also above 16 MiB, for that is
    /// no text.
    [[nodiscard]] std::expected<ContentRef, OpenError>
    open_netascii(ContentRoot root, const std::string& path, Now now, ContentChoice choice = {});

    [[nodiscard]] bool has_site() const noexcept { return snapshot_ != nullptr; }
    [[nodiscard]] std::size_t cached() const noexcept { return cache_.size(); }

private:
    /// A file with its packed siblings, or a folder's listing.
    struct Entry {
        std::shared_ptr<FileContent> file;
        std::shared_ptr<FileContent> gzip;
        std::shared_ptr<FileContent> zstd;
        ContentRef listing;
        Instant checked;

        [[nodiscard]] bool in_use() const noexcept;
    };
    using Loaded = std::expected<std::shared_ptr<FileContent>, OpenError>;

    [[nodiscard]] std::expected<Fd, OpenError> open_file(ContentRoot root,
                                                         const std::string& path) const;
    [[nodiscard]] std::expected<Fd, OpenError> open_any_case(ContentRoot root,
                                                             const std::string& path) const;
    /// Brings an entry up to date; what has not changed is kept, so that all transfers share it.
    [[nodiscard]] std::expected<void, OpenError>
    refresh(Entry& entry, ContentRoot root, const std::string& path, Now now, ContentChoice choice);
    [[nodiscard]] static Loaded load(Fd file, const struct stat& info, const std::string& name,
                                     std::string_view coding, Now now,
                                     const std::shared_ptr<FileContent>& known);
    [[nodiscard]] std::shared_ptr<FileContent>
    load_sibling(const FileContent& file, const std::string& path, std::string_view suffix,
                 std::string_view coding, Now now, const std::shared_ptr<FileContent>& known) const;
    void make_room(Now now);

    std::shared_ptr<const Snapshot> snapshot_;
    Fd files_root_;
    absl::flat_hash_map<std::string, Entry> cache_; ///< key: root digit and path
};

} // namespace muster
