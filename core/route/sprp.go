package route

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/fault"
)

// Instance is a picker routing problem as a file of the SPRP text format states it
// (Heßler and Irnich, working paper LM-2023-02). The file's top is our front, so
// that cell 0 lies at the front.
type Instance struct {
	Name     string
	Problem  Problem
	Articles []int64 // the file's id of each of the problem's articles
	decimals int     // of the file's distances; the problem counts in halves of the last
}

// Limits of a file.
const (
	MaxArticles = 10_000
	MaxStock    = 100_000 // pick positions
	MaxQty      = 1_000_000
	maxDecimals = 4
)

// header keys and whether a file must have them.
var headerKeys = map[string]bool{
	"NAME": false, "TYPE": false, "COMMENT": false, "LAYOUT": false,
	"NUM_AISLES": true, "NUM_CELLS": true, "DEPOT_AISLE": true, "DEPOT_LOCATION": true,
	"DISTANCE_AISLE_TO_AISLE": true, "DISTANCE_CELL_TO_CELL": true, "DISTANCE_TOP_TO_CELL": true,
	"DISTANCE_BOTTOM_TO_CELL": true, "DISTANCE_TOP_OR_BOTTOM_TO_DEPOT": true,
}

// sprpReader keeps the place for its errors. Lines count from 1.
type sprpReader struct {
	lines  []string
	at     int // lines read so far
	header map[string]string
	where  map[string]int // line of each header key
	index  map[int64]int  // article id to index
	in     Instance
}

// ReadSPRP reads a file. Its text may hold bytes that are no UTF-8 in free text, CRLF
// line ends, and need not end its last line. Of two blocks the middle cross-aisle
// has width 1 and lies between cells C/2-1 and C/2, as the published two-block
// results have it; the files themselves do not say. An error is Invalid and
// names the line.
func ReadSPRP(text []byte, blocks int) (Instance, error) {
	r := &sprpReader{
		lines:  strings.Split(strings.TrimRight(string(text), "\r\n \t"), "\n"),
		header: map[string]string{}, where: map[string]int{}, index: map[int64]int{},
	}
	if err := r.read(blocks); err != nil {
		return Instance{}, err
	}
	return r.in, nil
}

func (r *sprpReader) bad(line int, format string, a ...any) error {
	return fault.At("route.ReadSPRP", fault.Invalid, fmt.Sprintf("line %d", line), fmt.Errorf(format, a...))
}

// next is the next line that is not blank.
func (r *sprpReader) next() (string, bool) {
	for r.at < len(r.lines) {
		r.at++
		if s := strings.TrimSpace(r.lines[r.at-1]); s != "" {
			return s, true
		}
	}
	return "", false
}

func (r *sprpReader) read(blocks int) error {
	if err := r.readHeader(); err != nil {
		return err
	}
	if err := r.readWarehouse(blocks); err != nil {
		return err
	}
	if err := r.section("NUM_ARTICLES", MaxArticles, r.readArticle); err != nil {
		return err
	}
	if err := r.keyword("SKU_SECTION"); err != nil {
		return err
	}
	if err := r.section("NUM_SKUS", MaxStock, r.readStock); err != nil {
		return err
	}
	if err := r.keyword("ORDER_SECTION"); err != nil {
		return err
	}
	if err := r.section("NUM_ARTICLES", MaxArticles, r.readDemand); err != nil {
		return err
	}
	if err := r.keyword("EOF"); err != nil {
		return err
	}
	if s, more := r.next(); more {
		return r.bad(r.at, "%q after EOF: the file must end there", short(s))
	}
	if err := r.in.Problem.Check(); err != nil {
		return r.bad(r.at, "%s", fault.Reason(err))
	}
	return nil
}

// readHeader reads "KEY : value" lines up to ARTICLE_SECTION.
func (r *sprpReader) readHeader() error {
	for {
		s, ok := r.next()
		if !ok {
			return r.bad(r.at+1, "the file ends in its header: expected ARTICLE_SECTION")
		}
		if s == "ARTICLE_SECTION" {
			break
		}
		key, value, found := strings.Cut(s, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if _, known := headerKeys[key]; !known || !found {
			return r.bad(r.at, "%q is no header line: expected `KEY : value` with a key of the SPRP format, or ARTICLE_SECTION", short(s))
		}
		if before, twice := r.where[key]; twice {
			return r.bad(r.at, "%s stands a second time: it was given on line %d", key, before)
		}
		r.header[key], r.where[key] = value, r.at
	}
	for _, key := range []string{
		"NUM_AISLES", "NUM_CELLS", "DEPOT_AISLE", "DEPOT_LOCATION", "DISTANCE_AISLE_TO_AISLE", "DISTANCE_CELL_TO_CELL",
		"DISTANCE_TOP_TO_CELL", "DISTANCE_BOTTOM_TO_CELL", "DISTANCE_TOP_OR_BOTTOM_TO_DEPOT",
	} {
		if _, given := r.where[key]; !given {
			return r.bad(r.at, "%s is missing: it must stand before ARTICLE_SECTION", key)
		}
	}
	if v, given := r.header["LAYOUT"]; given && v != "single-block" {
		return r.bad(r.where["LAYOUT"], "layout %q is not known: expected single-block (a second block is asked for beside the file)", short(v))
	}
	if v, given := r.header["TYPE"]; given && v != "Single_picker_routing" && v != "Single_picker_routing_with_scattered_storage" {
		return r.bad(r.where["TYPE"], "type %q is not known: expected Single_picker_routing or Single_picker_routing_with_scattered_storage", short(v))
	}
	return nil
}

// readWarehouse makes the geometry of the header.
func (r *sprpReader) readWarehouse(blocks int) error {
	r.in.Name = strings.ToValidUTF8(r.header["NAME"], "\uFFFD")
	w := &r.in.Problem.Warehouse
	w.Blocks = blocks
	for _, f := range []struct {
		key      string
		min, max int64
		into     *int
	}{
		{"NUM_AISLES", 1, MaxAisles, &w.Aisles}, {"NUM_CELLS", int64(blocks), MaxCells, &w.Cells},
		{"DEPOT_AISLE", 0, MaxAisles - 1, &w.Depot.Aisle},
	} {
		n, err := number(r.header[f.key], f.min, f.max)
		if err != nil {
			return r.bad(r.where[f.key], "%s: %w", f.key, err)
		}
		*f.into = int(n)
	}
	if w.Depot.Aisle >= w.Aisles {
		return r.bad(r.where["DEPOT_AISLE"], "DEPOT_AISLE: %d is no aisle: there are 0 to %d", w.Depot.Aisle, w.Aisles-1)
	}
	switch v := r.header["DEPOT_LOCATION"]; v {
	case "top":
		w.Depot.End = Front
	case "bottom":
		w.Depot.End = Back
	default:
		return r.bad(r.where["DEPOT_LOCATION"], "DEPOT_LOCATION: %q is not known: expected top or bottom", short(v))
	}
	distances := []struct {
		key  string
		into *int64
	}{
		{"DISTANCE_AISLE_TO_AISLE", &w.AisleToAisle}, {"DISTANCE_CELL_TO_CELL", &w.CellToCell}, {"DISTANCE_TOP_TO_CELL", &w.FrontToCell},
		{"DISTANCE_BOTTOM_TO_CELL", &w.BackToCell}, {"DISTANCE_TOP_OR_BOTTOM_TO_DEPOT", &w.Depot.Distance},
	}
	for _, d := range distances {
		if _, fraction, ok := strings.Cut(r.header[d.key], "."); ok {
			r.in.decimals = max(r.in.decimals, len(strings.TrimRight(fraction, "0")))
		}
	}
	if r.in.decimals > maxDecimals {
		return r.bad(r.where["DISTANCE_CELL_TO_CELL"], "a distance has %d decimals: give at most %d", r.in.decimals, maxDecimals)
	}
	unit := r.in.unit()
	for _, d := range distances {
		v, err := decimal(r.header[d.key], r.in.decimals)
		if err != nil {
			return r.bad(r.where[d.key], "%s: %w", d.key, err)
		}
		*d.into = 2 * v
	}
	if blocks == 2 {
		w.MiddleToCell = (w.CellToCell + unit) / 2 // half a cell, and half the cross-aisle
	}
	if err := w.Check(); err != nil {
		return r.bad(r.where["NUM_AISLES"], "%s", fault.Reason(err))
	}
	return nil
}

// unit is the problem's distance of 1 in the file.
func (in Instance) unit() int64 {
	u := int64(2)
	for range in.decimals {
		u *= 10
	}
	return u
}

// Distance is a length of the problem in the file's unit, as a decimal number.
func (in Instance) Distance(v int64) string {
	u := in.unit()
	s := strconv.FormatInt(v/u, 10)
	if rest := v % u; rest != 0 {
		// Twice the unit's digits: halves need one decimal more.
		s += "." + strings.TrimRight(fmt.Sprintf("%0*d", in.decimals+1, rest*5), "0")
	}
	return s
}

func (r *sprpReader) keyword(want string) error {
	if s, ok := r.next(); !ok {
		return r.bad(r.at+1, "the file ends: expected %s", want)
	} else if s != want {
		return r.bad(r.at, "%q where %s was expected", short(s), want)
	}
	return nil
}

// section reads "KEY : n" and n lines after it.
func (r *sprpReader) section(key string, most int64, line func(fields []string) error) error {
	s, ok := r.next()
	if !ok {
		return r.bad(r.at+1, "the file ends: expected %s", key)
	}
	got, value, _ := strings.Cut(s, ":")
	if strings.TrimSpace(got) != key {
		return r.bad(r.at, "%q where `%s : count` was expected", short(s), key)
	}
	n, err := number(strings.TrimSpace(value), 1, most)
	if err != nil {
		return r.bad(r.at, "%s: %w", key, err)
	}
	for i := range n {
		s, ok := r.next()
		if !ok {
			return r.bad(r.at+1, "the file ends after %d of %d lines that %s announces", i, n, key)
		}
		if err := line(strings.Fields(s)); err != nil {
			return err
		}
	}
	return nil
}

// values reads "KEY n KEY n": the names must stand in this order.
func (r *sprpReader) values(fields []string, names []string, bounds [][2]int64) ([]int64, error) {
	if len(fields) != 2*len(names) {
		return nil, r.bad(r.at, "%q: expected %s, each followed by its value", short(strings.Join(fields, " ")), strings.Join(names, ", "))
	}
	out := make([]int64, len(names))
	for i, name := range names {
		if fields[2*i] != name {
			return nil, r.bad(r.at, "%q where %s was expected", short(fields[2*i]), name)
		}
		v, err := number(fields[2*i+1], bounds[i][0], bounds[i][1])
		if err != nil {
			return nil, r.bad(r.at, "%s: %w", name, err)
		}
		out[i] = v
	}
	return out, nil
}

var idBounds = [2]int64{0, math.MaxInt32}

func (r *sprpReader) readArticle(fields []string) error {
	v, err := r.values(fields, []string{"ID"}, [][2]int64{idBounds})
	if err != nil {
		return err
	}
	if _, twice := r.index[v[0]]; twice {
		return r.bad(r.at, "article %d stands a second time in ARTICLE_SECTION", v[0])
	}
	r.index[v[0]] = len(r.in.Articles)
	r.in.Articles = append(r.in.Articles, v[0])
	r.in.Problem.Demand = append(r.in.Problem.Demand, 0)
	return nil
}

func (r *sprpReader) article(id int64) (int, error) {
	i, known := r.index[id]
	if !known {
		return 0, r.bad(r.at, "article %d does not stand in ARTICLE_SECTION", id)
	}
	return i, nil
}

func (r *sprpReader) readStock(fields []string) error {
	if n := len(fields); n >= 2 && fields[n-2] == "LEFT_RIGHT_HAND_SIDE" {
		side := fields[n-1]
		fields = fields[:n-2]
		if side != "left" && side != "right" {
			return r.bad(r.at, "LEFT_RIGHT_HAND_SIDE: %q is not known: expected left or right", short(side))
		}
	}
	w := r.in.Problem.Warehouse
	v, err := r.values(fields, []string{"ID", "AISLE", "CELL", "QUANTITY"},
		[][2]int64{idBounds, {0, int64(w.Aisles) - 1}, {0, int64(w.Cells) - 1}, {0, MaxQty}})
	if err != nil {
		return err
	}
	a, err := r.article(v[0])
	if err != nil {
		return err
	}
	r.in.Problem.Stock = append(r.in.Problem.Stock, Stock{Position: Position{int(v[1]), int(v[2])}, Article: a, Qty: v[3]})
	return nil
}

func (r *sprpReader) readDemand(fields []string) error {
	v, err := r.values(fields, []string{"ID", "QUANTITY"}, [][2]int64{idBounds, {1, MaxQty}})
	if err != nil {
		return err
	}
	a, err := r.article(v[0])
	if err != nil {
		return err
	}
	if r.in.Problem.Demand[a] != 0 {
		return r.bad(r.at, "article %d is ordered a second time: give one line an article", v[0])
	}
	r.in.Problem.Demand[a] = v[1]
	var have int64
	for _, s := range r.in.Problem.Stock {
		if s.Article == a {
			have += s.Qty
		}
	}
	if have < v[1] {
		return r.bad(r.at, "article %d: %d ordered, and all its positions hold %d", v[0], v[1], have)
	}
	return nil
}

// number reads a whole number within bounds.
func number(s string, least, most int64) (int64, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", short(s))
	}
	if v < least || v > most {
		return 0, fmt.Errorf("%d is not between %d and %d", v, least, most)
	}
	return v, nil
}

// decimal reads a number of at most so many decimals, in units of the last.
func decimal(s string, decimals int) (int64, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	fraction = strings.TrimRight(fraction, "0")
	v, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil || whole == "" {
		return 0, fmt.Errorf("%q is not a distance: expected a number such as 3 or 1.5", short(s))
	}
	if v > MaxDistance/2 {
		return 0, fmt.Errorf("%s is too large: scaled to whole numbers it must be at most %d", short(s), MaxDistance/2)
	}
	return int64(v), nil
}

// short is a part of the file as an error may show it.
func short(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "..."
	}
	return s
}
