package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// asn is an 856 of two packs, one of which hangs below the other.
const asn = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261129*0915*U*00401*000000071*0*P*>~\n" +
	"GS*SH*ACME*PAKLOG*20261129*0915*71*X*004010~\n" +
	"ST*856*0001~\nBSN*00*ASN-5*20261129*1000~\nHL*1**S~\nHL*2*1*O~\nPRF*PO-7~\nHL*3*2*P~\nMAN*GM*00001234567890123457~\n" +
	"HL*4*3*I~\nLIN**SK*A~\nSN1**6*EA~\nHL*5*2*P~\nMAN*GM*00001234567890123464~\nHL*6*5*I~\nLIN**SK*B~\nSN1**2.5*CA~\nHL*7*9*I~\nLIN**SK*C~\nSN1**1*CA~\n" +
	"SE*19*0001~\nGE*1*71~\nIEA*1*000000071~\n"

const asnMap = `map: asn
reads: ["856"]
makes: receipt
loops:
  level: {first: HL, holds: [LIN, SN1, PRF, MAN, DTM, REF], id: 1, parent: 2}
out:
  receipt: set.BSN[2]
  reference: set.level.map(l, l.PRF[1]).filter(p, p != "")[0]
  lines:
    $each: set.level.filter(l, l.HL[3] == "I")
    item: it.LIN.pair("SK", 2)
    qty: num(it.SN1[2]).up()
    # The nearest pack above.
    lpn: '(it.above().map(l, l.MAN[2]).filter(m, m != "") + [""])[0]'
`

func TestAHierarchyIsLookedUpFromBelow(t *testing.T) {
	t.Parallel()
	m, err := mapping.Compile("asn.yaml", []byte(asnMap), nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := m.Try([]byte(asn))
	want := `{"receipt":"ASN-5","reference":"PO-7","lines":[{"item":"A","qty":6,"lpn":"00001234567890123457"},` +
		`{"item":"B","qty":3,"lpn":"00001234567890123464"},{"item":"C","qty":1}]}`
	if err != nil || len(made) != 1 || string(made[0].JSON) != want {
		t.Fatalf("got %v\n%s\nwant\n%s", err, made[0].JSON, want)
	}
	// A number that comes twice, and one that names itself, lead nowhere and never round.
	for _, turn := range []string{"HL*3*3*P", "HL*3*4*P", "HL*1*6*S"} {
		old := "HL*3*2*P"
		if strings.HasPrefix(turn, "HL*1") {
			old = "HL*1**S"
		}
		if _, err := m.Try([]byte(strings.Replace(asn, old, turn, 1))); err != nil {
			t.Errorf("%s: %v", turn, err)
		}
	}
}

func TestReceiptsThatCannotBeAreRefusedAtTheirPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, now, element, says string }{
		"no number":         {"BSN*00*ASN-5", "BSN*00*", "BSN-02", "the receipt has no number"},
		"no item":           {"LIN**SK*B", "LIN**UP*B", "LIN-02", "the line names no item"},
		"nothing comes":     {"SN1**6*EA", "SN1**0*EA", "SN1-02", "quantity 0 cannot be received"},
		"less than none":    {"SN1**6*EA", "SN1**-6*EA", "SN1-02", "quantity -6 cannot be received"},
		"beyond 64 bits":    {"SN1**6*EA", "SN1**99999999999999999999*EA", "SN1-02", "does not fit in 64 bits"},
		"no lines":          {"*I~", "*X~", "", "the receipt has no lines"},
		"nothing that fits": {"PRF*PO-7", "PRF*", "", "index out of bounds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := mapping.Compile("asn.yaml", []byte(asnMap), nil)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(asn, c.old, c.now)
			err = mapping.Each([]byte(text), func(d mapping.Document) error {
				_, _, err := m.Expected(x12wms.Profile{Tenant: "main", Owner: "O", Facility: "F"}, d)
				return err
			})
			var bad *x12wms.Error
			if !errors.As(err, &bad) || !strings.Contains(bad.Findings[0].Message, c.says) || c.element != "" && bad.Findings[0].Element != c.element {
				t.Fatalf("got %v, want %s: %s", err, c.element, c.says)
			}
		})
	}
}

func TestWhatNobodyOwnsOrNoBuildingTakesIsRefused(t *testing.T) {
	t.Parallel()
	m, err := mapping.Compile("asn.yaml", []byte(asnMap), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = mapping.Each([]byte(asn), func(d mapping.Document) error {
		_, _, err := m.Expected(x12wms.Profile{Tenant: "main"}, d)
		return err
	})
	var bad *x12wms.Error
	if !errors.As(err, &bad) || !strings.Contains(bad.Findings[0].Message, "no building is named") {
		t.Errorf("got %v", err)
	}
	// The sender owns what nobody else is said to own.
	err = mapping.Each([]byte(asn), func(d mapping.Document) error {
		x, ok, err := m.Expected(x12wms.Profile{Tenant: "main", Facility: "F"}, d)
		if x.Scope.Owner != "ACME" || !ok {
			t.Errorf("it is owned by %q, %v", x.Scope.Owner, ok)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
