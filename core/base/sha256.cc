// SPDX-License-Identifier: Apache-2.0
#include "core/base/sha256.hh"

#include "core/base/check.hh"

#include <openssl/evp.h>

namespace muster {

Sha256 sha256(std::string_view text) {
    Sha256 digest{};
    unsigned size = 0;
    const int done =
        EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    MUSTER_CHECK(done == 1 && size == digest.size()); // fails only without memory
    return digest;
}

} // namespace muster
