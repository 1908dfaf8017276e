// SPDX-License-Identifier: Apache-2.0
// Question: what does HTTP cost a server that does none of the work?
// Method:   one epoll loop. A request is looked at as far as its path and whether the client asks
//           to close; a small file leaves from memory with its head in one sendmsg, a large one by
//           sendfile in pieces until the socket is full. Edge-triggered, so that a connection is
//           registered once; closed at once after the last byte where the client asked for it.
// Missing:  parsing, limits, timers, ranges, conditions, changed files, cold files, logs, metrics:
//           whatever a server is for. How far one is from it is what it spends on those.
//
// Usage: http-floor ADDRESS FOLDER        serves /files/NAME of FOLDER on port 80 until it is
// killed
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr off_t in_memory_max = 64 << 10;
constexpr std::size_t piece_size = 2 << 20; // of a sendfile, as nginx's
constexpr std::string_view prefix = "GET /files/";

struct File {
    int fd = -1;
    off_t size = 0;
    std::string head;
    std::string bytes; // of a small one
};

struct Connection {
    const File* file = nullptr; // being sent
    off_t offset = 0;
    bool close_after = false;
};

std::map<std::string, File, std::less<>> files;
std::vector<Connection> connections(70'000); // by descriptor
std::string folder;

const File* find(std::string_view name) {
    if (const auto found = files.find(name); found != files.end()) {
        return &found->second;
    }
    File file;
    struct stat info {};
    file.fd = ::open((folder + "/" + std::string{name}).c_str(), O_RDONLY);
    if (file.fd < 0 || ::fstat(file.fd, &info) != 0) {
        return nullptr;
    }
    file.size = info.st_size;
    file.head =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(file.size) +
        "\r\nContent-Type: application/octet-stream\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 "
        "GMT\r\nAccept-Ranges: bytes\r\n\r\n";
    if (file.size <= in_memory_max) {
        file.bytes.resize(static_cast<std::size_t>(file.size));
        if (::pread(file.fd, file.bytes.data(), file.bytes.size(), 0) != file.size) {
            return nullptr;
        }
    }
    return &files.emplace(name, std::move(file)).first->second;
}

/// False: the connection is over.
bool push(int fd, Connection& connection) {
    const File& file = *connection.file;
    while (connection.offset < file.size) {
        if (::sendfile(fd, file.fd, &connection.offset, piece_size) <= 0) {
            return errno == EAGAIN;
        }
    }
    connection.file = nullptr;
    return !connection.close_after;
}

bool answer(int fd, Connection& connection, std::string_view request) {
    const std::size_t end = request.find(' ', prefix.size());
    if (!request.starts_with(prefix) || !request.ends_with("\r\n\r\n") ||
        end == std::string_view::npos) {
        return false;
    }
    const File* file = find(request.substr(prefix.size(), end - prefix.size()));
    if (file == nullptr) {
        return false;
    }
    connection.close_after = request.find("close") != std::string_view::npos;
    if (file->size > in_memory_max) {
        connection.file = file;
        connection.offset = 0;
        return ::send(fd, file->head.data(), file->head.size(), MSG_MORE | MSG_NOSIGNAL) > 0 &&
               push(fd, connection);
    }
    const auto part = [](const std::string& text) {
        return iovec{const_cast<char*>(text.data()), text.size()}; // NOLINT: it is only read
    };
    std::array<iovec, 2> parts{part(file->head), part(file->bytes)};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(fd, &message, MSG_NOSIGNAL) > 0 && !connection.close_after;
}

bool on_ready(int fd, std::uint32_t events) {
    Connection& connection = connections[static_cast<std::size_t>(fd)];
    if (connection.file != nullptr && (events & EPOLLOUT) != 0 && !push(fd, connection)) {
        return false;
    }
    if ((events & EPOLLIN) == 0) {
        return true;
    }
    std::array<char, 4096> room; // NOLINT: recv fills it
    const ssize_t got = ::recv(fd, room.data(), room.size(), 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    return answer(fd, connection, {room.data(), static_cast<std::size_t>(got)});
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: http-floor ADDRESS FOLDER\n", stderr);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    folder = argv[2];
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(80);
    const int yes = 1;
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 ||
        ::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(listener, 4096) != 0) {
        std::perror("http-floor");
        return 1;
    }
    const int poll = ::epoll_create1(0);
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    std::array<epoll_event, 512> ready; // NOLINT: epoll_wait fills it
    for (;;) {
        const int count = ::epoll_wait(poll, ready.data(), ready.size(), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = ready[static_cast<std::size_t>(i)].data.fd;
            if (fd != listener) {
                if (!on_ready(fd, ready[static_cast<std::size_t>(i)].events)) {
                    ::close(fd);
                }
                continue;
            }
            for (int peer = 0;
                 (peer = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
                connections[static_cast<std::size_t>(peer)] = {};
                if (!on_ready(peer, EPOLLIN)) { // the request is often there already
                    ::close(peer);
                    continue;
                }
                event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = peer}};
                ::epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event);
            }
        }
    }
}
