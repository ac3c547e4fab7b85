package dlq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
)

// words lets people write any text in the place of a message's data, but not "wrong".
func words(_ context.Context, _ string, rec *journal.Record, text *string) (dlq.Edited, error) {
	out := dlq.Edited{Format: "json", Text: string(rec.Data), Record: *rec}
	if text != nil && *text != out.Text {
		out.Changes = []dlq.FieldChange{{Field: "data", Old: out.Text, New: *text}}
		out.Text, out.Record.Data = *text, []byte(*text)
	}
	if strings.Contains(out.Text, "wrong") {
		out.Problems = []dlq.Problem{{Place: "data", Message: "is wrong"}}
	}
	return out, nil
}

// editing is a desk with n letters whose messages may be edited.
func editing(t *testing.T, n int) (*dlq.Desk, *route, []string) {
	t.Helper()
	r, ids := newRoute(t, n)
	r.slow = true // the tests look at what was decided, not at what followed
	d := r.desk()
	d.Editor = words
	return d, r, ids
}

func propose(t *testing.T, d *dlq.Desk, id, text, who string) dlq.Edit {
	t.Helper()
	e, err := d.ProposeEdit(t.Context(), id, 1, text, "because", who)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnEditNeedsASecondPerson(t *testing.T) {
	d, r, ids := editing(t, 1)
	e := propose(t, d, ids[0], `"<script>alert(1)</script>"`, "ann")
	if list, err := d.Edits(t.Context()); err != nil || len(list) != 1 || list[0].Message != e.Message {
		t.Fatalf("%+v %v", list, err)
	}
	if x, err := d.Show(t.Context(), ids[0]); err != nil || x.State != "open" || x.Edit == nil || x.Edit.State != dlq.EditWaiting || x.InForce != 0 {
		t.Fatalf("while it waits: %+v %v", x, err)
	}
	if _, err := d.ApproveEdit(t.Context(), ids[0], e.Message, "ann"); !errors.Is(err, dlq.ErrSecond) {
		t.Errorf("by its author: %v", err)
	}
	if _, err := d.ApproveEdit(t.Context(), ids[0], journal.ID{}, "ben"); !errors.Is(err, dlq.ErrStale) {
		t.Errorf("of another text: %v", err)
	}
	if _, err := d.ProposeEdit(t.Context(), ids[0], 1, `"mine"`, "because", "ben"); !errors.Is(err, dlq.ErrState) {
		t.Errorf("over what waits: %v", err)
	}
	e = propose(t, d, ids[0], `"better"`, "ann") // its author may think again
	got, err := d.ApproveEdit(t.Context(), ids[0], e.Message, "ben")
	if err != nil || got.State != dlq.EditApproved || got.By != "ben" {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := d.ApproveEdit(t.Context(), ids[0], e.Message, "cid"); !errors.Is(err, dlq.ErrNoneWaits) {
		t.Errorf("twice: %v", err)
	}
	x, err := d.Show(t.Context(), ids[0])
	if err != nil || x.State != "replaying" || x.InForce != e.Position || x.Message.Payload != `"better"` || x.Actor != "ben" || !strings.Contains(x.Reason, "ann") {
		t.Errorf("%+v %v", x, err)
	}
	s, err := d.Standing(t.Context(), ids[0])
	if err != nil || s == nil || string(s.Record.Data) != `"better"` || s.Record.Topic != "" || s.Record.ID != e.Message {
		t.Errorf("%+v %v", s, err)
	}
	told := audited(t, r)
	if want := "edit.Proposed edit.Proposed edit.Approved"; strings.Join(told.types, " ") != want {
		t.Errorf("told %s, want %s", told.types, want)
	}
	if told.last.Author != "ann" || told.last.Actor != "ben" || told.last.Replaces != x.MessageID.String() {
		t.Errorf("%+v", told.last)
	}
}

type told struct {
	types []string
	last  dlq.EditNotice
	all   []journal.Record
}

func audited(t *testing.T, r *route) (out told) {
	t.Helper()
	recs, err := r.Topics(t.Context(), []string{"audit-events"}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range recs {
		if !strings.HasPrefix(x.Type, "edit.") {
			continue
		}
		out.types, out.all = append(out.types, x.Type), append(out.all, x)
		out.last = dlq.EditNotice{}
		if err := json.Unmarshal(x.Data, &out.last); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestTextsThatCannotBeProposed(t *testing.T) {
	d, r, ids := editing(t, 1)
	x, err := d.Show(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		letter  string
		opening int
		text    string
		reason  string
		want    error
	}{
		"no reason":                  {ids[0], 1, `"b"`, " ", dlq.ErrWish},
		"a reason that is a book":    {ids[0], 1, `"b"`, strings.Repeat("x", dlq.LongestReason+1), dlq.ErrWish},
		"a problem":                  {ids[0], 1, `"wrong"`, "because", dlq.ErrProblems},
		"nothing changed":            {ids[0], 1, x.Message.Payload, "because", dlq.ErrWish},
		"too long":                   {ids[0], 1, strings.Repeat("x", dlq.LongestText+1), "because", dlq.ErrWish},
		"no letter":                  {"Lnone", 1, `"b"`, "because", dlq.ErrNone},
		"a letter that nobody saw":   {ids[0], 0, `"b"`, "because", dlq.ErrUnseen},
		"an opening that is not yet": {ids[0], 2, `"b"`, "because", dlq.ErrStale},
	} {
		if _, err := d.ProposeEdit(t.Context(), c.letter, c.opening, c.text, c.reason, "ann"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if got := audited(t, r); len(got.types) != 0 {
		t.Errorf("told %s", got.types)
	}
	if _, err := d.ApproveEdit(t.Context(), ids[0], journal.ID{}, "ben"); !errors.Is(err, dlq.ErrNoneWaits) {
		t.Errorf("approval of nothing: %v", err)
	}
	d.Editor = nil
	if _, err := d.ProposeEdit(t.Context(), ids[0], 1, `"b"`, "because", "ann"); !errors.Is(err, dlq.ErrNoEdit) {
		t.Errorf("without an editor: %v", err)
	}
}

func TestAnEditThatIsWithdrawnOrOvertakenGoesNowhere(t *testing.T) {
	d, _, ids := editing(t, 2)
	e := propose(t, d, ids[0], `"b"`, "ann")
	if got, err := d.WithdrawEdit(t.Context(), ids[0], e.Message, "ben", "it was right"); err != nil || got.State != dlq.EditWithdrawn || got.By != "ben" {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := d.ApproveEdit(t.Context(), ids[0], e.Message, "ben"); !errors.Is(err, dlq.ErrNoneWaits) {
		t.Errorf("approved of what was withdrawn: %v", err)
	}
	if _, err := d.WithdrawEdit(t.Context(), ids[0], e.Message, "ben", ""); !errors.Is(err, dlq.ErrNoneWaits) {
		t.Errorf("withdrawn twice: %v", err)
	}
	e = propose(t, d, ids[1], `"b"`, "ann")
	if err := d.Replay(t.Context(), ids[1], 1, "cid"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ApproveEdit(t.Context(), ids[1], e.Message, "ben"); !errors.Is(err, dlq.ErrState) {
		t.Errorf("approved of while it goes as it was: %v", err)
	}
	if list, err := d.Edits(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("still waits: %+v %v", list, err)
	}
	for _, id := range ids {
		if s, err := d.Standing(t.Context(), id); s != nil || err != nil {
			t.Errorf("%s: %+v %v", id, s, err)
		}
	}
}

// Of many who approve, replay and withdraw at once, one is first; the others are told.
func TestOfManyWhoDecideOneIsFirst(t *testing.T) {
	d, r, ids := editing(t, 1)
	e := propose(t, d, ids[0], `"b"`, "ann")
	var wg sync.WaitGroup
	errs := make([]error, 30)
	for i := range errs {
		wg.Go(func() {
			switch i % 3 {
			case 0:
				_, errs[i] = d.ApproveEdit(t.Context(), ids[0], e.Message, fmt.Sprint("ben", i))
			case 1:
				errs[i] = d.Replay(t.Context(), ids[0], 1, "cid")
			default:
				_, errs[i] = d.WithdrawEdit(t.Context(), ids[0], e.Message, "ann", "")
			}
		})
	}
	wg.Wait()
	first := map[int]int{}
	for i, err := range errs {
		if err == nil {
			first[i%3]++
		} else if !errors.Is(err, dlq.ErrState) && !errors.Is(err, dlq.ErrNoneWaits) && !errors.Is(err, dlq.ErrStale) {
			t.Errorf("%d: %v", i, err)
		}
	}
	// An approval is a replay: there is one of both. What was replayed as it was may be withdrawn after.
	if first[0]+first[1] != 1 || first[2] > 1 || first[0]+first[2] > 1 {
		t.Errorf("approved %d, replayed %d, withdrawn %d times", first[0], first[1], first[2])
	}
	s, err := d.Standing(t.Context(), ids[0])
	if err != nil || (s != nil) != (first[0] == 1) {
		t.Errorf("standing %v, %v; approved %d times", s, err, first[0])
	}
	if n := strings.Count(strings.Join(audited(t, r).types, " "), "edit.Approved"); n != first[0] {
		t.Errorf("%d approvals are told, %d were", n, first[0])
	}
}

// The hub dies after each unit of an edit that needs nobody else: asked again it goes through, and once.
func TestAHubThatDiesInAnEdit(t *testing.T) {
	for left := range 4 {
		d, r, ids := editing(t, 1)
		d.EditAlone = true
		r.left = left
		_, err := d.ProposeEdit(t.Context(), ids[0], 1, `"b"`, "because", "ann")
		if died := left < 3; died != (err != nil) {
			t.Fatalf("after %d units: %v", left, err)
		}
		r.left = -1
		s, serr := d.Standing(t.Context(), ids[0])
		if serr != nil || (s != nil) != (err == nil) {
			t.Fatalf("after %d units it stands %v: %v", left, s, serr)
		}
		if err != nil {
			if _, err := d.ProposeEdit(t.Context(), ids[0], 1, `"b"`, "because", "ann"); err != nil {
				t.Errorf("again after %d units: %v", left, err)
			}
		}
		if n := strings.Count(strings.Join(audited(t, r).types, " "), "edit.Approved"); n != 1 {
			t.Errorf("approved %d times after %d units", n, left)
		}
		x, err := d.Show(t.Context(), ids[0])
		if err != nil || x.State != "replaying" || x.Message.Payload != `"b"` {
			t.Errorf("after %d units: %+v %v", left, x, err)
		}
	}
}

// What was changed in a message that belongs to somebody is told in his sealed group, and nowhere else.
func TestWhatWasChangedIsSealed(t *testing.T) {
	d, h := newDesk()
	d.Editor = words
	rec := message(1)
	rec.Subject, rec.Data = "order/of/jo", []byte(`"12 Main Street"`)
	id := h.fail(t, "place", rec, refused)
	if _, err := d.ProposeEdit(t.Context(), id, 1, `"13 Main Street"`, "because", "ann"); err != nil {
		t.Fatal(err)
	}
	recs, err := h.Topics(t.Context(), []string{"audit-events"}, 0, 10)
	if err != nil || len(recs) != 1 {
		t.Fatal(recs, err)
	}
	if n := recs[0]; n.Subject != rec.Subject || strings.Contains(string(n.Data), "Main") || !strings.Contains(string(n.Personal), "13 Main Street") || !strings.Contains(string(n.Personal), "12 Main Street") {
		t.Errorf("%s, %s of %q", n.Data, n.Personal, n.Subject)
	}
}
