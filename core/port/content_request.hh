// SPDX-License-Identifier: Apache-2.0
// How an engine asks for content: a file from the driver, a rendered text from the control.
#pragma once

#include "core/addr/ip_address.hh"
#include "core/content/content.hh"
#include "core/mem/slab.hh"

#include <cstdint>
#include <string>

namespace muster {

/// Who asked: the answer carries it back. A stale one is dropped by the engine.
struct Ticket {
    enum class Owner : std::uint8_t { tftp, http, dhcp };
    Owner owner{};
    SlabHandle handle{};

    friend constexpr bool operator==(const Ticket&, const Ticket&) = default;
};

/// Where a path is looked up.
enum class ContentRoot : std::uint8_t {
    files,   ///< below the site's files/ folder, never outside it
    loaders, ///< by name in the snapshot's table of boot loaders
    mirror,  ///< in the cache of another server: `path` is then the target, escaped, with its slash
};

/// What may be given in a file's place. The first three are HTTP's, the last is TFTP's.
struct ContentChoice {
    bool gzip = false;     ///< the sibling `NAME.gz`, as the coding of NAME
    bool zstd = false;     ///< the sibling `NAME.zst`; preferred
    bool listing = false;  ///< of a folder, an HTML page with what is in it
    bool any_case = false; ///< without a file of that name, one that differs in case alone
};

/// Asks the driver to open a file. The answer, on_content(), may come within the same burst.
struct OpenRequest {
    Ticket ticket{};
    ContentRoot root{};
    std::string path{}; ///< relative, no leading slash
    ContentChoice choice{};
    bool netascii = false; ///< as netascii (RFC 1350): a text of its own, of at most 16 MiB
};

enum class OpenError : std::uint8_t {
    not_found,       ///< no such file, or a folder
    forbidden,       ///< leaves the tree, or unreadable
    unavailable,     ///< out of descriptors or memory: try again
    bad_gateway,     ///< of a mirror: its upstream is not there, or answers with what is no use
    gateway_timeout, ///< of a mirror: its upstream does not answer in time
};

/// Something only the control can answer: boot scripts, answers, reports, the admin API.
struct DynamicRequest {
    enum class Transport : std::uint8_t { http, tftp };
    enum class Method : std::uint8_t { get, head, post, put, del };

    Ticket ticket{};
    Transport transport{};
    Method method{};
    Endpoint client{};
    IpAddress server{};  ///< the address that the client asked
    std::string path{};  ///< decoded, with its leading slash, without the query
    std::string query{}; ///< raw, without the question mark
    std::string body{};  ///< of a POST or PUT
    std::string user_agent{};
    std::string authorization{}; ///< the header's value, for the admin API
    bool accepts_gzip = false;   ///< Accept-Encoding names it
    bool accepts_events = false; ///< Accept names `text/event-stream`
    std::string last_event_id{}; ///< of a listener that comes back
};

/// The answer to a DynamicRequest.
struct DynamicReply {
    Ticket ticket{};
    std::uint16_t status = 200;      ///< HTTP status; TFTP sends ERROR 1 for 404, 2 for 403, …
    ContentRef content{};            ///< may be null: no body
    std::uint32_t retry_after_s = 0; ///< above 0: a Retry-After header
    bool feed = false; ///< the content only begins the body: HttpServer::on_feed() goes on
};

} // namespace muster
