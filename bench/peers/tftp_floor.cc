// SPDX-License-Identifier: Apache-2.0
// The floor of `bench/run peers tftp`: the least that moves the same packets. It finds the
// transfer, and sends the next window from the mapped file with one GSO call. No limits, no
// fairness, no adapted timers, no log, no second thread; what musterd costs beyond it is what all
// that costs. Usage: tftp-floor ADDRESS FOLDER
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t segments_max = 64;
constexpr std::uint32_t segment_bytes_max = 65'507;
constexpr unsigned batch = 64;
constexpr auto resend_after = std::chrono::milliseconds{100};

struct File {
    const char* bytes = nullptr;
    std::uint64_t size = 0;
};

struct Transfer {
    sockaddr_in client{};
    File file;
    std::uint64_t acked = 0; ///< blocks
    std::uint64_t last = 0;
    std::uint32_t in_flight = 0;
    std::uint32_t blksize = 512;
    std::uint32_t windowsize = 1;
    std::string oack; ///< until its ACK
    Clock::time_point sent_at;
};

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

std::uint64_t key_of(const sockaddr_in& client) {
    return std::uint64_t{client.sin_addr.s_addr} << 16U | client.sin_port;
}

class Floor {
public:
    Floor(const char* address, std::string folder)
        : folder_(std::move(folder)), requests_(bind(address, 69)), transfers_(bind(address, 0)) {
        for (unsigned i = 0; i < batch; ++i) {
            vectors_[i] = {payloads_[i].data(), payloads_[i].size()};
        }
    }

    [[noreturn]] void run() {
        std::array<pollfd, 2> polled{{{requests_, POLLIN, 0}, {transfers_, POLLIN, 0}}};
        for (auto looked_at = Clock::now();;) {
            ::poll(polled.data(), polled.size(), static_cast<int>(resend_after.count()));
            now_ = Clock::now();
            if ((polled[0].revents & POLLIN) != 0) {
                receive(requests_);
            }
            if ((polled[1].revents & POLLIN) != 0) {
                receive(transfers_);
            }
            if (now_ - looked_at >= resend_after) {
                looked_at = now_;
                for (auto& [key, transfer] : table_) {
                    if (now_ - transfer.sent_at >= resend_after) {
                        send_window(transfer);
                    }
                }
            }
        }
    }

private:
    static int bind(const char* address, std::uint16_t port) {
        const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(port);
        const int size = 64 << 20;
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        ::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
        if (fd < 0 || ::inet_pton(AF_INET, address, &name.sin_addr) != 1 ||
            ::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
            die("bind");
        }
        return fd;
    }

    void receive(int fd) {
        std::array<mmsghdr, batch> messages{};
        for (unsigned i = 0; i < batch; ++i) {
            messages[i].msg_hdr.msg_name = &names_[i];
            messages[i].msg_hdr.msg_namelen = sizeof names_[i];
            messages[i].msg_hdr.msg_iov = &vectors_[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        const int count = ::recvmmsg(fd, messages.data(), batch, MSG_DONTWAIT, nullptr);
        for (int i = 0; i < count; ++i) {
            const auto n = static_cast<unsigned>(i);
            const std::string_view packet{payloads_[n].data(), messages[n].msg_len};
            if (packet.size() < 4 || packet[0] != 0) {
                continue;
            }
            if (packet[1] == 1) {
                open(packet, names_[n]);
            } else if (packet[1] == 4) {
                acknowledge(packet, names_[n]);
            }
        }
    }

    const File& map(const std::string& name) {
        File& file = files_[name];
        struct stat status {};
        const int fd =
            file.bytes == nullptr ? ::open((folder_ + "/" + name).c_str(), O_RDONLY) : -1;
        if (fd >= 0 && ::fstat(fd, &status) == 0) {
            file.size = static_cast<std::uint64_t>(status.st_size);
            void* mapped = ::mmap(nullptr, file.size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
            if (mapped == MAP_FAILED) { // NOLINT: the macro's cast
                die("mmap");
            }
            file.bytes = static_cast<const char*>(mapped);
            ::close(fd);
        }
        return file;
    }

    void open(std::string_view packet, const sockaddr_in& client) {
        packet.remove_prefix(2);
        const auto word = [&packet] {
            const std::size_t end = std::min(packet.find('\0'), packet.size());
            const std::string_view text = packet.substr(0, end);
            packet.remove_prefix(std::min(end + 1, packet.size()));
            return std::string{text};
        };
        Transfer transfer;
        transfer.client = client;
        transfer.file = map(word());
        word(); // the mode
        if (transfer.file.bytes == nullptr) {
            return;
        }
        while (!packet.empty()) {
            const std::string option = word();
            std::string value = word();
            if (option == "tsize") {
                value = std::to_string(transfer.file.size);
            } else if (option == "blksize") {
                transfer.blksize = static_cast<std::uint32_t>(std::stoul(value));
            } else if (option == "windowsize") {
                transfer.windowsize = static_cast<std::uint32_t>(std::stoul(value));
            } else {
                continue;
            }
            transfer.oack += option + '\0' + value + '\0';
        }
        transfer.last = transfer.file.size / transfer.blksize + 1;
        Transfer& placed = table_[key_of(client)] = std::move(transfer);
        send_window(placed);
    }

    void acknowledge(std::string_view packet, const sockaddr_in& client) {
        const auto found = table_.find(key_of(client));
        if (found == table_.end()) {
            return;
        }
        Transfer& transfer = found->second;
        const auto block = static_cast<std::uint16_t>(static_cast<unsigned char>(packet[2]) << 8U |
                                                      static_cast<unsigned char>(packet[3]));
        const auto advanced =
            static_cast<std::uint16_t>(block - static_cast<std::uint16_t>(transfer.acked));
        if (!transfer.oack.empty() && block == 0) {
            transfer.oack.clear();
        } else if (advanced == 0 || advanced > transfer.in_flight) {
            return;
        }
        transfer.acked += advanced;
        if (transfer.acked == transfer.last) {
            table_.erase(found);
            return;
        }
        send_window(transfer);
    }

    void send_window(Transfer& transfer) {
        transfer.sent_at = now_;
        if (!transfer.oack.empty()) {
            const std::string packet = std::string{"\0\6", 2} + transfer.oack;
            ::sendto(transfers_, packet.data(), packet.size(), 0,
                     reinterpret_cast<const sockaddr*>(&transfer.client), sizeof transfer.client);
            return;
        }
        transfer.in_flight = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(transfer.windowsize, transfer.last - transfer.acked));
        const std::uint32_t most =
            std::min(segments_max, segment_bytes_max / (transfer.blksize + 4));
        for (std::uint32_t done = 0; done < transfer.in_flight;) {
            const std::uint32_t count = std::min(most, transfer.in_flight - done);
            send_segments(transfer, transfer.acked + done + 1, count);
            done += count;
        }
    }

    void send_segments(const Transfer& transfer, std::uint64_t first, std::uint32_t count) {
        std::array<std::array<unsigned char, 4>, segments_max> headers; // NOLINT: written below
        std::array<iovec, 2 * segments_max> vectors;                    // NOLINT: the same
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint64_t block = first + i;
            const std::uint64_t offset = (block - 1) * transfer.blksize;
            headers[i] = {0, 3, static_cast<unsigned char>(block >> 8U),
                          static_cast<unsigned char>(block)};
            vectors[2 * i] = {headers[i].data(), headers[i].size()};
            // iovec has no const: the kernel only reads from a sendmsg.
            vectors[2 * i + 1] = {
                const_cast<char*>(transfer.file.bytes) + offset, // NOLINT
                std::min<std::uint64_t>(transfer.blksize, transfer.file.size - offset)};
        }
        sockaddr_in client = transfer.client;
        msghdr message{};
        message.msg_name = &client;
        message.msg_namelen = sizeof client;
        message.msg_iov = vectors.data();
        message.msg_iovlen = std::size_t{2} * count;
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
        if (count > 1) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = IPPROTO_UDP;
            header->cmsg_type = UDP_SEGMENT;
            header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
            const auto segment = static_cast<std::uint16_t>(transfer.blksize + 4);
            std::memcpy(CMSG_DATA(header), &segment, sizeof segment);
        }
        ::sendmsg(transfers_, &message, 0); // what is lost the timer sends again
    }

    std::string folder_;
    int requests_;
    int transfers_;
    Clock::time_point now_;
    std::unordered_map<std::string, File> files_;
    std::unordered_map<std::uint64_t, Transfer> table_;
    std::array<sockaddr_in, batch> names_{};
    std::array<iovec, batch> vectors_{};
    std::array<std::array<char, 2048>, batch> payloads_{};
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: tftp-floor ADDRESS FOLDER\n", stderr);
        return 2;
    }
    Floor(argv[1], argv[2]).run();
}
