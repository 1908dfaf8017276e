// SPDX-License-Identifier: Apache-2.0
#include "core/flight/flight_recorder.hh"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

using Phase = TransferSample::Phase;

class Recorder : public testing::Test {
protected:
    FlightRecorder recorder;
    UnixTime now{1'700'000'000'000};

    void wait(Duration time) { now = now + time; }
    void seen(DhcpClientKind kind, bool acknowledged = false, std::uint16_t asked_for_s = 0) {
        MachineSeen machine;
        machine.address = {{10, 0, 0, 21}};
        machine.arch = 7;
        machine.kind = kind;
        machine.acknowledged = acknowledged;
        machine.asked_for_s = asked_for_s;
        recorder.on_seen("n1", machine, now);
    }
    void sample(FlightKind kind, std::string path, Phase phase, std::uint64_t sent = 0) {
        TransferSample s;
        s.path = std::move(path);
        s.phase = phase;
        s.sent = sent;
        recorder.on_transfer("n1", kind, s, now);
    }
    [[nodiscard]] const FlightEntry& at(std::size_t i) const { return recorder.of("n1")[i]; }
    [[nodiscard]] std::size_t size() const { return recorder.of("n1").size(); }
};

TEST_F(Recorder, WhatRepeatsItselfIsOneEntryWithACount) {
    seen(DhcpClientKind::pxe);
    wait(4s);
    seen(DhcpClientKind::pxe);
    wait(8s);
    seen(DhcpClientKind::pxe);
    seen(DhcpClientKind::pxe, true);
    ASSERT_EQ(size(), 2U);
    EXPECT_EQ(at(0).kind, FlightKind::offer);
    EXPECT_EQ(at(0).text, "PXE ROM, x64 UEFI: 10.0.0.21");
    EXPECT_EQ(at(0).count, 3U);
    EXPECT_EQ(at(0).last - at(0).at, 12s);
    EXPECT_EQ(at(1).kind, FlightKind::ack);
    EXPECT_EQ(at(1).count, 1U);
}

TEST_F(Recorder, AnOfferToARomAfterALoaderBeginsTheNextBoot) {
    seen(DhcpClientKind::pxe);
    sample(FlightKind::loader, "/loaders/ipxe.efi", Phase::completed, 100);
    seen(DhcpClientKind::ipxe);
    EXPECT_EQ(at(2).boot, 1U) << "iPXE belongs to the boot of its ROM";
    seen(DhcpClientKind::pxe);
    EXPECT_EQ(at(3).boot, 2U);
    EXPECT_EQ(at(3).kind, FlightKind::power);
    EXPECT_EQ(at(4).kind, FlightKind::offer);
    wait(4s);
    seen(DhcpClientKind::pxe);
    EXPECT_EQ(size(), 5U) << "it asks again";
    wait(6min);
    seen(DhcpClientKind::pxe);
    EXPECT_EQ(at(5).boot, 3U) << "after a silence it was switched on again";
    EXPECT_EQ(at(5).text, "on again or reset, 6 min after offer PXE ROM, x64 UEFI: 10.0.0.21");
}

TEST_F(Recorder, ARestartSaysWhatTheMachineWasAt) {
    seen(DhcpClientKind::pxe);
    EXPECT_EQ(at(0).kind, FlightKind::offer) << "of a first boot nothing is known before";
    sample(FlightKind::payload, "/files/linux", Phase::started);
    sample(FlightKind::payload, "/files/initrd", Phase::started);
    sample(FlightKind::payload, "/files/initrd", Phase::completed, 400);
    wait(50s);
    seen(DhcpClientKind::pxe);
    EXPECT_EQ(at(3).text,
              "on again or reset, 50 s after payload /files/linux, in the middle of it");
    recorder.note("n1", FlightKind::report, "", "installed", now);
    wait(3h);
    seen(DhcpClientKind::pxe);
    EXPECT_EQ(at(6).kind, FlightKind::power);
    EXPECT_EQ(at(6).boot, 3U);
    EXPECT_EQ(at(6).text, "on again or reset, 3 h after report installed");
}

TEST_F(Recorder, IpxeInTheCardItselfBeginsItsBoots) {
    seen(DhcpClientKind::ipxe);
    EXPECT_EQ(at(0).boot, 1U);
    recorder.note("n1", FlightKind::wait, "", "others load", now);
    seen(DhcpClientKind::ipxe);
    EXPECT_EQ(at(2).boot, 1U) << "it was told to wait, and asks again";
    recorder.note("n1", FlightKind::script, "", "iPXE: install", now);
    seen(DhcpClientKind::ipxe);
    EXPECT_EQ(at(4).boot, 2U);
    EXPECT_EQ(at(4).kind, FlightKind::power);
}

TEST_F(Recorder, ABootThatSaysItHasAskedBeforeIsLateOnce) {
    seen(DhcpClientKind::pxe, false, 31);
    seen(DhcpClientKind::pxe, false, 35);
    ASSERT_EQ(size(), 2U);
    EXPECT_EQ(at(0).kind, FlightKind::late);
    EXPECT_EQ(at(0).text, "31 s");
    EXPECT_EQ(at(1).count, 2U);
}

TEST_F(Recorder, FirmwareThatAsksForTheSecondTimeIsNotLate) {
    seen(DhcpClientKind::pxe, false, 4);
    EXPECT_EQ(at(0).kind, FlightKind::offer);
}

TEST_F(Recorder, ATransferIsOneEntryFromItsStartToItsEnd) {
    sample(FlightKind::payload, "/files/linux", Phase::started);
    EXPECT_EQ(at(0).end, FlightEnd::runs);
    wait(250ms);
    sample(FlightKind::payload, "/files/linux", Phase::running, 600);
    sample(FlightKind::payload, "/files/initrd", Phase::started);
    wait(250ms);
    sample(FlightKind::payload, "/files/linux", Phase::completed, 400);
    ASSERT_EQ(size(), 2U);
    EXPECT_EQ(at(0).bytes, 1'000U);
    EXPECT_EQ(at(0).end, FlightEnd::done);
    EXPECT_EQ(at(0).count, 1U);
    EXPECT_EQ(at(0).last - at(0).at, 500ms);
    sample(FlightKind::payload, "/files/initrd", Phase::aborted, 7);
    EXPECT_EQ(at(1).end, FlightEnd::broken_off);
    EXPECT_EQ(at(1).bytes, 7U);
}

TEST_F(Recorder, PackagesAreNotedByTheirFolder) {
    for (const char* name : {"a", "b", "c"}) {
        sample(FlightKind::file, std::string{"/mirror/debian/pool/"} + name + ".deb",
               Phase::completed, 10);
    }
    ASSERT_EQ(size(), 1U);
    EXPECT_EQ(at(0).text, "/mirror/debian/…");
    EXPECT_EQ(at(0).count, 3U);
    EXPECT_EQ(at(0).bytes, 30U);
}

TEST_F(Recorder, NotesOfOneBeginningCountOn) {
    recorder.note("n1", FlightKind::report, "progress", "progress 10 %", now);
    recorder.note("n1", FlightKind::report, "progress", "progress 20 %", now);
    recorder.note("n1", FlightKind::report, "installed", "installed", now);
    ASSERT_EQ(size(), 2U);
    EXPECT_EQ(at(0).text, "progress 20 %");
    EXPECT_EQ(at(0).count, 2U);
}

TEST_F(Recorder, ForgetsTheOldestAndBootsThatAreLongPast) {
    for (unsigned i = 0; i < 1'000; ++i) {
        recorder.note("n1", FlightKind::answers, "-", std::to_string(i), now);
    }
    EXPECT_LE(size(), flight_per_node_max);
    EXPECT_GE(size(), flight_per_node_max / 2);
    EXPECT_EQ(at(size() - 1).text, "999");
    for (unsigned boot = 0; boot < 6; ++boot) {
        seen(DhcpClientKind::pxe);
        sample(FlightKind::loader, "/loaders/a", Phase::completed, 1);
    }
    EXPECT_EQ(at(0).boot, 3U) << "the last four of six";
}

TEST_F(Recorder, OnlyWhatChangedIsKeptAgain) {
    seen(DhcpClientKind::pxe);
    seen(DhcpClientKind::pxe, true);
    EXPECT_EQ(recorder.take_unsaved(100).size(), 2U);
    recorder.saved(true);
    EXPECT_FALSE(recorder.has_unsaved());
    seen(DhcpClientKind::pxe, true);
    const auto second = recorder.take_unsaved(100);
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].entry.count, 2U);
    recorder.saved(false);
    EXPECT_EQ(recorder.take_unsaved(100).size(), 1U) << "refused, so given again";
}

TEST_F(Recorder, GoesOnWhereTheStoreEnded) {
    seen(DhcpClientKind::pxe);
    sample(FlightKind::loader, "/loaders/a", Phase::started, 1);
    FlightRecorder next;
    next.load(recorder.take_unsaved(100));
    ASSERT_EQ(next.of("n1").size(), 2U);
    EXPECT_EQ(next.of("n1")[1].end, FlightEnd::broken_off) << "who sent it is gone";
    EXPECT_FALSE(next.has_unsaved());
    next.note("n1", FlightKind::script, "", "iPXE", now);
    EXPECT_GT(next.of("n1")[2].id, next.of("n1")[1].id);
    EXPECT_EQ(next.of("n1")[2].boot, 1U);
}

TEST_F(Recorder, ANodeKeepsItsStoryUnderAnotherName) {
    seen(DhcpClientKind::pxe);
    (void)recorder.take_unsaved(100);
    recorder.saved(true);
    recorder.rename("n1", "rack1-7");
    EXPECT_TRUE(recorder.of("n1").empty());
    EXPECT_EQ(recorder.of("rack1-7").size(), 1U);
    const auto kept = recorder.take_unsaved(100);
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(kept[0].node, "rack1-7");
    recorder.forget("rack1-7");
    EXPECT_TRUE(recorder.of("rack1-7").empty());
}

} // namespace
} // namespace muster::test
