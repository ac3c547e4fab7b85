package routes

import (
	"time"

	"github.com/paklog/hub/core/journal"
)

// roomFor is how long an answer about the room on the disk is taken for: asking is a system call.
const roomFor = 10 * time.Millisecond

func (h *Hub) isFull() bool {
	if h.full == nil {
		return false
	}
	now, at := h.now().UnixNano(), h.askedFull.Load()
	if since := time.Duration(now - at); since < 0 || since >= roomFor {
		if h.askedFull.CompareAndSwap(at, now) {
			h.tellFull(h.full(), now)
		}
	}
	return h.wasFull.Load()
}

// tellFull notes whether the store takes nothing new, and logs that it does not, and that it does again, once and
// not at each turn of a disk on the brink.
func (h *Hub) tellFull(full bool, now int64) {
	const apart = int64(time.Minute)
	was := h.wasFull.Swap(full)
	told := h.toldFull.Load()
	since := now - told
	switch {
	case full && !was && (told == 0 || since < 0 || since >= apart):
		h.toldFull.Store(now)
		h.log.Error("the disk of the journal has no room: doors refuse new work, and what is under way is finished", "err", journal.ErrFull)
	case !full && was && told > 0 && h.roomTold.Swap(told) != told:
		h.log.Info("the disk of the journal has room again: doors take work")
	}
}
