package route

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func dcpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestDbg(t *testing.T) {
	for _, name := range []string{"unit_F5_m50_C30_a15_1", "unit_F10_m50_C180_a7_1", "unit_F2_m25_C180_a30_0", "varying_F5_m10_C60_a7_0", "varying_F5_m25_C60_a15_1"} {
		text, _ := os.ReadFile(filepath.Join("../../../shared/data/wms-instances/sprp/instances", name+".txt"))
		for blocks := 1; blocks <= 2; blocks++ {
			in, err := ReadSPRP(text, blocks)
			if err != nil {
				t.Fatal(err)
			}
			r, _ := NewRouter(in.Problem.Warehouse)
			s := newScatter(in.Problem, r, nil)
			s.forced()
			t0 := dcpu()
			_ = s.layOut()
			s.begin(len(s.layers), len(s.demand), len(s.at))
			for a, d := range s.demand {
				s.trial[a] = s.length * s.scale / int64(2*len(s.demand)) / d
			}
			t1 := dcpu()
			e := s.effort
			s.price(rounds, patience)
			t2 := dcpu()
			t.Logf("%s %d: layout %v, price %v bound %d length %d rounds %d", name, blocks, t1-t0, t2-t1, s.bound, s.length, (s.effort-e)/int64(len(s.layers)*s.r.t.classes))
			for _, w := range []int{64, 256, 1024} {
				p := &pass{scatter: s}
				e = s.effort
				tricky := make([]int, len(s.demand))
				for a := range tricky {
					tricky[a] = a
				}
				slices.SortStableFunc(tricky, func(a, b int) int { return cmp.Compare(s.over[b], s.over[a]) })
				copy(s.trial, s.lambda)
				t0 = dcpu()
				s.remember(tricky, w/4)
				t.Logf("  memory %d: %v bound %d", s.memory.size, dcpu()-t0, s.roundUp(s.memory.ahead[0][s.r.t.start]+s.worth, s.scale))
				t0 = dcpu()
				p.run(w)
				t.Logf("  width %d: %v length %d bound %d effort %d", w, dcpu()-t0, s.length, s.bound, s.effort-e)
			}
			n := newNeighbours(s, 1)
			for range 5 {
				t0 = dcpu()
				n.improve(20, 64)
				t.Logf("  20 parts: %v length %d size %d", dcpu()-t0, s.length, n.sub.memory.size)
			}
		}
	}
}
