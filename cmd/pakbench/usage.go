package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// meter takes what a round costs: CPU of the whole process, the collector and SQLite
// included, allocations, and the most memory that was resident.
type meter struct {
	began   time.Time
	cpu     time.Duration
	machine time.Duration
	mallocs uint64
}

// settle gives back what the last round left, so that its memory is not counted as the next one's.
func settle() { debug.FreeOSMemory() }

func begin() meter {
	resetPeak()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return meter{began: time.Now(), cpu: cpuTime(), machine: machineTime(), mallocs: ms.Mallocs}
}

// end is the sample of n operations that ended now.
func (m meter) end(n int) sample {
	took := time.Since(m.began)
	cpu := cpuTime() - m.cpu
	others := machineTime() - m.machine - cpu
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return sample{
		value: float64(n) / took.Seconds(),
		counts: map[string]float64{
			"cpu_us_per_op": float64(cpu.Microseconds()) / float64(n),
			"allocs_per_op": float64(ms.Mallocs-m.mallocs) / float64(n),
			"cores_busy":    cpu.Seconds() / took.Seconds(),
			"cores_others":  max(0, others.Seconds()/took.Seconds()),
			"peak_rss_mb":   peakRSS("self"),
		},
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machineTime is the CPU time that all processes used, and that a hypervisor took: a round
// that others worked through is a poor one, whatever it says.
func machineTime() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var ticks int64
	for i, f := range strings.Fields(line) {
		// user nice system idle iowait irq softirq steal
		if n, err := strconv.ParseInt(f, 10, 64); err == nil && i != 4 && i != 5 && i <= 8 {
			ticks += n
		}
	}
	return time.Duration(ticks) * (time.Second / 100) // USER_HZ
}

// resetPeak makes VmHWM begin anew. Where the kernel refuses, the peak is that of
// the whole run, which is no less than the truth.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200) }

// peakRSS is the most resident memory of a process in MB, 0 where nobody knows.
func peakRSS(pid string) float64 { return status(pid, "VmHWM") }

// rss is its resident memory now.
func rss(pid string) float64 { return status(pid, "VmRSS") }

func status(pid, field string) float64 {
	f, err := os.Open(fmt.Sprintf("/proc/%s/status", pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), field+":"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 64)
			if err != nil {
				return 0
			}
			return kb / 1024
		}
	}
	return 0
}
