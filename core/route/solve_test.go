package route_test

import (
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/paklog/hub/core/route"
)

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestScattered(t *testing.T) {
	limit := int64(40)
	if v := os.Getenv("MS"); v != "" {
		limit, _ = strconv.ParseInt(v, 10, 64)
	}
	for blocks, table := range []string{1: "results_SPRP-SS.csv", 2: "results_SPRP-SS_two_block.csv"} {
		if blocks == 0 || os.Getenv("B") != "" && os.Getenv("B") != strconv.Itoa(blocks) {
			continue
		}
		want := published(t, table)
		for _, kind := range []string{"unit", "varying"} {
			if blocks == 2 && kind == "varying" && os.Getenv("V") == "" {
				continue
			}
			var n, proven, wrong, worst, gap, most int64
			var total, slowest time.Duration
			for _, in := range instances(t, blocks, kind+"_F2_m25", kind+"_F2_m50", kind+"_F5_m25", kind+"_F5_m50", kind+"_F10_m50") {
				seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
				start := cpu()
				a, err := route.Solve(in.Problem, seed, func(int64) bool { return cpu()-start > time.Duration(limit)*time.Millisecond })
				if err != nil {
					t.Fatal(err)
				}
				took := cpu() - start
				total += took
				slowest = max(slowest, took)
				n++
				best := want[in.Name]
				g := (a.Length/2 - best) * 10000 / best
				gap += g
				worst = max(worst, g)
				if a.Length == a.Bound {
					proven++
				}
				if a.Bound/2 > best || a.Length/2 < best {
					wrong++
				}
				if g > 0 && os.Getenv("V") != "" && (blocks == 1 || kind == "unit") {
					t.Logf("  %s: length %d bound %d published %d, %v effort %d", in.Name, a.Length/2, a.Bound/2, best, took, a.Effort)
				}
				most = max(most, a.Effort)
			}
			t.Logf("%d %s: %d instances, %d proven, %d wrong, gap %d worst %d (0.01%%), %v each, slowest %v", blocks, kind, n, proven, wrong, gap/n, worst, total/time.Duration(n), slowest)
		}
	}
}
