package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// result is one line of the output.
type result struct {
	bench, about, unit  string
	value               float64
	floorName, peerName string
	floor, ratio        float64 // 0 where there is none
	peer, peerRatio     float64
	counts              map[string]float64
	notes               []string
	err                 error // why there is no value
}

// MarshalJSON writes the fields that every line has first and the counts after them, so
// that lines read alike. A bench that did not run has an error and no value.
func (r result) MarshalJSON() ([]byte, error) {
	b := bytes.NewBufferString("{")
	field := func(name string, v any) error {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		x, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		b.WriteString(strconv.Quote(name) + ":")
		b.Write(x)
		return nil
	}
	errs := []error{field("bench", r.bench)}
	if r.err != nil {
		errs = append(errs, field("unit", r.unit), field("error", r.err.Error()))
	} else {
		errs = append(errs, field("value", round(r.value)), field("unit", r.unit))
		if r.ratio > 0 {
			errs = append(errs, field("floor", round(r.floor)), field("floor_bench", r.floorName), field("ratio", round(r.ratio)))
		}
		if r.peerRatio > 0 {
			errs = append(errs, field("peer", round(r.peer)), field("peer_bench", r.peerName), field("peer_ratio", round(r.peerRatio)))
		}
		for _, name := range slices.Sorted(maps.Keys(r.counts)) {
			errs = append(errs, field(name, round(r.counts[name])))
		}
	}
	b.WriteByte('}')
	return b.Bytes(), errors.Join(errs...)
}

// round keeps four digits: the rest is noise.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	if scale < 1 {
		return math.Round(v)
	}
	return math.Round(v*scale) / scale
}

func writeJSON(out io.Writer, results []result) error {
	for _, r := range results {
		line, err := r.MarshalJSON()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// writePage is the one page for people.
func writePage(out io.Writer, results []result) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MEASURED\tVALUE\t\tOF ITS FLOOR\tOF ITS PEER\tCOUNTS")
	for _, r := range results {
		if r.err != nil {
			fmt.Fprintf(w, "%s\t-\t\t\t\t%s\n", r.bench, strings.ReplaceAll(r.err.Error(), "\n", "; "))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.bench, number(r.value), r.unit,
			share(r.ratio, r.floorName), share(r.peerRatio, r.peerName), counted(r.counts))
		for _, n := range r.notes {
			fmt.Fprintf(w, "\t\t\t\t\t%s\n", n)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if aa, ok := r.counts["aa_ratio"]; ok {
			fmt.Fprintf(&b, "\nnoise: %s measured twice in each round differs by %.0f %%; a smaller difference means nothing\n", r.bench, 100*math.Abs(aa-1))
		}
	}
	var others []float64
	for _, r := range results {
		if v, ok := r.counts["cores_others"]; ok {
			others = append(others, v)
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(&b, "others used %.1f of %d cores meanwhile; the less, the more the absolute numbers mean\n", median(others), runtime.NumCPU())
	}
	_, err := out.Write(b.Bytes())
	return err
}

// offPage are counts that -json has and the page says otherwise or not at all.
var offPage = strings.Fields(`aa_ratio cores_busy cores_others runs_per_msg doubled max_ms alone_max_ms
	late_start_ms alone_late_start_ms generator_cpu_us_per_op accepted finished backlog_middle backlog_end`)

func share(ratio float64, of string) string {
	switch {
	case ratio == 0:
		return ""
	case ratio < 2:
		return fmt.Sprintf("%.0f %% of %s", 100*ratio, of)
	default:
		return fmt.Sprintf("%.1fx %s", ratio, of)
	}
}

// number is v with its thousands apart.
func number(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(round(v), 'f', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func counted(counts map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if !slices.Contains(offPage, name) {
			parts = append(parts, name+" "+strconv.FormatFloat(round(counts[name]), 'f', -1, 64))
		}
	}
	return strings.Join(parts, ", ")
}
