// SPDX-License-Identifier: Apache-2.0
#include "io/media/digest.hh"

#include "core/base/check.hh"

#include <openssl/evp.h>

#include <array>

namespace muster {
namespace {

const EVP_MD* algorithm(SumKind kind) noexcept {
    switch (kind) {
    case SumKind::md5:
        return EVP_md5();
    case SumKind::sha1:
        return EVP_sha1();
    case SumKind::sha256:
        return EVP_sha256();
    case SumKind::sha512:
        return EVP_sha512();
    }
    __builtin_unreachable();
}

} // namespace

void Digest::Free::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

Digest::Digest(SumKind kind) : context_(EVP_MD_CTX_new()) {
    MUSTER_CHECK(context_ && EVP_DigestInit_ex(context_.get(), algorithm(kind), nullptr) == 1);
}

void Digest::add(std::span<const std::byte> data) noexcept {
    EVP_DigestUpdate(context_.get(), data.data(), data.size());
}

std::string Digest::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), octets.data(), &size);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
        out += digits[octets[i] / 16U];
        out += digits[octets[i] % 16U];
    }
    return out;
}

} // namespace muster
