package magentosim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

// criteria are those of a search.
type criteria struct {
	groups map[string]map[string]*condition
	sort   map[string]string
	size   int
	page   int
}

type condition struct{ field, is, value string }

var (
	filterName = regexp.MustCompile(`^searchCriteria\[(?:filterGroups|filter_groups)\]\[(\d+)\]\[filters\]\[(\d+)\]\[(field|value|conditionType|condition_type)\]$`)
	sortName   = regexp.MustCompile(`^searchCriteria\[sortOrders\]\[(\d+)\]\[(field|direction)\]$`)
)

// Sizes of pages, as the shop has them.
const (
	usualPage   = 20
	longestPage = 300
)

func readCriteria(q url.Values) (criteria, string) {
	c := criteria{groups: map[string]map[string]*condition{}, sort: map[string]string{}, size: usualPage, page: 1}
	for name := range q {
		v := q.Get(name)
		if m := filterName.FindStringSubmatch(name); m != nil {
			if c.groups[m[1]] == nil {
				c.groups[m[1]] = map[string]*condition{}
			}
			x := c.groups[m[1]][m[2]]
			if x == nil {
				x = &condition{is: "eq"}
				c.groups[m[1]][m[2]] = x
			}
			switch m[3] {
			case "field":
				x.field = v
			case "value":
				x.value = v
			default:
				x.is = v
			}
			continue
		}
		if m := sortName.FindStringSubmatch(name); m != nil {
			if m[2] == "field" {
				c.sort[m[1]] = v
			}
			continue
		}
		n, err := strconv.Atoi(v)
		switch {
		case name == "searchCriteria[pageSize]" && err == nil && n > 0 && n <= longestPage:
			c.size = n
		case name == "searchCriteria[currentPage]" && err == nil && n > 0:
			c.page = n
		default:
			return c, fmt.Sprintf("%q is no search criterion, or has no such value", name)
		}
	}
	return c, ""
}

// found answers a search: fields are what may be searched and sorted by.
func found[T any](q url.Values, all []T, fields map[string]func(T) string, show func(T) any) simhttp.Answer {
	c, bad := readCriteria(q)
	if bad != "" {
		return refuse(http.StatusBadRequest, bad)
	}
	var hits []T
	for _, x := range all {
		good := true
		for _, group := range c.groups {
			one := false
			for _, f := range group {
				of := fields[f.field]
				if of == nil {
					return refuse(http.StatusBadRequest, "Column not found: %1", f.field)
				}
				one = one || f.holds(of(x))
			}
			good = good && one
		}
		if good {
			hits = append(hits, x)
		}
	}
	for _, at := range slices.Backward(slices.Sorted(keys(c.sort))) {
		of := fields[c.sort[at]]
		if of == nil {
			return refuse(http.StatusBadRequest, "Column not found: %1", c.sort[at])
		}
		slices.SortStableFunc(hits, func(a, b T) int { return compare(of(a), of(b)) })
	}
	total := len(hits)
	// Behind the last page the last comes again.
	last := max(1, (total+c.size-1)/c.size)
	page := min(c.page, last)
	items := []any{}
	for _, x := range hits[min((page-1)*c.size, total):min(page*c.size, total)] {
		items = append(items, show(x))
	}
	return simhttp.OK(map[string]any{
		"items": items, "total_count": total,
		"search_criteria": map[string]any{"filter_groups": []any{}, "page_size": c.size, "current_page": c.page},
	})
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (f condition) holds(v string) bool {
	switch f.is {
	case "eq":
		return strings.EqualFold(v, f.value)
	case "gt":
		return compare(v, f.value) > 0
	case "gteq":
		return compare(v, f.value) >= 0
	case "in":
		return slices.ContainsFunc(strings.Split(f.value, ","), func(x string) bool { return strings.EqualFold(x, v) })
	}
	return false
}

// compare orders numbers as numbers and the rest as texts.
func compare(a, b string) int {
	x, err := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	if err == nil && err2 == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}
