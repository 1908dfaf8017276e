// SPDX-License-Identifier: Apache-2.0
#include "net/client/firmware.hh"

#include <gtest/gtest.h>

#include <map>

namespace muster::test {
namespace {

using Kind = BootProgramModel::Kind;

TEST(Firmware, ModelsAreFoundByTheirNamesAndWhole) {
    std::vector<std::string_view> names;
    for (const FirmwareModel* model : firmware_models()) {
        names.push_back(model->name);
        EXPECT_EQ(find_firmware(model->name), model);
        ASSERT_NE(model->rom, nullptr);
        EXPECT_NE(model->rom->dhcp, nullptr) << "a ROM has no lease to go on with";
        EXPECT_TRUE(model->rom->tftp != nullptr || model->rom->http != nullptr);
        EXPECT_FALSE(model->summary.empty());
        EXPECT_GE(model->rom_tries, 1U);
    }
    EXPECT_EQ(names, (std::vector<std::string_view>{"edk2", "edk2-http", "ipxe-bios", "ipxe-efi",
                                                    "pxelinux", "grub", "shim-grub", "u-boot"}));
    EXPECT_EQ(find_firmware("EDK2"), nullptr);
    EXPECT_EQ(find_firmware(""), nullptr);
}

TEST(Firmware, ABootFilesNameSaysWhatItIs) {
    struct Case {
        std::string_view file;
        bool uefi;
        std::string_view program; ///< empty: none
    };
    for (const Case& c :
         {Case{"loaders/undionly.kpxe", false, "iPXE (undionly)"},
          Case{"ipxe.pxe", false, "iPXE (undionly)"}, Case{"pxelinux.0", false, "PXELINUX"},
          Case{"loaders/lpxelinux.0", false, "PXELINUX (lwIP)"},
          Case{"http://10.0.0.1/loaders/snponly.efi", true, "iPXE (snponly)"},
          Case{"ipxe.efi", true, "iPXE (EFI)"}, Case{"loaders/shimx64.efi", true, "shim"},
          Case{"SHIMX64.EFI", true, "shim"}, Case{"boot\\grubx64.efi", true, "GRUB"},
          Case{"grubnetx64.efi.signed", true, "GRUB"}, Case{"/a/grubx64.efi?x=1", true, "GRUB"},
          Case{"undionly.kpxe", true, ""}, Case{"shimx64.efi", false, ""},
          Case{"boot/ipxe", false, ""}, Case{"linux.efi", true, ""}, Case{"", true, ""},
          Case{"", false, ""}}) {
        const BootProgramModel* const found = find_boot_program(c.file, c.uefi);
        EXPECT_EQ(found != nullptr ? found->name : std::string_view{}, c.program) << c.file;
    }
}

std::map<std::string_view, int> count(const FirmwareMix& mix, MachineIndex begin,
                                      MachineIndex end) {
    std::map<std::string_view, int> counts;
    for (MachineIndex i = begin; i < end; ++i) {
        ++counts[mix.of(i).name];
    }
    return counts;
}

TEST(FirmwareMix, SharesHoldForEveryRun) {
    const auto mix = FirmwareMix::read("edk2:60,ipxe-bios:40");
    ASSERT_TRUE(mix.has_value());
    for (MachineIndex begin : {0U, 1U, 7U, 1000U}) {
        const auto counts = count(*mix, begin, begin + 5);
        EXPECT_EQ(counts.at("edk2"), 3) << "from " << begin;
        EXPECT_EQ(counts.at("ipxe-bios"), 2) << "from " << begin;
    }
    const auto one = FirmwareMix::read("shim-grub");
    ASSERT_TRUE(one.has_value());
    EXPECT_EQ(count(*one, 0, 10).size(), 1U);
    const auto equal = FirmwareMix::read("edk2,u-boot");
    ASSERT_TRUE(equal.has_value());
    EXPECT_EQ(count(*equal, 0, 10).at("u-boot"), 5);
    const auto mixed = FirmwareMix::read("mixed");
    ASSERT_TRUE(mixed.has_value());
    EXPECT_GE(count(*mixed, 0, 20).size(), 4U);
}

TEST(FirmwareMix, ErrorsSayWhatIsWrongAndWhatThereIs) {
    const auto error = [](std::string_view text) {
        const auto mix = FirmwareMix::read(text);
        return mix ? std::string{"(no error)"} : mix.error();
    };
    EXPECT_EQ(error("edk3"), "no firmware 'edk3'; there are edk2, edk2-http, ipxe-bios, ipxe-efi, "
                             "pxelinux, grub, shim-grub, u-boot, or mixed");
    EXPECT_NE(error("").find("no firmware ''"), std::string::npos);
    EXPECT_NE(error("edk2,").find("no firmware ''"), std::string::npos);
    EXPECT_EQ(error("edk2:x"), "the share of edk2 is 'x', not a number from 1 to 1000");
    EXPECT_EQ(error("edk2:0"), "the share of edk2 is '0', not a number from 1 to 1000");
    EXPECT_EQ(error("edk2:1001"), "the share of edk2 is '1001', not a number from 1 to 1000");
    EXPECT_EQ(error("edk2:5%"), "the share of edk2 is '5%', not a number from 1 to 1000");
    EXPECT_EQ(error("edk2:1,edk2:2"), "edk2 is named twice");
}

} // namespace
} // namespace muster::test
