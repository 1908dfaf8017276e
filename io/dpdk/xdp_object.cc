// SPDX-License-Identifier: Apache-2.0
// A relocatable ELF object for eBPF, small enough to be written by hand: no compiler for eBPF is
// needed where musterd is built or run.
#include "io/dpdk/xdp_filter.hh"

#include <elf.h>
#include <linux/btf.h>

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

namespace muster {
namespace {

constexpr std::uint32_t bpf_relocation = 1; ///< R_BPF_64_64: a map in an LD_IMM64
constexpr std::uint32_t queues_max = 64;
constexpr std::string_view map_name = "xsks_map"; ///< as DPDK's driver looks for it
constexpr std::uint32_t map_fields = 4;
constexpr std::uint32_t map_size = map_fields * 8; ///< a pointer each

template <class Value>
void append(std::string& out, const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Names behind each other, each with its zero; the first is empty.
class XdpNames {
public:
    std::uint32_t add(std::string_view name) {
        const auto at = static_cast<std::uint32_t>(text_.size());
        text_.append(name).push_back('\0');
        return at;
    }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_ = std::string(1, '\0');
};

/// The types that describe the map, as __uint(type, ...) and its like make them: the value of a
/// field is the length of an array that it points to.
class XdpTypes {
public:
    std::string write() {
        const std::uint32_t number = add("int", BTF_KIND_INT, 0, 4);
        append(types_, std::uint32_t{BTF_INT_SIGNED} << 24U | 32U);
        const std::uint32_t type = field(number, BPF_MAP_TYPE_XSKMAP);
        const std::uint32_t four = field(number, 4);
        const std::uint32_t entries = field(number, queues_max);
        const std::uint32_t map = add("", BTF_KIND_STRUCT, map_fields, map_size);
        std::uint32_t bits = 0;
        for (const auto& [name, of] : std::array<std::pair<const char*, std::uint32_t>, map_fields>{
                 {{"type", type},
                  {"key_size", four},
                  {"value_size", four},
                  {"max_entries", entries}}}) {
            append(types_, btf_member{names_.add(name), of, bits});
            bits += 64;
        }
        const std::uint32_t variable = add(map_name, BTF_KIND_VAR, 0, map);
        append(types_, btf_var{BTF_VAR_GLOBAL_ALLOCATED});
        add(".maps", BTF_KIND_DATASEC, 1, map_size);
        append(types_, btf_var_secinfo{variable, 0, map_size});

        btf_header header{};
        header.magic = BTF_MAGIC;
        header.version = BTF_VERSION;
        header.hdr_len = sizeof header;
        header.type_len = static_cast<std::uint32_t>(types_.size());
        header.str_off = header.type_len;
        header.str_len = static_cast<std::uint32_t>(names_.text().size());
        std::string out;
        append(out, header);
        return out + types_ + names_.text();
    }

private:
    /// `size`: or another type, by kind. Returns: the number of the type, from 1.
    std::uint32_t add(std::string_view name, std::uint32_t kind, std::uint32_t count,
                      std::uint32_t size) {
        btf_type type{};
        type.name_off = name.empty() ? 0 : names_.add(name);
        type.info = kind << 24U | count;
        type.size = size;
        append(types_, type);
        return ++last_;
    }
    std::uint32_t field(std::uint32_t number, std::uint32_t value) {
        const std::uint32_t array = add("", BTF_KIND_ARRAY, 0, 0);
        append(types_, btf_array{number, number, value});
        return add("", BTF_KIND_PTR, 0, array);
    }

    XdpNames names_;
    std::string types_;
    std::uint32_t last_ = 0;
};

/// Sections behind the header of the file, and the table of them at its end.
class XdpElf {
public:
    std::uint16_t add(std::string_view name, Elf64_Shdr section, std::string_view bytes) {
        while (body_.size() % 8 != 0) {
            body_.push_back('\0');
        }
        section.sh_name = names_.add(name);
        section.sh_offset = sizeof(Elf64_Ehdr) + body_.size();
        section.sh_size = bytes.size();
        section.sh_addralign = 8;
        body_.append(bytes);
        sections_.push_back(section);
        return static_cast<std::uint16_t>(sections_.size() - 1);
    }
    XdpNames& names() noexcept { return names_; }

    std::string write() {
        const std::uint32_t own_name = names_.add(".strtab"); // before it is written
        const std::string text = names_.text();
        Elf64_Shdr string_table{};
        string_table.sh_type = SHT_STRTAB;
        const std::uint16_t strings = add("", string_table, text);
        sections_[strings].sh_name = own_name;
        for (Elf64_Shdr& section : sections_) {
            if (section.sh_type == SHT_SYMTAB) {
                section.sh_link = strings;
            }
        }
        while (body_.size() % 8 != 0) {
            body_.push_back('\0');
        }
        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] =
            std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_REL;
        header.e_machine = EM_BPF;
        header.e_version = EV_CURRENT;
        header.e_shoff = sizeof header + body_.size();
        header.e_ehsize = sizeof header;
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = static_cast<std::uint16_t>(sections_.size());
        header.e_shstrndx = strings;
        std::string out;
        append(out, header);
        out += body_;
        for (const Elf64_Shdr& section : sections_) {
            append(out, section);
        }
        return out;
    }

private:
    XdpNames names_;
    std::string body_;
    std::vector<Elf64_Shdr> sections_{Elf64_Shdr{}};
};

} // namespace

std::string write_xdp_object(const XdpProgram& program) {
    std::string code;
    for (const bpf_insn& one : program.instructions) {
        append(code, one);
    }
    XdpElf elf;
    const auto section = [](std::uint32_t type, std::uint64_t flags) {
        Elf64_Shdr made{};
        made.sh_type = type;
        made.sh_flags = flags;
        return made;
    };
    const std::uint16_t text =
        elf.add("xdp", section(SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR), code);
    const std::uint16_t maps =
        elf.add(".maps", section(SHT_PROGBITS, SHF_ALLOC | SHF_WRITE), std::string(map_size, '\0'));
    using namespace std::string_view_literals;
    elf.add("license", section(SHT_PROGBITS, SHF_ALLOC | SHF_WRITE), "Apache-2.0\0"sv);
    elf.add(".BTF", section(SHT_PROGBITS, 0), XdpTypes{}.write());

    std::string symbols;
    append(symbols, Elf64_Sym{});
    Elf64_Sym function{};
    function.st_name = elf.names().add(xdp_filter_name);
    function.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    function.st_shndx = text;
    function.st_size = code.size();
    append(symbols, function);
    Elf64_Sym map{};
    map.st_name = elf.names().add(map_name);
    map.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
    map.st_shndx = maps;
    map.st_size = map_size;
    append(symbols, map);
    constexpr std::uint64_t map_symbol = 2;
    Elf64_Shdr table = section(SHT_SYMTAB, 0);
    table.sh_info = 1; // the first that is global
    table.sh_entsize = sizeof(Elf64_Sym);
    const std::uint16_t symbol_table = elf.add(".symtab", table, symbols);

    std::string relocation;
    append(relocation, Elf64_Rel{.r_offset = program.map_at * sizeof(bpf_insn),
                                 .r_info = ELF64_R_INFO(map_symbol, bpf_relocation)});
    Elf64_Shdr relocations = section(SHT_REL, 0);
    relocations.sh_link = symbol_table;
    relocations.sh_info = text;
    relocations.sh_entsize = sizeof(Elf64_Rel);
    elf.add(".relxdp", relocations, relocation);
    return elf.write();
}

} // namespace muster
