package simulate

import (
	"container/heap"
	"time"
)

// agenda is what people and partners will do, by time; at one time in the order it was noted.
type agenda struct {
	list []entry
	no   int
}

type entry struct {
	at time.Time
	no int
	do func()
}

func (a *agenda) add(at time.Time, do func()) {
	a.no++
	heap.Push(a, entry{at, a.no, do})
}

// next is when something is to be done; false for never.
func (a *agenda) next() (time.Time, bool) {
	if len(a.list) == 0 {
		return time.Time{}, false
	}
	return a.list[0].at, true
}

func (a *agenda) take() func() { return heap.Pop(a).(entry).do }

// Len implements [heap.Interface].
func (a *agenda) Len() int { return len(a.list) }

// Less implements [heap.Interface].
func (a *agenda) Less(i, j int) bool {
	x, y := a.list[i], a.list[j]
	if c := x.at.Compare(y.at); c != 0 {
		return c < 0
	}
	return x.no < y.no
}

// Swap implements [heap.Interface].
func (a *agenda) Swap(i, j int) { a.list[i], a.list[j] = a.list[j], a.list[i] }

// Push implements [heap.Interface].
func (a *agenda) Push(x any) { a.list = append(a.list, x.(entry)) }

// Pop implements [heap.Interface].
func (a *agenda) Pop() any {
	n := len(a.list) - 1
	x := a.list[n]
	a.list[n] = entry{}
	a.list = a.list[:n]
	return x
}
