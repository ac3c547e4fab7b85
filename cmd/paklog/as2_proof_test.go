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

	station "github.com/paklog/hub/adapters/as2"
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
		cfg, messages := archive(t, s)
		for id, found := range messages {
			fails := proves(t, cfg, id+" of "+s.Name, *found, 5)
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
	}
	if sent < 4 || received < 4 {
		t.Errorf("%d messages that went and %d that came were verified", sent, received)
	}
}

// archive is what a hub that stands has of its messages, by their ids.
func archive(t *testing.T, s stationSpec) (*Config, map[string]*archived) {
	t.Helper()
	cfg := s.config()
	cfg.probe = probe{}
	hub, err := openApp(t.Context(), cfg, slog.New(slog.DiscardHandler), doorsOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close(context.WithoutCancel(t.Context()))
	came, went := exchanges(t, hub.store, s)
	out := map[string]*archived{}
	for _, id := range slices.AppendSeq(slices.Collect(maps.Keys(came)), maps.Keys(went)) {
		if out[id], err = hub.archived(t.Context(), s.Peer, id); err != nil || out[id] == nil {
			t.Fatalf("%s: %v", id, err)
		}
	}
	if none, err := hub.archived(t.Context(), s.Peer, "<nobody@nowhere>"); none != nil || err != nil {
		t.Errorf("an unknown id is %v, %v", none, err)
	}
	return cfg, out
}

// verified is the proof of one of them.
func verified(cfg *Config, x archived) *verifying {
	v := &verifying{look: lookup{dir: filepath.Join(cfg.Data, payloads)}, cfg: cfg}
	if x.Received != nil {
		v.received(x.Received)
	} else {
		v.sent(x)
	}
	return v
}

// proves verifies a message, in so many steps at least. What it returns says that another one is not proven.
func proves(t *testing.T, cfg *Config, about string, x archived, steps int) (fails func(what string, other archived)) {
	t.Helper()
	v := verified(cfg, x)
	for _, step := range v.steps {
		if !step.Holds {
			t.Errorf("%s: %s: %s", about, step.What, step.How)
		}
	}
	if len(v.steps) < steps || v.files["receipt.http"] == nil || v.files["message.http"] == nil {
		t.Errorf("%s: only %v was verified", about, v.steps)
	}
	return func(what string, other archived) {
		t.Helper()
		if !slices.ContainsFunc(verified(cfg, other).steps, func(p proofStep) bool { return !p.Holds }) {
			t.Errorf("%s: %s is not found", about, what)
		}
	}
}

// TestTheArchiveProvesACertificateExchange verifies offer and answer at both hubs: their several parts are no
// document of the journal.
func TestTheArchiveProvesACertificateExchange(t *testing.T) {
	t.Parallel()
	w := newBetween(t, false)
	w.a.Next, w.b.Exchange = validPair(t, warehouseName+" next"), station.ExchangeAuto
	a, b := startHub(t, w.a), startHub(t, w.b)
	w.offer(a)
	w.until("the answer is there", w.accepted(a))
	w.quiet(a, b)
	a.stop(t)
	b.stop(t)
	for _, s := range []stationSpec{w.a, w.b} {
		cfg, messages := archive(t, s)
		if len(messages) != 2 {
			t.Fatalf("%s has %d messages, not offer and answer", s.Name, len(messages))
		}
		for id, found := range messages {
			fails := proves(t, cfg, id+" of "+s.Name, *found, 4)
			if x := found.Received; x != nil {
				other := *x
				other.Receipt = altered(x.Receipt)
				fails("another receipt", archived{Received: &other})
				continue
			}
			other := *found.Sent
			other.Proof.Receipt = altered(other.Proof.Receipt)
			fails("another receipt", archived{Sent: &other})
			other = *found.Sent
			other.Sent.MICs = []string{strings.Replace(other.Sent.MICs[0], other.Sent.MICs[0][:4], "AAAA", 1)}
			fails("another MIC", archived{Sent: &other})
		}
	}
}

// altered says something else in the part of a receipt that is signed.
func altered(r *door.Receipt) *door.Receipt {
	out := *r
	out.Body = bytes.Replace(r.Body, []byte("Original-Message-ID: <"), []byte("Original-Message-ID: <0"), 1)
	return &out
}
