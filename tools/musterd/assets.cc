// SPDX-License-Identifier: Apache-2.0
#include "tools/musterd/assets.hh"

namespace muster {
namespace {

class EmbeddedContent final : public Content {
public:
    EmbeddedContent(const EmbeddedAsset& asset, bool packed) {
        bytes = as_bytes(packed ? asset.gzip : asset.plain);
        type = asset.type;
        policy = asset.policy;
        etag = '"' + std::string{asset.etag} + (packed ? "-gz\"" : "\"");
        encoding = packed ? "gzip" : "";
        varies = true;
    }
};

} // namespace

std::map<std::string, AdminAsset, std::less<>> admin_assets() {
    std::map<std::string, AdminAsset, std::less<>> assets;
    for (const EmbeddedAsset& asset : embedded_assets()) {
        assets[std::string{asset.path}] = {.plain = std::make_shared<EmbeddedContent>(asset, false),
                                           .gzip = std::make_shared<EmbeddedContent>(asset, true)};
    }
    return assets;
}

} // namespace muster
