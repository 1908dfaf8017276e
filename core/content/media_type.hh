// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace muster {

/// The media type that a file name's suffix stands for; `application/octet-stream` if unknown.
/// UEFI HTTP boot goes by `application/efi` and the types of disk images.
[[nodiscard]] std::string_view media_type(std::string_view name) noexcept;

} // namespace muster
