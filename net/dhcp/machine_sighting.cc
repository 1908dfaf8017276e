// SPDX-License-Identifier: Apache-2.0
#include "net/dhcp/machine_sighting.hh"

#include "net/dhcp/boot_file.hh"

namespace muster {

MachineSeen machine_sighting(const DhcpMessage& message, const DhcpClientIdentity& client,
                             const Ipv4Address& address, bool acknowledged) noexcept {
    return {.mac = message.header.mac(),
            .address = address,
            .giaddr = message.header.giaddr,
            .uuid = client.uuid,
            .arch = client.first_arch(),
            .kind = client.kind,
            .acknowledged = acknowledged,
            .client_id = ShortIdentifier{client.shown.client_id},
            .circuit_id = ShortIdentifier{client.shown.circuit_id},
            .remote_id = ShortIdentifier{client.shown.remote_id},
            .asked_for_s = message.header.secs,
            .no_loader = lacks_loader(client)};
}

} // namespace muster
