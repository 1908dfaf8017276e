// SPDX-License-Identifier: Apache-2.0
#include "tools/muster/boot_medium.hh"

#include <gtest/gtest.h>

namespace muster::cli {
namespace {

TEST(BootMedium, TakesUrlsThatBootLoadersCanAsk) {
    EXPECT_EQ(check_boot_url("http://10.0.0.1"), "http://10.0.0.1");
    EXPECT_EQ(check_boot_url("http://boot.rack.example:8080//"), "http://boot.rack.example:8080");
    for (const char* const bad : {"", "10.0.0.1", "https://10.0.0.1", "http://", "http:///x",
                                  "http://a/b", "http://a'b", "http://a b", "http://[fd00::1]"}) {
        EXPECT_THROW((void)check_boot_url(bad), UsageError) << bad;
    }
}

TEST(BootMedium, ItsScriptsAskTheServerForTheMachineAndAskAgain) {
    const std::string ipxe = medium_ipxe_script("http://10.0.0.1:8080");
    EXPECT_TRUE(ipxe.starts_with("#!ipxe\n"));
    EXPECT_NE(ipxe.find("chain --autofree http://10.0.0.1:8080/boot/ipxe?mac=${netX/mac} ||\n"),
              std::string::npos)
        << ipxe;
    EXPECT_NE(ipxe.find("goto again\n"), std::string::npos);
    const std::string grub = medium_grub_script("http://10.0.0.1:8080");
    EXPECT_NE(grub.find("configfile \"(tftp,10.0.0.1)/boot/grub.cfg-01-$net_default_mac\"\n"),
              std::string::npos)
        << grub;
}

} // namespace
} // namespace muster::cli
