// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/importer.hh"

#include "tools/muster/import_copy.hh"
#include "tools/muster/import_image.hh"
#include "tools/muster/text.hh"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <fstream>
#include <iterator>
#include <utility>

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

/// Where Debian's packages of its installer put them, `{0}` release and `{1}` architecture.
constexpr std::string_view installed_netboot = "/usr/lib/debian-installer/images/{0}/{1}/text";
/// Room that is left on the disk beside what is copied: templates, profile, folders.
constexpr std::uint64_t room_beside = std::uint64_t{4} << 20U;

/// The value, or a thrown Failure that names the medium.
template <class Value>
Value value_of_medium(Result<Value, std::string> result, const std::string& source) {
    if (!result) {
        throw Failure{fmt::format("{} {}", printable(source), printable_document(result.error()))};
    }
    if constexpr (!std::is_void_v<Value>) {
        return *std::move(result);
    }
}

/// The same of work on the site, whose text names its file.
template <class Value>
Value done_or_throw(Result<Value, std::string> result) {
    if (!result) {
        throw Failure{printable_document(result.error())};
    }
    if constexpr (!std::is_void_v<Value>) {
        return *std::move(result);
    }
}

struct Source {
    std::string path;
    Medium medium;
    Recognised found;
};

Source open_source(const std::string& path) {
    Source source{path, value_of_medium(list_medium(path), path), {}};
    if (source.medium.entries.empty()) {
        throw Failure{fmt::format("{} is empty", printable(path))};
    }
    auto found = recognise(source.medium);
    if (!found) {
        throw Failure{fmt::format("{}: {}", printable(path), printable_document(found.error()))};
    }
    source.found = *std::move(found);
    return source;
}

WantedFiles wanted_files(const Source& source, std::string_view below) {
    WantedFiles wanted;
    for (const KeptFile& file : source.found.kept) {
        const std::string from = source.medium.resolved(file.from);
        if (from.empty()) {
            throw Failure{fmt::format("{}: '{}' is a link to nothing", printable(source.path),
                                      printable(file.from))};
        }
        wanted[from] = std::string{below} + file.to;
    }
    return wanted;
}

std::uint64_t size_of(const Medium& medium, const WantedFiles& wanted) {
    std::uint64_t size = 0;
    for (const auto& [path, entry] : medium.entries) {
        if (wanted.empty() || wanted.contains(path)) {
            size += entry.size;
        }
    }
    return size;
}

class Import {
public:
    Import(const ImportOrder& order, const ImportTeller& tell, const ImportProgress& progress)
        : order_(order), tell_(tell), progress_(progress) {}

    void run() {
        check_order();
        check_own_sum(order_.source);
        if (auto disk = find_disk_source(order_.source)) {
            run_disk(*std::move(disk));
            return;
        }
        Source medium = open_source(order_.source);
        tell_(describe(medium));
        std::optional<Source> netboot = netboot_of(medium);
        Recognised plan = medium.found;
        if (netboot) {
            tell_(describe(*netboot));
            plan = value_of_medium(with_netboot(std::move(plan), netboot->found), netboot->path);
        }
        const std::string profile =
            value_of_medium(profile_yaml(plan, order_.name, medium.medium.name), order_.source);
        ImportFolder folder = done_or_throw(ImportFolder::open(order_.site / "files", order_.name));
        copy(folder, medium, netboot);
        check_boot_files(folder, plan);
        add_overlay(folder, plan);
        publish(folder, plan.answers, profile);
        for (const std::string& advice : plan.advice) {
            tell_("note: " + printable(advice));
        }
    }

private:
    /// A disk image or a root file system: what the minimal installer is booted for.
    void run_disk(DiskSource disk) {
        if (!order_.netboot.empty()) {
            throw Failure{fmt::format("{}: --netboot is for installation media, not for images",
                                      printable(order_.source))};
        }
        tell_(printable(fmt::format("{}: {}", order_.source, disk.content.what)));
        ImportFolder folder = done_or_throw(ImportFolder::open(order_.site / "files", order_.name));
        ImportMeter meter{progress_, disk_source_size(disk, order_.source)};
        check_room(meter.total);
        copy_disk_source(disk, order_.source, folder, meter);
        const fs::path name = fs::path{order_.source}.filename();
        publish(folder, disk_profile_answers(disk.content),
                disk_profile_yaml(disk.content, order_.name, name.string()));
        if (!disk.content.sha256.empty()) {
            tell_(fmt::format("its sha256 sum, which machines check: {}", disk.content.sha256));
        }
        for (const std::string& advice : disk.advice) {
            tell_("note: " + printable(advice));
        }
        std::error_code error;
        const fs::path installer = order_.site / "files" / minimal_installer_folder;
        if (!fs::exists(installer / "initrd", error)) {
            tell_(fmt::format("note: the profile boots the minimal installer, which is not there "
                              "yet: deploy/minimal-installer/build {}",
                              printable(installer.string())));
        }
    }

    void check_order() const {
        std::error_code error;
        if (!fs::is_directory(order_.site, error)) {
            throw Failure{fmt::format("there is no site folder {} (--site names another)",
                                      printable(order_.site.string()))};
        }
        if (order_.force) {
            return;
        }
        for (const fs::path& path : {files_path(), profile_path()}) {
            if (fs::exists(fs::symlink_status(path, error))) {
                throw Failure{fmt::format("{} exists already; --force replaces it",
                                          printable(path.string()))};
            }
        }
    }

    [[nodiscard]] fs::path files_path() const { return order_.site / "files" / order_.name; }
    [[nodiscard]] fs::path profile_path() const {
        return order_.site / "profiles" / (order_.name + ".yaml");
    }

    static std::string describe(const Source& source) {
        return printable(fmt::format("{}: {}, {}, {}", source.path, source.found.system,
                                     source.found.what, source.found.architecture));
    }

    void check_own_sum(const std::string& source) const {
        std::error_code error;
        if (!fs::is_regular_file(source, error)) {
            return;
        }
        const auto expected = sum_beside(source);
        if (!expected) {
            return;
        }
        ImportMeter meter{progress_, fs::file_size(source, error)};
        Digest digest{expected->kind};
        read_whole_file(source, [&](std::span<const std::byte> data) {
            digest.add(data);
            meter.add("checking", data.size());
        });
        if (const std::string got = digest.finish(); got != expected->hex) {
            throw Failure{printable(fmt::format("{} is damaged: its {} sum is {}, but {} says {}",
                                                source, to_text(expected->kind), got,
                                                expected->from, expected->hex))};
        }
        tell_(printable(
            fmt::format("{}: {} sum as {} says", source, to_text(expected->kind), expected->from)));
    }

    [[nodiscard]] std::optional<Source> netboot_of(const Source& medium) const {
        std::string path = order_.netboot;
        if (path.empty() && !medium.found.netboot_required.empty()) {
            path = fmt::format(fmt::runtime(installed_netboot), medium.found.release,
                               medium.found.architecture);
            std::error_code error;
            if (!fs::is_directory(path, error)) {
                throw Failure{printable(fmt::format(
                    "{}: {}: give the netboot archive of the same release with --netboot "
                    "(netboot.tar.gz, or install the package debian-installer-{}-netboot-{})",
                    medium.path, medium.found.netboot_required, medium.found.release,
                    medium.found.architecture))};
            }
        }
        if (path.empty()) {
            return std::nullopt;
        }
        if (medium.found.netboot_required.empty() && !medium.found.netboot_helps) {
            throw Failure{
                printable(fmt::format("{}: has a kernel and initrd of its own for network "
                                      "installs; --netboot is for Debian's and Alpine's ISOs",
                                      medium.path))};
        }
        check_own_sum(path);
        return open_source(path);
    }

    void check_room(std::uint64_t size) const {
        struct statvfs room {};
        if (::statvfs((order_.site / "files").c_str(), &room) != 0) {
            return; // writing will tell
        }
        const std::uint64_t free = std::uint64_t{room.f_bavail} * room.f_frsize;
        if (free < size + room_beside) {
            throw Failure{fmt::format("no space left: {} needs {}, {} has {} free",
                                      printable(order_.source), bytes_text(size + room_beside),
                                      printable((order_.site / "files").string()),
                                      bytes_text(free))};
        }
    }

    void copy(ImportFolder& folder, const Source& medium, const std::optional<Source>& netboot) {
        std::error_code error;
        const bool whole = !medium.found.whole_as.empty();
        const WantedFiles wanted = wanted_files(medium, "");
        WantedFiles more;
        ImportMeter meter{progress_, size_of(medium.medium, wanted)};
        if (netboot) {
            more = wanted_files(*netboot, netboot_folder_name);
            meter.total += size_of(netboot->medium, more);
        }
        if (whole) {
            meter.total += fs::file_size(order_.source, error);
        }
        check_room(meter.total);
        copy_files(folder, medium, wanted, meter);
        if (netboot) {
            copy_files(folder, *netboot, more, meter);
        }
        if (whole) {
            done_or_throw(folder.begin_file(medium.found.whole_as));
            read_whole_file(order_.source, [&](std::span<const std::byte> data) {
                meter.add("copying", data.size());
                done_or_throw(folder.write(data));
            });
            done_or_throw(folder.end_file());
        }
        if (auto inside = folder.check_links(); !inside) {
            throw Failure{printable(inside.error())};
        }
    }

    void copy_files(ImportFolder& folder, const Source& source, const WantedFiles& wanted,
                    ImportMeter& meter) const {
        const Sums sums = sums_of(source.medium);
        MediumCopy copy{sums, wanted, folder, meter};
        value_of_medium(read_medium(source.path, copy), source.path);
        if (copy.checked() == 0) {
            tell_(fmt::format("{}: carries no sums of its files; none were checked",
                              printable(source.path)));
            return;
        }
        std::string from;
        for (const std::string& file : copy.sum_files()) {
            from += (from.empty() ? "" : ", ") + file;
        }
        tell_(printable(fmt::format("{}: {} {} as {} {}", source.path, copy.checked(),
                                    copy.checked() == 1 ? "file is" : "files are", from,
                                    copy.sum_files().size() == 1 ? "says" : "say")));
    }

    void check_boot_files(const ImportFolder& folder, const Recognised& plan) const {
        std::vector<std::string> paths = plan.initrd;
        paths.insert(paths.begin(), plan.kernel);
        for (const std::string& path : paths) {
            std::error_code error;
            const auto size = fs::file_size(folder.path() / path, error);
            if (error || size == 0) {
                throw Failure{printable(fmt::format("{}: '{}' {}", order_.source, path,
                                                    error ? error.message() : "is empty"))};
            }
        }
    }

    static void add_overlay(ImportFolder& folder, const Recognised& plan) {
        if (plan.overlay.empty()) {
            return;
        }
        // What an Alpine system in memory adds to itself when it starts: one service, which fetches
        // and runs the node's install script.
        const std::array<PackedFile, 3> files{
            {{"etc/.default_boot_services", 0644, "", ""},
             {"etc/local.d/muster.start", 0755, std::string{*own_template("alpine-overlay.start")},
              ""},
             {"etc/runlevels/default/local", 0777, "", "/etc/init.d/local"}}};
        const std::string packed = done_or_throw(pack_tar_gz(files));
        done_or_throw(folder.begin_file(plan.overlay));
        done_or_throw(folder.write(std::as_bytes(std::span{packed})));
        done_or_throw(folder.end_file());
    }

    void publish(ImportFolder& folder, const std::map<std::string, std::string>& answers,
                 const std::string& profile) const {
        const auto [files, bytes] = content_of(folder.path());
        std::vector<fs::path> made; // to be removed should a later step fail
        std::vector<std::string> lines;
        std::error_code ignored;
        const bool had_files = fs::exists(files_path(), ignored);
        try {
            for (const auto& [asked, name] : answers) {
                add_template(name, made, lines);
            }
            done_or_throw(folder.publish());
            if (!had_files) {
                made.push_back(files_path());
            }
            done_or_throw(replace_file(profile_path(), profile));
        } catch (const Failure&) {
            for (const fs::path& path : made) {
                fs::remove_all(path, ignored);
            }
            throw;
        }
        tell_(fmt::format("{}: {} file{}, {}", printable(files_path().string()), files,
                          files == 1 ? "" : "s", bytes_text(bytes)));
        for (const std::string& line : lines) {
            tell_(line);
        }
        tell_(fmt::format("{}: written", printable(profile_path().string())));
    }

    /// Counted, as not everything in it was written through it.
    static std::pair<std::size_t, std::uint64_t> content_of(const fs::path& folder) {
        std::pair<std::size_t, std::uint64_t> sum{0, 0};
        std::error_code error;
        for (const auto& entry : fs::recursive_directory_iterator{folder, error}) {
            if (entry.is_regular_file(error) && !entry.is_symlink(error)) {
                ++sum.first;
                sum.second += entry.file_size(error);
            }
        }
        return sum;
    }

    void add_template(const std::string& name, std::vector<fs::path>& made,
                      std::vector<std::string>& lines) const {
        const std::string_view* const text = own_template(name);
        if (text == nullptr) {
            throw Failure{fmt::format("muster has no template {}", name)};
        }
        const fs::path path = order_.site / "templates" / name;
        std::error_code error;
        const std::string shown = printable(path.string());
        if (fs::exists(path, error)) {
            std::ifstream file{path, std::ios::binary};
            const std::string there{std::istreambuf_iterator<char>{file}, {}};
            lines.push_back(fmt::format("{}: {}", shown,
                                        there == *text ? "there already"
                                                       : "there already, and kept as it is (it is "
                                                         "not the one of this muster)"));
            return;
        }
        made.push_back(path);
        done_or_throw(replace_file(path, *text));
        lines.push_back(shown + ": written");
    }

    const ImportOrder& order_;
    const ImportTeller& tell_;
    const ImportProgress& progress_;
};

} // namespace

void import_medium(const ImportOrder& order, const ImportTeller& tell,
                   const ImportProgress& progress) {
    Import{order, tell, progress}.run();
}

} // namespace muster::cli
