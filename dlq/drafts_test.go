package dlq_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/dlq"
)

func TestADraftIsKeptUntilItIsRemoved(t *testing.T) {
	d, h := newDesk()
	first, err := d.SaveOrderDraft(t.Context(), dlq.OrderDraft{Number: "SO-1", Order: json.RawMessage(`{"number":"SO-1"}`)}, "ann")
	if err != nil || first.ID == "" || first.Version == "" || first.By != "ann" {
		t.Fatalf("%+v, %v", first, err)
	}
	// Another of the same moment is another draft.
	second, err := d.SaveOrderDraft(t.Context(), dlq.OrderDraft{Order: json.RawMessage(`{}`)}, "ann")
	if err != nil || second.ID == first.ID {
		t.Fatalf("%+v, %v", second, err)
	}
	first.Order = json.RawMessage(`{"number":"SO-1","priority":9}`)
	now, err := d.SaveOrderDraft(t.Context(), first, "ben")
	if err != nil || now.Version == first.Version || now.By != "ben" || string(now.Order) != string(first.Order) {
		t.Fatalf("%+v, %v", now, err)
	}
	list, err := d.OrderDrafts(t.Context())
	if err != nil || len(list) != 2 || list[0].Order != nil || list[1].Order != nil {
		t.Errorf("%+v, %v", list, err)
	}

	// Who saw it before that neither overwrites nor removes what he did not see.
	if _, err := d.SaveOrderDraft(t.Context(), first, "ann"); !errors.Is(err, dlq.ErrStale) {
		t.Errorf("saved over another's: %v", err)
	}
	if err := d.RemoveOrderDraft(t.Context(), first.ID, first.Version, "ann"); !errors.Is(err, dlq.ErrStale) {
		t.Errorf("removed what was not seen: %v", err)
	}
	if err := d.RemoveOrderDraft(t.Context(), first.ID, now.Version, "ann"); err != nil {
		t.Fatal(err)
	}
	if err := d.RemoveOrderDraft(t.Context(), first.ID, now.Version, "ann"); !errors.Is(err, dlq.ErrNoDraft) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := d.SaveOrderDraft(t.Context(), now, "ann"); !errors.Is(err, dlq.ErrNoDraft) {
		t.Errorf("saved what was removed: %v", err)
	}
	if _, err := d.OrderDraft(t.Context(), first.ID); !errors.Is(err, dlq.ErrNoDraft) {
		t.Errorf("read what was removed: %v", err)
	}
	var acts []string
	for _, r := range topic(t, h, "audit-events") {
		acts = append(acts, r.Type)
		if strings.Contains(string(r.Data), "priority") {
			t.Errorf("the audit holds the order: %s", r.Data)
		}
	}
	if got := strings.Join(acts, " "); got != "draft.Saved draft.Saved draft.Saved draft.Removed" {
		t.Errorf("audit: %s", got)
	}
}

func TestDraftsHaveBounds(t *testing.T) {
	d, _ := newDesk()
	long := dlq.OrderDraft{Order: json.RawMessage(`"` + strings.Repeat("x", 64<<10) + `"`)}
	if _, err := d.SaveOrderDraft(t.Context(), long, "ann"); !errors.Is(err, dlq.ErrDraft) {
		t.Errorf("a long draft: %v", err)
	}
	clock := noon
	d.Now = func() time.Time { clock = clock.Add(time.Second); return clock }
	for range 200 {
		if _, err := d.SaveOrderDraft(t.Context(), dlq.OrderDraft{Order: json.RawMessage(`{}`)}, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.SaveOrderDraft(t.Context(), dlq.OrderDraft{Order: json.RawMessage(`{}`)}, "ann"); !errors.Is(err, dlq.ErrDraft) {
		t.Errorf("one draft more: %v", err)
	}
}
