// SPDX-License-Identifier: Apache-2.0
#include "core/content/template_context.hh"

#include <algorithm>

namespace muster {

bool is_reserved_variable(std::string_view name) noexcept {
    return std::find(reserved_variables.begin(), reserved_variables.end(), name) !=
           reserved_variables.end();
}

std::string url_host(const IpAddress& address) {
    const std::string text = to_text(address);
    return address.is_v4() ? text : "[" + text + "]";
}

std::string server_url(const ServerAddress& server) {
    std::string url = "http://" + url_host(server.address);
    if (server.http_port != 80) {
        url += ":" + std::to_string(server.http_port);
    }
    return url;
}

Variables merged_variables(const Variables& defaults, const Variables* profile,
                           const Variables& node) {
    Variables merged = defaults;
    if (profile != nullptr) {
        merged.update(*profile);
    }
    merged.update(node);
    return merged;
}

nlohmann::json template_context(const ServerAddress& server, const TemplateSubject& subject,
                                Variables variables) {
    nlohmann::json context = std::move(variables);
    const std::string url = server_url(server);
    context["node"] = {{"name", subject.name},
                       {"mac", subject.mac ? to_text(*subject.mac) : ""},
                       {"address", subject.address ? to_text(*subject.address) : ""},
                       {"tags", subject.tags}};
    context["server_url"] = url;
    context["server_host"] = url.substr(std::string_view{"http://"}.size());
    context["files_url"] = url + "/files";
    context["answers_url"] = url + "/answers/" + subject.token;
    context["report_url"] = url + "/report/" + subject.token;
    context["attempt"] = subject.attempt;
    context["profile"] = subject.profile;
    return context;
}

} // namespace muster
