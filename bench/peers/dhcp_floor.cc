// SPDX-License-Identifier: Apache-2.0
// Question: what does a DHCP exchange cost a server that does none of the work?
// Method:   a responder for one relay. Each burst that the kernel has is read in one call, each
//           message is parsed as far as an answer needs, the REQUESTs' records are appended to a
//           preallocated file and flushed once, and then all answers leave in one call where the
//           kernel cuts it (UDP GSO), else in one sendmmsg. Addresses are counted upwards.
// Missing:  leases, policy, options asked for, other relays, budgets, metrics: whatever a server is
//           for. So no server can be cheaper; how far one is from it is what it spends on those.
//
// Usage: dhcp-floor ADDRESS FIRST-ADDRESS FILE        answers on ADDRESS port 67 until it is killed
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t burst = 256;       // what is read, and flushed, at once
constexpr std::size_t segments_max = 64; // what one GSO send takes (udp(7))
constexpr std::size_t message_size = 300;
constexpr std::size_t options_at = 240;
constexpr std::size_t record_size = 64;
constexpr off_t file_size = 16 << 20;
constexpr std::uint8_t discover = 1;
constexpr std::uint8_t offer = 2;
constexpr std::uint8_t request = 3;
constexpr std::uint8_t ack = 5;

using Message = std::array<std::uint8_t, 1536>;
using Answer = std::array<std::uint8_t, message_size>;

/// The value of an option of at least `least` octets, or null.
const std::uint8_t* find_option(const Message& message, std::size_t size, std::uint8_t code,
                                std::size_t least) {
    for (std::size_t at = options_at; at + 1 < size && message[at] != 255;) {
        if (message[at] == 0) {
            ++at;
            continue;
        }
        const std::size_t length = message[at + 1];
        if (at + 2 + length > size) {
            return nullptr;
        }
        if (message[at] == code) {
            return length >= least ? &message[at + 2] : nullptr;
        }
        at += 2 + length;
    }
    return nullptr;
}

/// Writes what answers `message`; false: nothing does.
bool answer(const Message& message, std::size_t size, const in_addr& server,
            std::uint32_t& next_address, Answer& out) {
    const std::uint8_t* const type = find_option(message, size, 53, 1);
    if (size < options_at || message[0] != 1 || type == nullptr) {
        return false;
    }
    std::uint32_t yiaddr = 0;
    if (*type == discover) {
        yiaddr = htonl(next_address++);
    } else if (const auto* wanted = find_option(message, size, 50, 4);
               *type == request && wanted != nullptr) {
        std::memcpy(&yiaddr, wanted, 4);
    } else {
        return false;
    }
    out.fill(0);
    std::copy_n(message.begin(), 44, out.begin()); // up to chaddr, with xid, flags and giaddr
    out[0] = 2;
    out[3] = 0;
    std::memcpy(&out[16], &yiaddr, 4);
    std::memcpy(&out[20], &server, 4);
    std::array<std::uint8_t, 34> options{99,  130, 83, 99, 53, 1, *type == discover ? offer : ack,
                                         54,  4,   0,  0,  0,  0, 51,
                                         4,   0,   0,  14, 16, 1, 4,
                                         255, 255, 0,  0,  3,  4, 0,
                                         0,   0,   0,  255};
    std::memcpy(&options[9], &server, 4);
    std::memcpy(&options[27], &server, 4);
    std::copy(options.begin(), options.end(), &out[236]);
    return true;
}

class Floor {
public:
    bool open(const char* address, const char* first, const char* path) {
        sockaddr_in local{};
        local.sin_family = AF_INET;
        local.sin_port = htons(67);
        in_addr first_address{};
        socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const int queue = 4 << 20;
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue);
        if (::inet_pton(AF_INET, address, &local.sin_addr) != 1 ||
            ::inet_pton(AF_INET, first, &first_address) != 1 ||
            ::bind(socket_, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
            return false;
        }
        server_ = local.sin_addr;
        next_address_ = ntohl(first_address.s_addr);
        file_ = ::open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        const std::vector<char> zeros(file_size);
        for (std::size_t i = 0; i < burst; ++i) {
            in_[i] = {messages_[i].data(), messages_[i].size()};
            received_[i].msg_hdr.msg_iov = &in_[i];
            received_[i].msg_hdr.msg_iovlen = 1;
            sent_[i].msg_hdr.msg_iov = &out_[i];
            sent_[i].msg_hdr.msg_iovlen = 1;
            sent_[i].msg_hdr.msg_name = &relay_;
            sent_[i].msg_hdr.msg_namelen = sizeof relay_;
        }
        relay_.sin_family = AF_INET;
        relay_.sin_port = htons(67);
        return file_ >= 0 && ::pwrite(file_, zeros.data(), zeros.size(), 0) == file_size &&
               ::fdatasync(file_) == 0;
    }

    [[nodiscard]] bool serve_burst() {
        const int count = ::recvmmsg(socket_, received_.data(), burst, MSG_WAITFORONE, nullptr);
        if (count < 0) {
            return false;
        }
        std::size_t answers = 0;
        records_.clear();
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            Answer& reply = answers_[answers];
            if (!answer(messages_[i], received_[i].msg_len, server_, next_address_, reply)) {
                continue;
            }
            out_[answers++] = {reply.data(), reply.size()};
            if (reply[options_at + 2] == ack) {
                records_.resize(records_.size() + record_size);
                std::copy_n(&reply[16], 28, records_.end() - record_size);
            }
        }
        if (answers == 0) {
            return true;
        }
        std::memcpy(&relay_.sin_addr, &answers_[0][24], 4);
        if (!keep()) {
            return false;
        }
        for (std::size_t at = 0; at < answers; at += segments_max) {
            const std::size_t part = std::min(segments_max, answers - at);
            if (!send_in_one_call(at, part) && !send_one_by_one(at, part)) {
                return false;
            }
        }
        return true;
    }

private:
    bool keep() {
        if (records_.empty()) {
            return true;
        }
        if (at_ + static_cast<off_t>(records_.size()) > file_size) {
            at_ = 0;
        }
        const ssize_t written = ::pwrite(file_, records_.data(), records_.size(), at_);
        at_ += written;
        return written == static_cast<ssize_t>(records_.size()) && ::fdatasync(file_) == 0;
    }

    bool send_in_one_call(std::size_t at, std::size_t answers) {
        if (!cuts_) {
            return false;
        }
        msghdr message{};
        message.msg_name = &relay_;
        message.msg_namelen = sizeof relay_;
        message.msg_iov = &out_[at];
        message.msg_iovlen = answers;
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
        if (answers > 1) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            cmsghdr* const header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = IPPROTO_UDP;
            header->cmsg_type = UDP_SEGMENT;
            header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
            const std::uint16_t size = message_size;
            std::memcpy(CMSG_DATA(header), &size, sizeof size);
        }
        cuts_ = ::sendmsg(socket_, &message, 0) >= 0;
        return cuts_;
    }

    bool send_one_by_one(std::size_t at, std::size_t answers) {
        return ::sendmmsg(socket_, &sent_[at], static_cast<unsigned>(answers), 0) > 0;
    }

    int socket_ = -1;
    int file_ = -1;
    off_t at_ = 0;
    in_addr server_{};
    std::uint32_t next_address_ = 0;
    bool cuts_ = true;
    sockaddr_in relay_{};
    std::array<Message, burst> messages_{};
    std::array<iovec, burst> in_{};
    std::array<mmsghdr, burst> received_{};
    std::array<Answer, burst> answers_{};
    std::array<iovec, burst> out_{};
    std::array<mmsghdr, burst> sent_{};
    std::vector<std::uint8_t> records_;
};

} // namespace

int main(int argc, char** argv) {
    static Floor floor;
    if (argc != 4 || !floor.open(argv[1], argv[2], argv[3])) {
        std::perror("dhcp-floor ADDRESS FIRST-ADDRESS FILE");
        return 2;
    }
    while (floor.serve_burst()) {
    }
    std::perror("dhcp-floor");
    return 1;
}
