package view

import (
	"time"

	"github.com/paklog/hub/core/journal"
)

// DeskLetter is what the desk's index holds of a letter: enough to list it and to find it.
type DeskLetter struct {
	ID          string      `json:"id"`
	State       string      `json:"state"`
	Channel     string      `json:"channel"`
	Kind        string      `json:"kind"`
	Route       string      `json:"route"`
	Type        string      `json:"type"`
	Partner     string      `json:"partner,omitempty"`
	Fingerprint string      `json:"fingerprint"`
	Cause       string      `json:"cause"`
	Place       string      `json:"place,omitempty"`
	Key         string      `json:"key,omitempty"`
	Correlation string      `json:"correlation,omitempty"`
	Keys        []string    `json:"keys,omitempty"` // business keys, "order=PO-4711"
	Opened      time.Time   `json:"opened"`
	Failed      time.Time   `json:"failed"`
	Opening     int         `json:"opening"`
	Position    journal.Pos `json:"position"` // of the message that failed
}

// DeskQuery chooses letters of the index. Zero fields choose all; those that are set must all hold.
type DeskQuery struct {
	States      []string // any of these
	Channel     string
	Kind        string
	Route       string
	Type        string
	Partner     string
	Fingerprint string
	Key         string // a business key's value, the ordering key, a message id or a correlation
	Text        string // words of the cause, each of which must occur
	From, To    time.Time
	// Before is the cursor: letters older than it. 0 begins at the newest.
	Before uint64
	Limit  int
}

// DeskCount bounds what is counted exactly.
const DeskCount = 10_000

// DeskPage is a page of letters, newest first.
type DeskPage struct {
	Items    []DeskLetter
	Next     uint64 // cursor of the next page, 0 at the end
	Total    int    // at most [DeskCount]
	More     bool   // there are more than Total
	Position journal.Pos
}

// DeskGroup is what letters of one fingerprint have in common.
type DeskGroup struct {
	Fingerprint string    `json:"fingerprint"`
	Channel     string    `json:"channel"`
	Kind        string    `json:"kind"`
	Route       string    `json:"route"`
	Cause       string    `json:"cause" doc:"of its newest letter"`
	Place       string    `json:"place,omitempty"`
	Letter      string    `json:"letter" doc:"its newest"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Failures    int       `json:"failures" doc:"openings of letters, replays that failed again among them"`
	Open        int       `json:"open"`
	Replaying   int       `json:"replaying"`
	Resolved    int       `json:"resolved"`
	Dropped     int       `json:"dropped"`
	// Oldest is when the oldest letter that is open was opened.
	Oldest *time.Time `json:"oldest,omitempty"`
	// Hours are failures by hour, of the 24 hours up to the newest hour of Now.
	Hours []int `json:"hours,omitempty" doc:"failures in each of the last 24 hours, the newest last"`
}
