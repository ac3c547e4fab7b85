package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/view"
)

// mostListed is what a listing shows unless it is told otherwise.
const mostListed = 100

// documents reads a listing, page by page, up to limit (0 is all of it). Its Next is set when
// there are others, and it stands where its first page does.
func documents(ctx context.Context, c *caller, path string, q url.Values, limit int) (all rest.List, err error) {
	all.Items = []view.Doc{}
	for first := true; ; first = false {
		page := 500
		if limit > 0 {
			page = min(page, limit-len(all.Items))
		}
		q.Set("limit", fmt.Sprint(page))
		var list rest.List
		if err := c.do(ctx, http.MethodGet, path+"?"+q.Encode(), nil, &list); err != nil {
			return all, err
		}
		if first {
			all.Position, all.Behind = list.Position, list.Behind
		}
		all.Items, all.Next = append(all.Items, list.Items...), list.Next
		if list.Next == "" || limit > 0 && len(all.Items) >= limit {
			return all, nil
		}
		q.Set("cursor", list.Next)
	}
}

// standing says how far a listing has followed the journal.
func standing(w io.Writer, l rest.List) {
	fmt.Fprintf(w, "as of position %d", uint64(l.Position))
	switch l.Behind {
	case 0:
	case 1:
		fmt.Fprint(w, ": views are 1 event behind the journal")
	default:
		fmt.Fprintf(w, ": views are %d events behind the journal", l.Behind)
	}
	fmt.Fprintln(w)
}

// listing is the flags of a verb that lists documents.
type listing struct {
	owner, status string
	whose         string // the flag and parameter of owner; "" is owner
	limit         int
	statuses      []string // there are
}

// flags adds them; status where the things have one of these.
func (l *listing) flags(cmd *cobra.Command, statuses ...string) {
	l.whose = cmp.Or(l.whose, "owner")
	cmd.Flags().StringVar(&l.owner, l.whose, "", "only this "+l.whose+"'s")
	if l.statuses = statuses; len(statuses) > 0 {
		cmd.Flags().StringVar(&l.status, "status", "", "only those that stand so: "+strings.Join(statuses, ", "))
		_ = cmd.RegisterFlagCompletionFunc("status", words(statuses...)) // the flag is there
	}
	cmd.Flags().IntVar(&l.limit, "limit", mostListed, "how many at most; 0 is all")
}

func (l *listing) query() url.Values {
	q := url.Values{}
	if l.owner != "" {
		q.Set(l.whose, l.owner)
	}
	if l.status != "" {
		q.Set("status", l.status)
	}
	return q
}

// wrong refuses flags of a listing that no document could fit.
func (l *listing) wrong(cmd *cobra.Command) error {
	switch {
	case l.limit < 0:
		return usagef(cmd, "--limit is how many at most, 0 is all")
	case l.status != "" && !slices.Contains(l.statuses, l.status):
		return usagef(cmd, "--status %s is none of %s", l.status, strings.Join(l.statuses, ", "))
	}
	return nil
}

// list answers a verb that lists documents: all that is known of each under --json, a line
// each for people.
func (l *listing) list(cmd *cobra.Command, g *global, path string, head []string, row func(view.Doc) ([]any, error)) error {
	if err := l.wrong(cmd); err != nil {
		return err
	}
	return withHub(cmd, g, func(ctx context.Context, c *caller) error {
		found, err := documents(ctx, c, path, l.query(), l.limit)
		if err != nil {
			return err
		}
		// Beside the answer, which others may read as JSON or by its lines.
		defer func() {
			if found.Next != "" {
				fmt.Fprintf(cmd.ErrOrStderr(), "there are more: --limit 0 shows all\n")
			}
			standing(cmd.ErrOrStderr(), found)
		}()
		if g.json {
			return writeJSON(cmd.OutOrStdout(), found.Items)
		}
		t := newTable(cmd.OutOrStdout(), head...)
		for _, d := range found.Items {
			cells, err := row(d)
			if err != nil {
				return fmt.Errorf("reading %s: %w", d.Key, err)
			}
			t.row(cells...)
		}
		return t.flush()
	})
}

// ownerOf finds whose thing is meant where nobody said it: that of the one thing of that
// name there is, else the configured owner.
func ownerOf(ctx context.Context, c *caller, kind, id, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	var found rest.List
	if err := c.do(ctx, http.MethodGet, "/v1/search?q="+url.QueryEscape(id), nil, &found); err != nil {
		return "", err
	}
	var owners []string
	for _, d := range found.Items {
		if d.Kind == kind && d.ID == id && !slices.Contains(owners, d.Owner) {
			owners = append(owners, d.Owner)
		}
	}
	switch len(owners) {
	case 0:
		return c.cfg.Owner, nil
	case 1:
		return owners[0], nil
	}
	return "", fmt.Errorf("several owners have %s %s: say which with --owner (%s)", kind, id, strings.Join(owners, ", "))
}
