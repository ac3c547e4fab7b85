package edifactwms_test

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/paklog/hub/core/document"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

const head313 = "BGM+313+R-1+27'\nDTM+137:202611231200:203'\n"

// aperak reads a body as the APERAK of an interchange.
func aperak(t *testing.T, body string) *edifact.Part {
	t.Helper()
	d, err := edifact.Parse([]byte("UNB+UNOC:3+ACME+PAKLOG+261123:0915+7'\nUNH+1+APERAK:D:96A:UN'\n"+body+"UNT+"+strconv.Itoa(strings.Count(body, "'\n")+2)+"+1'\nUNZ+1+7'"), edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Messages() {
		return p
	}
	t.Fatal("no message")
	return nil
}

func TestAnAPERAKSaysWhatBecameOfWhichMessage(t *testing.T) {
	t.Parallel()
	told, err := edifactwms.Advised(aperak(t, head313+"DOC+351+S-9'\nRFF+ACW:S-1'\nNAD+BY+1::9'\nRFF+VA:DE1'\nERC+12'\nFTX+AAO+++no such item:in our catalogue'\nRFF+AGO:LIN-03-1'\nRFF+AGO:QTY-01-2'\nERC+40'\nFTX+AAO+++late'\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := document.Advise{By: "APERAK", Number: "R-1", Verdict: document.Rejects, Findings: []document.Finding{
		{Code: "12", Text: "no such item in our catalogue", Element: "LIN-03-1"}, {Code: "40", Text: "late"}}}
	if !reflect.DeepEqual(told.Advise, want) || told.Set != "DESADV" || told.About != "S-1" || told.At.Element != "RFF-01-2" {
		t.Errorf("%+v", told)
	}
}

func TestTheVerdictOfAnAPERAK(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ function, errors, verdict string }{
		"not accepted": {"27", "", document.Rejects}, "accepted": {"29", "", document.Accepts}, "accepted with a note": {"29", "ERC+1'\n", document.Accepts},
		"amended": {"34", "ERC+1'\n", document.AcceptsWithErrs}, "an original with errors": {"9", "ERC+1'\n", document.Rejects}, "an original": {"9", "", document.Accepts}, "nothing": {"", "ERC+1'\n", document.Rejects},
	} {
		told, err := edifactwms.Advised(aperak(t, strings.Replace(head313, "+27", "+"+c.function, 1)+"RFF+ACW:S-1'\n"+c.errors))
		if err != nil || told.Verdict != c.verdict {
			t.Errorf("%s: %+v, %v", name, told, err)
		}
	}
	for name, body := range map[string]string{"nothing named": head313 + "ERC+1'\nRFF+ACW:S-1'\n", "an empty reference": head313 + "RFF+ACW'\n", "another reference": head313 + "RFF+ON:1'\n"} {
		told, err := edifactwms.Advised(aperak(t, body))
		if x, ok := errors.AsType[*x12wms.Error](err); !ok || fault.KindOf(err) != fault.Invalid || x.Findings[0].Element != "RFF-01-2" || x.Findings[0].Line == 0 {
			t.Errorf("%s: %+v, %v", name, told, err)
		}
	}
	if told, err := edifactwms.Advised(aperak(t, head313+"DOC+632+R-5'\n")); err != nil || told.About != "R-5" || told.Set != "RECADV" || told.At.Element != "DOC-02-1" {
		t.Errorf("%+v, %v", told, err)
	}
}

// What we say of others' messages is understood as we meant it.
func TestAnAPERAKOfOursIsUnderstood(t *testing.T) {
	t.Parallel()
	body, _ := ack.Aperak("L-1", "ORD-1", []finding.Finding{{Layer: finding.Business, Severity: finding.Error, Element: "LIN-03-1", Message: strings.Repeat("many words ", 15)}}, noon)
	told, err := edifactwms.Advised(aperak(t, sent(t, "APERAK", body)))
	if err != nil || told.About != "ORD-1" || told.Verdict != document.Rejects || len(told.Findings) != 1 || told.Findings[0].Element != "LIN-03-1" || strings.Count(told.Findings[0].Text, "many words") != 15 {
		t.Errorf("%+v, %v", told, err)
	}
}
