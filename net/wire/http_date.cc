// SPDX-License-Identifier: Apache-2.0
#include "net/wire/http_date.hh"

#include <algorithm>
#include <cstddef>

namespace muster {
namespace {

using Names = std::string_view;
constexpr Names day_names = "SunMonTueWedThuFriSat";
constexpr Names month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr Names pattern = "DDD, 00 MMM 0000 00:00:00 GMT";

constexpr std::int64_t ms_per_s = 1000;
constexpr std::int64_t s_per_day = 86'400;
constexpr std::int64_t end_of_9999_s = 253'402'300'800;

void put_number(HttpDate& date, std::size_t at, std::size_t width, std::int64_t value) noexcept {
    for (std::size_t i = width; i > 0; --i) {
        date.text[at + i - 1] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

void put_name(HttpDate& date, std::size_t at, Names names, std::size_t index) noexcept {
    std::ranges::copy(names.substr(index * 3, 3), &date.text[at]);
}

std::int64_t number_at(std::string_view text, std::size_t at, std::size_t width) noexcept {
    std::int64_t value = 0;
    for (const char digit : text.substr(at, width)) {
        value = value * 10 + (digit - '0');
    }
    return value;
}

std::optional<std::size_t> index_of(Names names, std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); i += 3) {
        if (names.substr(i, 3) == name) {
            return i / 3;
        }
    }
    return std::nullopt;
}

/// Digits and punctuation stand where they must; the names are looked up later.
bool has_the_form(std::string_view text) noexcept {
    if (text.size() != pattern.size()) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool named = (i < 3) || (i >= 8 && i < 11);
        const bool fits =
            pattern[i] == '0' ? text[i] >= '0' && text[i] <= '9' : named || text[i] == pattern[i];
        if (!fits) {
            return false;
        }
    }
    return true;
}

} // namespace

std::optional<HttpDate> write_http_date(UnixTime at) noexcept {
    const std::int64_t seconds = at.ms / ms_per_s;
    if (at.ms < 0 || seconds >= end_of_9999_s) {
        return std::nullopt;
    }
    const std::chrono::sys_days day{std::chrono::days{seconds / s_per_day}};
    const std::chrono::year_month_day civil{day};
    const std::int64_t of_day = seconds % s_per_day;

    HttpDate date;
    std::ranges::copy(pattern, date.text.begin());
    put_name(date, 0, day_names, std::chrono::weekday{day}.c_encoding());
    put_number(date, 5, 2, static_cast<unsigned>(civil.day()));
    put_name(date, 8, month_names, static_cast<unsigned>(civil.month()) - 1);
    put_number(date, 12, 4, static_cast<int>(civil.year()));
    put_number(date, 17, 2, of_day / 3600);
    put_number(date, 20, 2, of_day / 60 % 60);
    put_number(date, 23, 2, of_day % 60);
    return date;
}

std::optional<UnixTime> read_http_date(std::string_view text) noexcept {
    if (!has_the_form(text)) {
        return std::nullopt;
    }
    const auto weekday = index_of(day_names, text.substr(0, 3));
    const auto month = index_of(month_names, text.substr(8, 3));
    const std::int64_t hour = number_at(text, 17, 2);
    const std::int64_t minute = number_at(text, 20, 2);
    const std::int64_t second = number_at(text, 23, 2);
    if (!weekday || !month || hour > 23 || minute > 59 || second > 60) { // 60: a leap second
        return std::nullopt;
    }
    const std::chrono::year_month_day civil{
        std::chrono::year{static_cast<int>(number_at(text, 12, 4))},
        std::chrono::month{static_cast<unsigned>(*month) + 1},
        std::chrono::day{static_cast<unsigned>(number_at(text, 5, 2))}};
    if (!civil.ok()) {
        return std::nullopt;
    }
    const std::chrono::sys_days day{civil};
    const std::int64_t days = day.time_since_epoch().count();
    if (days < 0 || std::chrono::weekday{day}.c_encoding() != *weekday) {
        return std::nullopt;
    }
    const std::int64_t seconds = days * s_per_day + hour * 3600 + minute * 60 + second;
    return UnixTime{seconds * ms_per_s};
}

} // namespace muster
