// SPDX-License-Identifier: Apache-2.0
// How each program does TFTP and HTTP.
#include "net/client/firmware_models.hh"

#include <array>

namespace muster {
namespace {

constexpr Duration ipxe_tftp_waits[] = {255ms, 549ms, 1043ms, 2032ms, 4065ms};
constexpr Duration edk2_tftp_waits[] = {4s, 4s, 4s, 4s, 4s};
constexpr Duration u_boot_tftp_waits[] = {5s, 5s, 5s, 5s, 5s, 5s, 5s, 5s, 5s};

/// 40 tries, each 20 ms more patient than the one before.
constexpr std::array<Duration, 39> make_grub_waits() noexcept {
    std::array<Duration, 39> waits{};
    for (std::size_t i = 0; i < waits.size(); ++i) {
        waits[i] = 404ms + 20ms * static_cast<std::int64_t>(i);
    }
    return waits;
}
constexpr auto grub_tftp_waits = make_grub_waits();

// Its table counts ticks of the BIOS clock, 18.2 a second.
constexpr std::uint8_t pxelinux_ticks[] = {2,  2,  3,   3,   4,   5,   6,   7,   9,   10,
                                           12, 15, 18,  21,  26,  31,  37,  44,  53,  64,
                                           77, 92, 110, 132, 159, 191, 229, 255, 255, 255};
constexpr Duration tick{54'925'493};
constexpr std::array<Duration, std::size(pxelinux_ticks)> make_pxelinux_waits() noexcept {
    std::array<Duration, std::size(pxelinux_ticks)> waits{};
    for (std::size_t i = 0; i < waits.size(); ++i) {
        waits[i] = tick * static_cast<std::int64_t>(pxelinux_ticks[i]);
    }
    return waits;
}
constexpr auto pxelinux_waits = make_pxelinux_waits();

} // namespace

constexpr TftpClientModel ipxe_tftp{.blksize = 1432,
                                    .tsize = true,
                                    .option_order = "bt",
                                    .request_waits = ipxe_tftp_waits,
                                    .last_wait = 8130ms,
                                    .data_waits = ipxe_tftp_waits};
constexpr TftpClientModel edk2_tftp{.blksize = 1468,
                                    .windowsize = 4,
                                    .tsize = true,
                                    .probe = true,
                                    .option_order = "tbw",
                                    .request_waits = edk2_tftp_waits,
                                    .last_wait = 4s,
                                    .data_waits = edk2_tftp_waits};
constexpr TftpClientModel shim_tftp{.blksize = 512,
                                    .windowsize = 4,
                                    .tsize = false,
                                    .option_order = "bw",
                                    .request_waits = edk2_tftp_waits,
                                    .last_wait = 4s,
                                    .data_waits = edk2_tftp_waits};
constexpr TftpClientModel grub_tftp{.blksize = 1024,
                                    .tsize = true,
                                    .option_order = "bt",
                                    .request_waits = grub_tftp_waits,
                                    .last_wait = 1184ms,
                                    // It never asks for data again, and listens as long as it asks.
                                    .data_last_wait = 31600ms};
constexpr TftpClientModel pxelinux_tftp{.blksize = 1408,
                                        .tsize = true,
                                        .option_order = "tb",
                                        .request_waits = pxelinux_waits,
                                        .last_wait = tick * 255,
                                        .data_waits = pxelinux_waits};
constexpr TftpClientModel u_boot_tftp{.blksize = 1468,
                                      .timeout_s = 5,
                                      .tsize = true,
                                      .option_order = "Ttb",
                                      .request_waits = u_boot_tftp_waits,
                                      .last_wait = 5s,
                                      .data_waits = u_boot_tftp_waits};

constexpr HttpClientModel ipxe_http{.user_agent = "iPXE/1.0.0+git-20190125.36a4c85-5.1",
                                    .keep_alive = true,
                                    .retry_after = true,
                                    .connect_timeout = 60s,
                                    .header_timeout = 120s,
                                    .idle_timeout = 120s,
                                    .field_order = "cuhrb"};
constexpr HttpClientModel edk2_http{.user_agent = "UefiHttpBoot/1.0",
                                    .keep_alive = true,
                                    .says_connection = false,
                                    .head_first = true,
                                    .retry_after = false,
                                    .connect_timeout = 60s,
                                    .header_timeout = 5s,
                                    .idle_timeout = 5s,
                                    .resumes = 5,
                                    .resume_wait = 2s,
                                    .extra_fields = "Accept: */*\r\n",
                                    .field_order = "heur"};
constexpr HttpClientModel shim_http{.user_agent = "UefiHttpBoot/1.0",
                                    .keep_alive = false,
                                    .says_connection = false,
                                    .retry_after = false,
                                    .connect_timeout = 60s,
                                    .header_timeout = 5s,
                                    .idle_timeout = 5s,
                                    .extra_fields = "Accept: */*\r\n",
                                    .field_order = "heur"};
// A window of 8192 bytes, never scaled: its HTTP is a third as fast as its TFTP.
constexpr HttpClientModel grub_http{.user_agent = "GRUB 2.06-13+deb12u2",
                                    .keep_alive = false,
                                    .says_connection = false,
                                    .retry_after = false,
                                    .connect_timeout = 30s,
                                    .header_timeout = 30s,
                                    .idle_timeout = 32s,
                                    .receive_window = 8192,
                                    .field_order = "hur"};
constexpr HttpClientModel pxelinux_http{.user_agent = "Syslinux/6.04",
                                        .http_1_0 = true,
                                        .keep_alive = false,
                                        .retry_after = false,
                                        .connect_timeout = 60s,
                                        .header_timeout = 60s,
                                        .idle_timeout = 60s,
                                        .field_order = "huc"};
// The script of the minimal installer bounds each request by 10 s, a download by 60 s without a
// byte.
constexpr HttpClientModel installer_http{.user_agent = "Wget",
                                         .keep_alive = false,
                                         .retry_after = true,
                                         .connect_timeout = 10s,
                                         .header_timeout = 10s,
                                         .idle_timeout = 60s,
                                         .field_order = "hucb"};
constexpr HttpClientModel packages_http{.user_agent = "Debian APT-HTTP/1.3 (2.6.1)",
                                        .keep_alive = true,
                                        .retry_after = true,
                                        .connect_timeout = 30s,
                                        .header_timeout = 30s,
                                        .idle_timeout = 30s};

} // namespace muster
