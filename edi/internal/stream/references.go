package stream

// References are the control numbers that came so far, to tell one that comes again.
// Senders count: of numbers that follow each other only the first and the last are
// kept. The zero value is ready.
type References struct {
	runs   []numbered
	others map[string]struct{}
}

// numbered are all numbers of so many digits from one to another.
type numbered struct {
	digits      int
	first, last uint64
}

const (
	mostRuns   = 8
	mostOthers = 1 << 16 // what comes behind them is not remembered
)

// Again reports whether ref came before, and remembers it.
func (s *References) Again(ref string) bool {
	n, counted := uint64(0), len(ref) > 0 && len(ref) <= 18
	for i := 0; i < len(ref) && counted; i++ {
		n, counted = 10*n+uint64(ref[i]-'0'), ref[i]-'0' < 10
	}
	if counted {
		next := -1
		for i, r := range s.runs {
			if r.digits != len(ref) {
				continue
			}
			if n >= r.first && n <= r.last {
				return true
			}
			if n == r.last+1 {
				next = i
			}
		}
		if _, again := s.others[ref]; again {
			return true
		}
		switch {
		case next >= 0:
			s.runs[next].last = n
			return false
		case len(s.runs) < mostRuns:
			s.runs = append(s.runs, numbered{len(ref), n, n})
			return false
		}
	}
	if _, again := s.others[ref]; again {
		return true
	}
	if s.others == nil {
		s.others = map[string]struct{}{}
	}
	if len(s.others) < mostOthers {
		s.others[ref] = struct{}{}
	}
	return false
}

// Forget empties s.
func (s *References) Forget() {
	s.runs = s.runs[:0]
	clear(s.others)
}
