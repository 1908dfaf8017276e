// SPDX-License-Identifier: Apache-2.0
#include "core/site/trial_subject.hh"

namespace muster {

TemplateSubject trial_subject(const std::string& profile, const NodeSpec* node) {
    TemplateSubject subject;
    subject.profile = profile;
    subject.name = node != nullptr ? node->name : "unknown";
    subject.mac = node != nullptr && !node->macs.empty() ? node->macs.front() : MacAddress{};
    subject.address =
        node != nullptr && node->address ? node->address : Ipv4Address{{255, 255, 255, 255}};
    if (node != nullptr) {
        subject.tags = node->tags;
    }
    subject.attempt = 1;
    subject.token = std::string(43, 'T'); // 32 random bytes in base64url
    return subject;
}

} // namespace muster
