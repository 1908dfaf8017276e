// SPDX-License-Identifier: Apache-2.0
// Sums of files while they are copied.
#pragma once

#include "core/media/sums.hh"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace muster {

class Digest {
public:
    explicit Digest(SumKind kind);

    void add(std::span<const std::byte> data) noexcept;
    /// In hexadecimal digits, lower case. To be called once.
    [[nodiscard]] std::string finish();

private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

} // namespace muster
