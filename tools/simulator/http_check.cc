// SPDX-License-Identifier: Apache-2.0
#include "core/content/catalog.hh"

#include "tools/simulator/checks.hh"
#include "tools/simulator/machines.hh"

#include <charconv>

namespace muster::sim {
namespace {

std::optional<std::uint64_t> number_at(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? std::optional{value} : std::nullopt;
}

/// The value of a field in a head; empty: it is not there. Names as our clients write them.
std::string_view field(std::string_view head, std::string_view name) {
    const std::string line = fmt::format("\r\n{}: ", name);
    const auto at = head.find(line);
    if (at == std::string_view::npos) {
        return {};
    }
    head.remove_prefix(at + line.size());
    return head.substr(0, head.find('\r'));
}

} // namespace

HttpCheck::Connection* HttpCheck::find(SlabHandle connection) {
    const auto it = connections_.find(connection.slot);
    return it == connections_.end() || it->second.generation != connection.generation ? nullptr
                                                                                      : &it->second;
}

void HttpCheck::on_open(SlabHandle connection, MachineIndex machine) {
    Connection& c = connections_[connection.slot];
    c = Connection{};
    c.generation = connection.generation;
    c.machine = machine;
}

void HttpCheck::on_request_bytes(SlabHandle connection, std::string_view bytes) {
    if (Connection* c = find(connection)) {
        c->pending += bytes;
        read_requests(*c);
    }
}

void HttpCheck::read_requests(Connection& c) {
    for (;;) {
        const std::size_t skipped = std::min(c.body, c.pending.size());
        c.pending.erase(0, skipped);
        c.body -= skipped;
        const auto end = c.pending.find("\r\n\r\n");
        if (c.body > 0 || end == std::string::npos) {
            return;
        }
        const std::string head = c.pending.substr(0, end + 2);
        c.pending.erase(0, end + 4);
        Request request;
        const auto first = head.find(' ');
        const auto second = head.find(' ', first + 1);
        request.method = head.substr(0, first);
        const std::string target = head.substr(first + 1, second - first - 1);
        const std::string path = target.substr(0, target.find('?'));
        if (!canonical_path(path, request.path)) {
            request.path = path;
        }
        if (std::string_view range = field(head, "Range"); range.starts_with("bytes=")) {
            range.remove_prefix(6);
            request.range_begin = number_at(range);
            if (const auto last = number_at(range.substr(range.find('-') + 1))) {
                request.range_end = *last + 1;
            }
        }
        c.body = number_at(field(head, "Content-Length")).value_or(0);
        c.requests.push_back(std::move(request));
    }
}

void HttpCheck::on_answer(SlabHandle connection, std::string_view head, const StreamSend& send) {
    Connection* c = find(connection);
    const int status = static_cast<int>(number_at(head.substr(head.find(' ') + 1)).value_or(0));
    if (c == nullptr || status < 200) {
        return;
    }
    ++answers_;
    if (c->left > 0) {
        universe_.found("http", fmt::format("machine {} was answered while {} bytes of the answer "
                                            "before had not come",
                                            c->machine, c->left));
    }
    c->content = send.content.get();
    c->offset = send.offset;
    c->left = c->announced = send.content ? send.size : 0;
    if (c->requests.empty()) {
        c->content = nullptr; // 408, or a request that was refused for its form
        return;
    }
    const Request request = std::move(c->requests.front());
    c->requests.pop_front();
    check_file(*c, request, status, send);
    if (status == 200 && request.method == "GET" && request.path.starts_with("/answers/")) {
        machines_.on_order_read(c->machine);
    }
    if (request.path.starts_with("/report/") && request.path.ends_with("/installed")) {
        machines_.on_reports_installed(c->machine, status == 200);
    }
}

/// The right file, from the right byte, of the right size.
void HttpCheck::check_file(const Connection& c, const Request& request, int status,
                           const StreamSend& send) {
    const auto file = universe_.files.find(request.path);
    if (!file || request.method != "GET" || (status != 200 && status != 206)) {
        return;
    }
    const std::uint64_t whole = universe_.files.file(*file).size;
    const bool ranged = status == 206;
    const std::uint64_t begin = ranged ? request.range_begin.value_or(0) : 0;
    const std::uint64_t end = ranged ? std::min(request.range_end.value_or(whole), whole) : whole;
    const bool right_file =
        send.content != nullptr ? SimFiles::number_of(*send.content) == file : begin == end;
    if (!right_file || (send.content && (send.offset != begin || send.size != end - begin)) ||
        (ranged && !request.range_begin)) {
        universe_.found("http", fmt::format("machine {} asked for {} {}-{} and gets {} bytes from "
                                            "{} of {}",
                                            c.machine, request.path, begin, end, send.size,
                                            send.offset, right_file ? "it" : "something else"));
    }
}

void HttpCheck::on_body(SlabHandle connection, const Content& content, std::uint64_t offset,
                        std::uint64_t size) {
    Connection* c = find(connection);
    if (c == nullptr || c->broken) {
        return;
    }
    if (&content != c->content || offset != c->offset || size > c->left) {
        universe_.found("http", fmt::format("machine {} gets {} bytes from {}, and {} from {} were "
                                            "announced",
                                            c->machine, size, offset, c->left, c->offset));
        c->broken = true;
        return;
    }
    c->offset += size;
    c->left -= size;
}

void HttpCheck::on_all_sent(SlabHandle connection, std::uint64_t size) {
    Connection* c = find(connection);
    if (c != nullptr && !c->broken && size != c->announced) {
        universe_.found("http", fmt::format("machine {}: an answer of {} bytes ended after {}",
                                            c->machine, c->announced, size));
        c->broken = true;
    }
}

void HttpCheck::on_end(SlabHandle connection) {
    Connection* c = find(connection);
    if (c != nullptr && !c->broken && c->left > 0) {
        universe_.found("http", fmt::format("machine {}: the server ended an answer with {} bytes "
                                            "to come",
                                            c->machine, c->left));
        c->broken = true;
    }
}

void HttpCheck::on_closed(SlabHandle connection) {
    if (Connection* c = find(connection)) {
        c->broken = true;
    }
}

} // namespace muster::sim
