package gs1

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Date is a value YYMMDD as a day in UTC. The century is the one that brings the year
// nearest to that of now: from 49 years before it to 50 after (General Specifications 7.12).
// Day 00 is the last of the month.
func Date(v string, now time.Time) (time.Time, error) {
	if p := day(v, true); p != "" {
		return time.Time{}, errors.New(p)
	}
	yy, m, d := two(v), time.Month(two(v[2:])), two(v[4:])
	this := now.UTC().Year()
	year := this - this%100 + yy
	switch diff := yy - this%100; {
	case diff >= 51:
		year -= 100
	case diff <= -50:
		year += 100
	}
	if d == 0 {
		return time.Date(year, m+1, 0, 0, 0, 0, 0, time.UTC), nil
	}
	t := time.Date(year, m, d, 0, 0, 0, 0, time.UTC)
	if t.Day() != d {
		return time.Time{}, fmt.Errorf("%s: %d has no such day", v, year)
	}
	return t, nil
}

// Expiry is the day until which the goods may be used or are at their best: AI (17), else the
// day of (7003), else (15). ok is false where none is there. The month's last day stands for
// day 00.
func (c Code) Expiry(now time.Time) (day time.Time, ok bool) {
	v := c.first("17", "7003", "15")
	if len(v) < 6 {
		return time.Time{}, false
	}
	day, err := Date(v[:6], now)
	return day, err == nil
}

// two is the number that two digits make; the caller has checked them.
func two(s string) int {
	n, _ := strconv.Atoi(s[:2])
	return n
}

// day says why v is no YYMMDD. zero allows day 00.
func day(v string, zero bool) string {
	if len(v) != 6 || !isDigits(v) {
		return fmt.Sprintf("%q is not six digits YYMMDD", v)
	}
	m, d := two(v[2:]), two(v[4:])
	switch {
	case m < 1 || m > 12:
		return fmt.Sprintf("%s: there is no month %02d", v, m)
	case d == 0 && !zero:
		return fmt.Sprintf("%s: the day is missing", v)
	case d > time.Date(2000+two(v), time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day():
		return fmt.Sprintf("%s: month %02d has no day %02d", v, m, d)
	}
	return ""
}

func dayOrMonth(v string) string { return day(v, true) }
func exactDay(v string) string   { return day(v, false) }

// clock says why v is no HHMM.
func clock(v string) string {
	if two(v) > 23 || two(v[2:]) > 59 {
		return v + " is no time of day"
	}
	return ""
}

// deliveryTime is HHMM, or 9999 for any time of the day.
func deliveryTime(v string) string {
	if v == "9999" {
		return ""
	}
	return clock(v)
}

// hour says why v is no YYMMDDHH.
func hour(v string) string {
	if p := exactDay(v[:6]); p != "" {
		return p
	}
	if two(v[6:]) > 23 {
		return v[6:] + " is no hour"
	}
	return ""
}

// minutes says why v is neither MM nor MMSS.
func minutes(v string) string {
	if len(v)%2 != 0 || two(v) > 59 || len(v) == 4 && two(v[2:]) > 59 {
		return v + " is neither minutes nor minutes and seconds"
	}
	return ""
}
