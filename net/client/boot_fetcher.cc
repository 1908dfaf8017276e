// SPDX-License-Identifier: Apache-2.0
#include "net/client/boot_fetcher.hh"

#include <fmt/format.h>

namespace muster {
namespace {

constexpr std::uint16_t grub_first_port = 25300;
constexpr std::uint16_t pxelinux_first_port = 49152;
constexpr std::uint16_t firmware_ports = 1024; ///< first port of EDK2's and U-Boot's

} // namespace

void BootFetcher::take_over(const BootProgramModel& program, ClientContext& context) {
    drop(context);
    program_ = &program;
    if (program.http != nullptr) {
        http_.emplace(*program.http);
    }
    switch (program.kind) {
    case BootProgramModel::Kind::grub:
        port_ = grub_first_port;
        return;
    case BootProgramModel::Kind::pxelinux:
        port_ = pxelinux_first_port;
        return;
    case BootProgramModel::Kind::edk2:
    case BootProgramModel::Kind::u_boot:
        port_ = static_cast<std::uint16_t>(firmware_ports + prng_.below(3072));
        return;
    case BootProgramModel::Kind::shim: // through the firmware, which goes on counting
        return;
    case BootProgramModel::Kind::ipxe:
        port_ = 0;
        return;
    }
}

std::uint16_t BootFetcher::next_port() noexcept {
    if (port_ == 0) { // iPXE: any
        return static_cast<std::uint16_t>(firmware_ports +
                                          prng_.below(UINT16_MAX - firmware_ports));
    }
    return port_;
}

void BootFetcher::begin(const BootUrl& url, std::size_t keep, const Ipv4Address& local,
                        ClientContext& context) {
    url_ = url;
    refused_ = false;
    if (url.scheme == BootUrl::Scheme::http) {
        if (!http_) {
            refused_ = true;
            return;
        }
        http_->begin({.local = local,
                      .server = url.server,
                      .host = url.host,
                      .target = url.path,
                      .keep_max = keep},
                     context);
        return;
    }
    if (program_->tftp == nullptr) {
        refused_ = true;
        return;
    }
    tftp_.begin({.local = local,
                 .port = next_port(),
                 .server = url.server,
                 .name = url.path,
                 .keep_max = keep},
                *program_->tftp, context);
}

void BootFetcher::on_datagram(const ClientRx& datagram, ClientContext& context) noexcept {
    if (datagram.protocol == ClientProtocol::udp && tftp_.busy() &&
        datagram.destination.port == tftp_.port()) {
        tftp_.on_datagram(datagram, context);
        if (!tftp_.busy() && port_ != 0) {
            port_ = static_cast<std::uint16_t>(tftp_.port() + 1);
        }
    }
}

void BootFetcher::on_timer(ClientContext& context) noexcept {
    if (tftp_.busy()) {
        tftp_.on_timer(context);
        if (!tftp_.busy() && port_ != 0) {
            port_ = static_cast<std::uint16_t>(tftp_.port() + 1);
        }
    }
    if (http_ && http_->busy()) {
        http_->on_timer(context);
    }
}

void BootFetcher::drop(ClientContext& context) {
    if (http_) {
        http_->close(context);
        http_.reset();
    }
}

Instant BootFetcher::deadline() const noexcept {
    return refused_ ? Instant::never() : by_http() ? http_->deadline() : tftp_.deadline();
}

bool BootFetcher::ok() const noexcept {
    const auto outcome = by_http() ? http_->outcome() : tftp_.outcome();
    return !refused_ && outcome == ClientOutcome::done;
}

std::string_view BootFetcher::body() const noexcept {
    return by_http() ? http_->body() : tftp_.body();
}

std::string BootFetcher::why() const {
    const std::string_view reason = refused_    ? "it does not speak this protocol"
                                    : by_http() ? std::string_view{http_->why()}
                                                : std::string_view{tftp_.why()};
    return fmt::format("{}: {}", to_text(url_), reason);
}

} // namespace muster
