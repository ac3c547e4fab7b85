package x12wms_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/transforms/x12wms"
)

func tenderedLoad() tender.Offered {
	return tender.Offered{Head: tender.Head{Scope: where, Load: "L-1"}, Partner: "ROAD", SCAC: "ROAD", Rate: measure.Money{Minor: 85_000, Currency: "USD"}, Stops: []tender.Stop{
		{No: 1, Code: "RNO", Orders: []tender.Orders{{Owner: "acme", Order: "SO-1", Cartons: 2, Weight: 10 * measure.Kilogram}, {Owner: "acme", Order: "SO-2", Cartons: 1}}},
		{No: 2, Code: "SFO"},
	}}
}

func TestALoadTenderSaysWhatGoesWhere(t *testing.T) {
	due := time.Date(2026, 11, 24, 15, 30, 0, 0, time.UTC)
	bare := tenderedLoad()
	bare.Stops, bare.Rate = []tender.Stop{{No: 1, Code: "RNO"}}, measure.Money{}
	metric := profile
	metric.Kilograms = true
	for name, c := range map[string]struct {
		body []x12.Out
		want string
	}{
		"whole": {profile.LoadTender(tenderedLoad(), due), "B2**ROAD**L-1**PP B2A*00*LT G62*64*20261124*1*1530 MS3*ROAD*B**M S5*1*LD*22.05*L*3*CT N1*SF**92*W1 S5*2*UL*22.05*L*3*CT N1*ST*RNO OID*SO-1***CT*2*L*22.05 OID*SO-2***CT*1 S5*3*UL N1*ST*SFO L3*22.05*G***85000"},
		"kilos": {metric.LoadTender(tenderedLoad(), due)[4:5], "S5*1*LD*10.00*K*3*CT"},
		"empty": {profile.LoadTender(bare, due), "B2**ROAD**L-1**PP B2A*00*LT G62*64*20261124*1*1530 MS3*ROAD*B**M S5*1*LD N1*SF**92*W1 S5*2*UL N1*ST*RNO"},
		"gone":  {profile.LoadWithdrawn(tender.Withdrawn{Head: tenderedLoad().Head, SCAC: "ROAD", Reason: "late"}), "B2**ROAD**L-1**PP B2A*01*LT NTE*GEN*late S5*1*LD N1*SF**92*W1"},
	} {
		var got []string
		body := ""
		for _, s := range c.body {
			got = append(got, s.ID+"*"+strings.Join(s.Elements, "*"))
			body += s.ID + "*" + strings.Join(s.Elements, "*") + "~\n"
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, " "), c.want)
		}
		if name == "kilos" {
			continue
		}
		p := set(t, strings.Replace(in("204", body), "GS*AR", "GS*SM", 1))
		grammar.Builtin().Check(p)
		for _, f := range p.Findings {
			t.Errorf("%s: what we send has a finding: %v", name, f)
		}
	}
}

func TestWhatCarriersSayBecomesCommands(t *testing.T) {
	for name, c := range map[string]struct {
		set, body string
		want      []any
	}{
		"yes":              {"990", "B1*ROAD*L-1*20261123*A~\nN9*ZZ*X~\nN9*CN*PRO-1~\n", []any{tender.Accept{Reference: "PRO-1"}}},
		"no":               {"990", "B1*ROAD*L-1**D~\nK1*NO TRUCK~\nK1*THIS WEEK~\n", []any{tender.Decline{Reason: "NO TRUCK THIS WEEK"}}},
		"two statuses":     {"214", "B10*P*L-1*ROAD~\nLX*1~\nAT7*X3*NS***20261123*0930*UT~\nMS1*RENO*NV*US~\nAT7*AF~\n", []any{tender.Track{Status: "X3", Reason: "NS", Place: "RENO NV US", Occurred: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)}, tender.Track{Status: "AF"}}},
		"a place of none":  {"214", "B10*P*L-1*ROAD~\nLX*1~\nAT7*AF~\nLX*2~\nMS1*RENO*NV~\n", []any{tender.Track{Status: "AF"}}},
		"an invoice":       {"210", "B3**I-1*L-1*PP**20261123*90000****ROAD~\nC3*CAD~\n", []any{tender.Invoice{Number: "I-1", Amount: measure.Money{Minor: 90_000, Currency: "CAD"}}}},
		"one that is free": {"210", "B3**I-1*L-1*PP**20261123*0****ROAD~\n", []any{tender.Invoice{Number: "I-1", Amount: measure.Money{Currency: "USD"}}}},
	} {
		f, err := profile.Freight(set(t, in(c.set, c.body)))
		if err != nil || f.Load.Value != "L-1" || !reflect.DeepEqual(f.Commands, c.want) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for name, c := range map[string]struct{ set, body, element string }{
		"yes to nothing":       {"990", "B1*ROAD**20261123*A~\n", "B1-02"},
		"maybe":                {"990", "B1*ROAD*L-1~\n", "B1-04"},
		"an empty answer":      {"990", "N9*CN*1~\n", "B1-04"},
		"a status of nothing":  {"214", "B10*P**ROAD~\nLX*1~\nAT7*AF~\n", "B10-02"},
		"no status":            {"214", "B10*P*L-1*ROAD~\nLX*1~\nAT7**~\n", "AT7-03"},
		"no time":              {"214", "B10*P*L-1*ROAD~\nLX*1~\nAT7*AF****20261123*9~\n", "AT7-06"},
		"no day":               {"214", "B10*P*L-1*ROAD~\nLX*1~\nAT7*AF****20261323~\n", "AT7-05"},
		"an amount of words":   {"210", "B3**I-1*L-1*PP**20261123*9.5~\n", "B3-07"},
		"one that is negative": {"210", "B3**I-1*L-1*PP**20261123*-5~\n", "B3-07"},
		"no number":            {"210", "B3***L-1*PP**20261123*5~\n", "B3-02"},
		"no cents":             {"210", "B3**I-1*L-1*PP**20261123*5~\nC3*KWD~\n", "C3-01"},
		"charged for nothing":  {"210", "B3**I-1**PP**20261123*5~\n", "B3-03"},
		"another set":          {"940", full, "ST-01"},
	} {
		f, err := profile.Freight(set(t, in(c.set, c.body)))
		if x, ok := errors.AsType[*x12wms.Error](err); !ok || fault.KindOf(err) != fault.Invalid || x.Findings[0].Element != c.element || x.Findings[0].Line == 0 {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}
