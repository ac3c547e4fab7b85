package mapping

import (
	"fmt"
	"strings"
	"time"
)

// Forms of days in documents, by their length.
var forms = map[int]string{6: "060102", 8: "20060102", 10: time.DateOnly, 12: "200601021504", 14: "20060102150405"}

// read takes a day, with a time of the day or without one, in the map's zone; ok is false for "".
func (m *Map) read(s string) (at time.Time, clock, ok bool, err error) {
	if s == "" {
		return at, false, false, nil
	}
	form, known := forms[len(s)]
	if !known {
		return at, false, false, fmt.Errorf("%q is not a date: CCYYMMDD is one", s)
	}
	if at, err = time.ParseInLocation(form, s, m.zone); err != nil {
		return at, false, false, fmt.Errorf("%q is not a date: CCYYMMDD is one", s)
	}
	return at, len(s) >= 12, true, nil
}

// moments are kept in UTC, as JSON has them.
func moment(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// day is the beginning of a day, or the moment where the text has a time.
func (m *Map) day(s string) (string, error) {
	at, _, ok, err := m.read(s)
	if err != nil || !ok {
		return "", err
	}
	return moment(at), nil
}

// dayEnd is the last second of a day, or the moment where the text has a time.
func (m *Map) dayEnd(s string) (string, error) {
	at, clock, ok, err := m.read(s)
	if err != nil || !ok {
		return "", err
	}
	if !clock {
		at = time.Date(at.Year(), at.Month(), at.Day(), 23, 59, 59, 0, m.zone)
	}
	return moment(at), nil
}

// date is the day alone: 2026-11-30.
func (m *Map) date(s string) (string, error) {
	at, _, ok, err := m.read(s)
	if err != nil || !ok {
		return "", err
	}
	return at.Format(time.DateOnly), nil
}

// moment is a day and a time of it, HHMM or HHMMSS with more behind.
func (m *Map) moment(day, clock string) (string, error) {
	at, _, ok, err := m.read(day)
	if err != nil || !ok || clock == "" {
		return m.day(day)
	}
	form := "1504"
	if len(clock) >= 6 {
		form, clock = "150405", clock[:6]
	}
	of, err := time.Parse(form, clock)
	if err != nil {
		return "", fmt.Errorf("%q is not a time of the day: HHMM is one", clock)
	}
	return moment(time.Date(at.Year(), at.Month(), at.Day(), of.Hour(), of.Minute(), of.Second(), 0, m.zone)), nil
}

var letters = strings.NewReplacer("CCYY", "2006", "YYYY", "2006", "YY", "06", "MM", "01", "DD", "02", "HH", "15", "mm", "04", "SS", "05")

// written is the way back: a moment of JSON in the map's zone, by a form of CCYY YY MM DD HH mm SS.
func (m *Map) written(s, form string) (string, error) {
	if s == "" {
		return "", nil
	}
	layout := letters.Replace(form)
	if strings.ContainsFunc(layout, func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }) {
		return "", fmt.Errorf("form %q has other letters than CCYY YY MM DD HH mm SS", form)
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if at, err = time.ParseInLocation(time.DateOnly, s, m.zone); err != nil {
			return "", fmt.Errorf("%q is neither a moment like 2026-11-30T09:15:00Z nor a day", s)
		}
	}
	return at.In(m.zone).Format(layout), nil
}
