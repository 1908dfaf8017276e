// SPDX-License-Identifier: Apache-2.0
// The lease tables of both families, from one text.
#include "core/lease/lease_pools_impl.hh"
#include "core/lease/lease_table_impl.hh"

namespace muster {

template class BasicLeaseTable<Ipv4Leases>;
template class BasicLeaseTable<Ipv6Leases>;

} // namespace muster
