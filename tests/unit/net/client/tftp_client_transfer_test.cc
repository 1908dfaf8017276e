// SPDX-License-Identifier: Apache-2.0
// Whole transfers from the real server, over networks with faults drawn from a seed: every one ends
// with exactly the file's bytes.
#include "net/client/tftp_client.hh"

#include "tests/unit/net/client/tftp_network.hh"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace muster::test {
namespace {

constexpr std::array<Duration, 12> waits{250ms, 500ms, 1s, 2s, 4s, 8s, 8s, 8s, 8s, 8s, 8s, 8s};
constexpr std::array<Duration, 40> steady{4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s,
                                          4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s,
                                          4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s, 4s};
constexpr std::array models{
    TftpClientModel{.blksize = 1432, .request_waits = waits, .data_waits = waits},
    TftpClientModel{.blksize = 1468,
                    .windowsize = 4,
                    .probe = true,
                    .option_order = "tbw",
                    .request_waits = steady,
                    .data_waits = steady},
    TftpClientModel{.blksize = 512,
                    .windowsize = 16,
                    .option_order = "bw",
                    .request_waits = waits,
                    .data_waits = waits},
    TftpClientModel{.blksize = 1468,
                    .timeout_s = 5,
                    .option_order = "Ttb",
                    .request_waits = waits,
                    .last_wait = 60s,
                    .data_waits = {}}, // U-Boot and GRUB rely on the server's timer
    TftpClientModel{.blksize = 0, .tsize = false, .request_waits = waits, .data_waits = waits},
    TftpClientModel{.blksize = 1468,
                    .windowsize = 64,
                    .multicast = true, // which this server does not grant
                    .option_order = "btwm",
                    .request_waits = waits,
                    .data_waits = waits},
};

/// Fetches one file, checks it, finishes.
class OneFetch final : public ClientMachine {
public:
    OneFetch(const TftpClientModel& model, const std::string& file)
        : model_(model), file_(file), expected_(as_bytes(file)) {}

    void start(ClientContext& context) noexcept override {
        client_.begin({.local = context.identity.address,
                       .port = 50'000,
                       .server = {server_address, 69},
                       .name = "f",
                       .expected = &expected_,
                       .keep_max = file_.size()},
                      model_, context);
        settle(context);
    }
    void on_datagram(const ClientRx& datagram, ClientContext& context) noexcept override {
        client_.on_datagram(datagram, context);
        settle(context);
    }
    void on_timer(ClientContext& context) noexcept override {
        client_.on_timer(context);
        settle(context);
    }

private:
    void settle(ClientContext& context) {
        context.set_timer(client_.deadline());
        if (!client_.busy()) {
            const bool ok = client_.outcome() == ClientOutcome::done && client_.body() == file_;
            context.finish(ok, client_.why());
        }
    }
    const TftpClientModel& model_;
    const std::string& file_;
    Bytes expected_;
    TftpClient client_;
};

std::string why(const TftpNetwork& network) {
    return network.notes.empty() ? "nothing noted" : network.notes.back().text;
}

TEST(TftpClientTransfer, EveryModelFetchesEverySize) {
    for (const TftpClientModel& model : models) {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, std::size_t{511}, std::size_t{512}, std::size_t{513},
              std::size_t{1468} * 64, std::size_t{300'001}}) {
            TftpNetwork network{{}, 1};
            const std::string file = pattern(size);
            network.world.files["files/f"] = text_content(file);
            network.add(0, std::make_unique<OneFetch>(model, file));
            ASSERT_TRUE(network.run(600s));
            EXPECT_EQ(network.finished_well(), 1U)
                << size << ' ' << model.option_order << ' ' << why(network);
            EXPECT_EQ(network.count(ClientNote::Kind::retransmission), 0U);
        }
    }
}

TEST(TftpClientTransfer, NetworksWithFaultsChangeNoByte) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Prng draw{seed};
        const TftpClientModel& model = models[draw.below(models.size())];
        const NetworkFaults faults{
            .loss = draw.chance(0.5) ? draw.uniform() * 0.15 : 0,
            .duplication = draw.chance(0.5) ? draw.uniform() * 0.3 : 0,
            .delay_min = std::chrono::microseconds{50 + draw.below(20'000)},
            .delay_spread = std::chrono::microseconds{draw.chance(0.5) ? draw.below(5000) : 0}};
        const std::string file = pattern(draw.below(200'000));
        TftpNetwork network{faults, draw.next()};
        network.world.files["files/f"] = text_content(file);
        network.add(0, std::make_unique<OneFetch>(model, file));
        ASSERT_TRUE(network.run(3600s)) << "seed " << seed;
        EXPECT_EQ(network.finished_well(), 1U) << "seed " << seed << ": " << why(network);
    }
}

// A network that doubles every packet must not make ever more of them.
TEST(TftpClientTransfer, DoublingDoesNotMultiply) {
    for (const TftpClientModel& model : models) {
        TftpNetwork network{{.duplication = 1}, 7};
        const std::string file = pattern(std::size_t{1000} * model.blksize + 1);
        network.world.files["files/f"] = text_content(file);
        network.add(0, std::make_unique<OneFetch>(model, file));
        ASSERT_TRUE(network.run(600s));
        EXPECT_EQ(network.finished_well(), 1U) << why(network);
        EXPECT_LT(network.datagrams_to_clients, 1100U) << "1001 blocks and little else";
    }
}

} // namespace
} // namespace muster::test
