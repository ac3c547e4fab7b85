package dlq

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/journal"
)

// SavedSearch is a search of letters that people come back to, under a name that all of them see.
type SavedSearch struct {
	Name  string    `json:"name"`
	Query string    `json:"query" doc:"as in the URL of the search: partner=ACME&text=unknown+item"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
}

// Limits of saved searches.
const (
	mostSearches  = 200
	longestName   = 64   // bytes
	longestSearch = 2000 // bytes
)

// searchFields are what letters are searched by.
var searchFields = []string{"state", "channel", "kind", "route", "type", "partner", "group", "key", "text", "from", "to"}

const searchesKey = "desk/searches"

// SearchNotices are the types of audit-events about saved searches.
var SearchNotices = []string{"search.Saved", "search.Removed"}

// SearchNotice is what they say.
type SearchNotice struct {
	Name  string `json:"name"`
	Query string `json:"query,omitempty"`
	Actor string `json:"actor"`
}

// Searches are those that are saved, by name.
func (d *Desk) Searches(ctx context.Context) ([]SavedSearch, error) {
	list, _, err := d.searches(ctx)
	return list, err
}

func (d *Desk) searches(ctx context.Context) (list []SavedSearch, tag uint64, err error) {
	list = []SavedSearch{}
	tag, err = d.state(ctx, searchesKey, &list)
	return list, tag, err
}

// SaveSearch keeps a search in the place of the one that had its name; without a query that one is removed.
func (d *Desk) SaveSearch(ctx context.Context, name, query, actor string) error {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > longestName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("a search is saved under a name of 1 to %d bytes on one line: %w", longestName, ErrWish)
	}
	query, err := searched(query)
	if err != nil {
		return err
	}
	for range tries {
		list, tag, err := d.searches(ctx)
		if err != nil {
			return err
		}
		now := d.Now().UTC()
		at, there := slices.BinarySearchFunc(list, name, func(s SavedSearch, name string) int { return strings.Compare(s.Name, name) })
		s, typ := SavedSearch{name, query, actor, now}, SearchNotices[0]
		switch {
		case query == "" && !there:
			return fmt.Errorf("no search is saved as %q: %w", name, ErrWish)
		case query == "":
			list, typ = slices.Delete(list, at, at+1), SearchNotices[1]
		case there:
			list[at] = s
		case len(list) >= mostSearches:
			return fmt.Errorf("at most %d searches are saved: %w", mostSearches, ErrWish)
		default:
			list = slices.Insert(list, at, s)
		}
		ref, err := d.Journal.Submit(ctx, &journal.Unit{
			States:  []journal.StateOp{stateOp(searchesKey, tag, list)},
			Records: []journal.Record{auditOf(typ, "search/"+name, SearchNotice{name, query, actor}, tag, now)},
		})
		if err != nil {
			return fmt.Errorf("search %q: %w", name, err)
		}
		if ref == nil {
			return nil
		}
	}
	return fmt.Errorf("search %q: too many are saved at once: %w", name, ErrState)
}

// searched is a query in one form, whoever wrote it: fields that have a value, by name.
func searched(query string) (string, error) {
	if len(query) > longestSearch {
		return "", fmt.Errorf("a search has at most %d bytes: %w", longestSearch, ErrWish)
	}
	values, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return "", fmt.Errorf("%q is no query: %w", query, ErrWish)
	}
	for k, v := range values {
		if !slices.Contains(searchFields, k) || len(v) != 1 {
			return "", fmt.Errorf("letters are searched by %s, each once, and not by %q: %w", strings.Join(searchFields, ", "), k, ErrWish)
		}
		if v[0] == "" {
			delete(values, k)
		}
	}
	if len(values) == 0 && query != "" {
		return "", fmt.Errorf("a search without a field finds all letters and needs no name: %w", ErrWish)
	}
	return values.Encode(), nil
}
