package routes

import (
	"encoding/json"
	"strings"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/x12"
)

// setKeys are the elements of transaction sets that people know them by.
var setKeys = map[string][]struct {
	n    int
	kind string
}{
	"W05": {{2, "order"}, {3, "po"}},                  // 940
	"W06": {{2, "order"}, {3, "shipment"}, {6, "po"}}, // 943, 945
	"W15": {{2, "reference"}},                         // 947
	"W17": {{3, "asn"}},                               // 944
	"BEG": {{3, "po"}},                                // 850
	"BCH": {{3, "po"}},                                // 860
	"BSN": {{2, "asn"}},                               // 856
	"B2":  {{4, "shipment"}},                          // 204
	"MAN": {{2, "sscc"}},
	"PRF": {{1, "po"}},
}

// mostSegments of a set are looked through for its keys.
const mostSegments = 2000

// documentKeys are the business keys of the transaction set that a message holds, which stand in
// its bytes and not in its data.
func documentKeys(rec *journal.Record) []dlq.Key {
	part := setOf(rec)
	if part == nil {
		return nil // what is broken is found by its document and its partner
	}
	var out []dlq.Key
	for i := range min(part.Segments.Len(), mostSegments) {
		s := part.Segments.At(i)
		for _, k := range setKeys[s.ID()] {
			out = append(out, dlq.Key{Kind: k.kind, Value: s.Value(k.n)})
		}
	}
	return out
}

// setOf is the transaction set that a message holds, nil where it holds none that can be read.
func setOf(rec *journal.Record) *x12.Part {
	if !strings.HasPrefix(rec.Type, "x12.") || len(rec.Personal) == 0 {
		return nil
	}
	var info setInfo
	if json.Unmarshal(rec.Data, &info) != nil || info.Set == "" {
		return nil
	}
	part, err := x12.ReadSet(rec.Personal, info.Origin, x12.Limits{})
	if err != nil {
		return nil
	}
	return part
}

// documentFields are the values of a transaction set by element, for the desk to compare. Names,
// addresses and what they say to each other are nobody's cause, and are left out.
func documentFields(rec *journal.Record) map[string][]string {
	part := setOf(rec)
	if part == nil {
		return nil
	}
	out := map[string][]string{"partner": {rec.Headers["partner"]}, "set": {part.ST.ID}}
	for i := range min(part.Segments.Len(), mostSegments) {
		s := part.Segments.At(i)
		switch s.ID() {
		case "ST", "SE", "N1", "N2", "N3", "N4", "PER", "NTE", "MSG":
			continue
		}
		for n := 1; n <= s.Len(); n++ {
			if v := s.Value(n); v != "" {
				out[s.Ref(n)] = append(out[s.Ref(n)], v)
			}
		}
	}
	return out
}

// peers are, of messages that failed whole, those that went well.
var peers = map[string]dlq.Peer{"x12.Refused": {Topic: topicSets, Type: "x12.Set"}}
