package routes

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// insides are words of this hub that tell a partner nothing.
var insides = regexp.MustCompile(`stream|kind/tenant|\b[a-z]+\.[A-Za-z]+: |lines\[|ship_to|bill_to|strconv|json:|paklog|\broute\b|register it|replay`)

func TestWhatAPartnerReadsIsInWordsOfHisDocument(t *testing.T) {
	for ours, want := range map[string]string{
		"order PO-1 exists and differs in lines[0].qty, ship_to.postal_code":                                                   "order PO-1 exists and differs in the quantity of line 1, the ship-to (postal code)",
		`item "X" is not known: register it, or correct the line`:                                                              `item "X" is not known`,
		`number "A/B" has a '/', which separates the parts of stream names (kind/tenant/owner/id@facility): take it out`:       `number "A/B" may not hold /`,
		`no route takes transaction set "812" of bad.edi: ST-01: none of the choices`:                                          "transaction set 812 is none that we work on",
		`no route takes message PAXLST of bad.edi`:                                                                             "message PAXLST is none that we work on",
		`routes.Receipts: receiving.Announce: lines[2].item: item NEW is not known`:                                            "the item of line 3: item NEW is not known",
		`strconv.ParseInt: parsing "MANY": invalid syntax`:                                                                     `"MANY" is not a number`,
		"carrier ROAD has not answered the tender of load L-7 in time: ask him, or withdraw it by paklog tenders withdraw L-7": "carrier ROAD has not answered the tender of load L-7 in time: ask him",
		"W01-05: line 2 has left already":                                                                                      "W01-05: line 2 has left already",
		"dates.ship_by lies before dates.not_before":                                                                           "the dates (ship by) lies before the dates (not before)",
	} {
		if got := plainWords(ours); got != want {
			t.Errorf("%q\nis told as %q\nwant       %q", ours, got, want)
		}
	}
}

// No refusal, whatever is refused, speaks of this hub's insides.
func TestNoRefusalSpeaksOfOurInsides(t *testing.T) {
	docs := map[string][2]string{
		"a number that cannot be": {"850", strings.Replace(purchased, "PO-1", strings.Repeat("9", 22), 1)},
		"too many of it":          {"850", strings.NewReplacer("PO-1", "PO-3", "*10*EA", "*999999999999999*EA").Replace(purchased)},
		"a day that is none":      {"850", strings.NewReplacer("PO-1", "PO-4", "N1*ST", "DTM*010*20001399~\nN1*ST").Replace(purchased)},
		"two bounds that cross":   {"850", strings.NewReplacer("PO-1", "PO-5", "N1*ST", "DTM*037*20300101~\nDTM*001*20200101~\nN1*ST").Replace(purchased)},
		"no name and no code":     {"850", strings.NewReplacer("PO-1", "PO-6", "N1*ST*Jo Doe", "N1*ST**92*").Replace(purchased)},
		"a change to nothing":     {"860", "BCH*04*SA*PO-1***20000101~\nPOC*1*QD*-1*0*EA~\n"},
		"a cancellation too late": {"860", "BCH*01*SA*NONE***20000101~\n"},
		"a line added twice":      {"860", "BCH*04*SA*PO-1***20000101~\nPOC*1*AI*5**EA****SK*SKU-1~\n"},
	}
	for name, s := range advisedSets {
		docs[name] = [2]string{s.set, s.body}
	}
	told := 0
	for name, d := range docs {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, box := amendRig(t, "order.allocate", advised)
				r.drop("bad.edi", purchase(d[0], "2", d[1]))
				settle(time.Minute)
				text := said(box.sets(t, "824"), "TED", 2) + " " + strings.ReplaceAll(said(box.sets(t, "824"), "NTE", 2), ", ", "") + " " + said(box.sets(t, "855"), "MSG", 1)
				told += len(box.sets(t, "824"))
				if bad := insides.FindString(text); bad != "" {
					t.Errorf("%q in %q", bad, text)
				}
			})
		})
	}
	if told < 8 {
		t.Errorf("%d refusals were told: the test looks at too little", told)
	}
}
