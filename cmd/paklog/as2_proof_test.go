package main

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/core/door"
)

// TestTheArchiveProvesWhatWasExchanged sends an order and verifies every message of its exchange from
// the two archives alone; what was changed in an archive is found.
func TestTheArchiveProvesWhatWasExchanged(t *testing.T) {
	t.Parallel()
	w := newBetween(t, false)
	a, b := startHub(t, w.a), startHub(t, w.b)
	w.stock(a)
	if err := b.do("send " + w.order()); err != nil {
		t.Fatal(err)
	}
	w.quiet(a, b)
	a.stop(t)
	b.stop(t)
	sent, received := 0, 0
	for _, s := range []stationSpec{w.a, w.b} {
		cfg := s.config()
		cfg.probe = probe{}
		hub, err := openApp(t.Context(), cfg, slog.New(slog.DiscardHandler), doorsOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer hub.Close(context.WithoutCancel(t.Context()))
		came, went := exchanges(t, hub.store, s)
		for _, id := range slices.Concat(slices.Sorted(maps.Keys(came)), slices.Sorted(maps.Keys(went))) {
			found, err := hub.archived(t.Context(), s.Peer, id)
			if err != nil || found == nil {
				t.Fatalf("%s: %v", id, err)
			}
			verify := func(x archived) *verifying {
				v := &verifying{dir: filepath.Join(cfg.Data, payloads), cfg: cfg}
				if x.Received != nil {
					v.received(x.Received)
				} else {
					v.sent(x)
				}
				return v
			}
			v := verify(*found)
			for _, step := range v.steps {
				if !step.Holds {
					t.Errorf("%s of %s: %s: %s", id, s.Name, step.What, step.How)
				}
			}
			if len(v.steps) < 5 || v.files["receipt.http"] == nil || v.files["message.http"] == nil {
				t.Errorf("%s of %s: only %v was verified", id, s.Name, v.steps)
			}
			fails := func(what string, x archived) {
				t.Helper()
				if !slices.ContainsFunc(verify(x).steps, func(p proofStep) bool { return !p.Holds }) {
					t.Errorf("%s of %s: %s is not found", id, s.Name, what)
				}
			}
			if x := found.Received; x != nil {
				received++
				other := *x
				other.MIC = strings.Replace(x.MIC, x.MIC[:4], "AAAA", 1)
				fails("another MIC", archived{Received: &other})
				other = *x
				other.Receipt = altered(x.Receipt)
				fails("another receipt", archived{Received: &other})
				other = *x
				other.Signer = x.Own
				fails("another signer", archived{Received: &other})
				other = *x
				other.Files = slices.Clone(x.Files)
				other.Files[0].SHA256 = strings.Repeat("0", 64)
				fails("another document", archived{Received: &other})
				other = *x
				other.Raw = bytes.Clone(x.Raw)
				other.Raw[len(other.Raw)/2] ^= 1
				fails("a changed byte", archived{Received: &other})
				continue
			}
			sent++
			fails("another document", archived{Sent: found.Sent, Document: append([]byte("ISA"), found.Document...)})
			other := *found.Sent
			other.Proof.Receipt = altered(other.Proof.Receipt)
			fails("another receipt", archived{Sent: &other, Document: found.Document})
			other = *found.Sent
			other.Proof.Signer = found.Sent.Sent.Own
			fails("a receipt of another", archived{Sent: &other, Document: found.Document})
			path := filepath.Join(cfg.Data, payloads, found.Sent.Sent.Body[:2], found.Sent.Sent.Body[2:])
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			raw[len(raw)/2] ^= 1
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			fails("a changed byte", *found)
		}
		if none, err := hub.archived(t.Context(), s.Peer, "<nobody@nowhere>"); none != nil || err != nil {
			t.Errorf("an unknown id is %v, %v", none, err)
		}
	}
	if sent < 4 || received < 4 {
		t.Errorf("%d messages that went and %d that came were verified", sent, received)
	}
}

// altered says something else in the part of a receipt that is signed.
func altered(r *door.Receipt) *door.Receipt {
	out := *r
	out.Body = bytes.Replace(r.Body, []byte("Original-Message-ID: <"), []byte("Original-Message-ID: <0"), 1)
	return &out
}
