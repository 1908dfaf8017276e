// SPDX-License-Identifier: Apache-2.0
// Reading a mapped file that somebody may cut meanwhile. The kernel answers a read beyond the end
// of such a file with SIGBUS, which would end the process.
#pragma once

#include "core/base/bytes.hh"

namespace muster {

/// While it lives, its thread may read `bytes`, a mapping as a whole, whatever becomes of the file:
/// what is no longer there reads as zeros, and cut() says so. One at a time in a thread.
///
/// The first one takes the process's SIGBUS; one that is about other memory goes to whoever had it
/// before, and by default that ends the process as ever.
class MappedRead {
public:
    explicit MappedRead(Bytes bytes) noexcept;
    ~MappedRead();
    MappedRead(const MappedRead&) = delete;
    MappedRead& operator=(const MappedRead&) = delete;

    /// Some of what was read was not the file's. It stays so for this mapping.
    [[nodiscard]] bool cut() const noexcept;
};

} // namespace muster
