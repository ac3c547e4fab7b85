package x12wms

import (
	"cmp"
	"slices"
	"strings"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/x12"
)

// Agreed is the list of codes that no document named: those that the partner and we agreed on.
const Agreed = "agreed"

// AsNamed are parties of a document as it named them, to be answered so.
func AsNamed(parties []Party) (out []party.Named) {
	for _, n := range parties {
		x := party.Named{Coded: party.Coded{Role: cmp.Or(n.As, n.Role.Value), List: n.CodeQualifier.Value, Code: n.Code.Value}, Name: n.Name.Value}
		if x.Role != "" && (x.Code != "" || x.Name != "") && len(out) < order.MaxNamed {
			out = append(out, x)
		}
	}
	return out
}

// AsCoded are those of them that have a code, without their names.
func AsCoded(parties []Party) (out []party.Coded) {
	for _, n := range AsNamed(parties) {
		if n.Code != "" {
			out = append(out, n.Coded)
		}
	}
	return out
}

// Named is the party of the first of these roles that the document named.
func Named(all []party.Named, roles ...string) (party.Named, bool) {
	for _, role := range roles {
		if i := slices.IndexFunc(all, func(n party.Named) bool { return n.Role == role }); i >= 0 {
			return all[i], true
		}
	}
	return party.Named{}, false
}

// Uncoded gives parties of a notice their place among those of an order.
func Uncoded(all []party.Coded) (out []party.Named) {
	for _, c := range all {
		out = append(out, party.Named{Coded: c})
	}
	return out
}

// List is whose code an address's is: as the document said beside it, "" where it did not. Of a code that
// it does not have it is the one that we agreed on.
func List(all []party.Named, code string) string {
	if i := slices.IndexFunc(all, func(n party.Named) bool { return n.Code == code && code != "" }); i >= 0 {
		return all[i].List
	}
	return Agreed
}

// Building is a building of ours as the document named it in one of these roles; else, or where it is
// another by now, by the partner's code for it.
func (p Profile) Building(all []party.Named, facility string, roles ...string) party.Named {
	for _, role := range roles {
		n, ok := Named(all, role)
		f, known := p.Facilities[n.Code]
		switch {
		case !ok || n.Code == "":
		case known && f == facility, n.Code == facility, len(p.Facilities) == 0 && p.Facility == facility:
			return n
		}
	}
	return party.Named{Coded: party.Coded{Role: roles[0], List: Agreed, Code: p.Outside(p.Facilities, facility)}}
}

// Depositor is an owner as the document named it in one of these roles, else by the partner's code for it.
func (p Profile) Depositor(all []party.Named, owner string, roles ...string) party.Named {
	for _, role := range roles {
		n, ok := Named(all, role)
		o, known := p.Owners[n.Code]
		switch {
		case !ok || n.Code == "":
		case known && o == owner, n.Code == owner, !known && p.Owner == owner:
			return n
		}
	}
	return party.Named{Coded: party.Coded{Role: roles[0], List: Agreed, Code: p.Outside(p.Owners, owner)}}
}

// n103 is the list as X12 names it: that of a document of another syntax has no code here.
func n103(list string) string {
	if list == "" || list == Agreed || strings.Contains(list, ":") {
		return "92" // assigned by the buyer, or whoever reads it
	}
	return list
}

// n1 is a party in a role.
func n1(role string, n party.Named) x12.Out {
	out := x12.Seg("N1", role, cut(n.Name, 60))
	if len(n.Code) >= 2 {
		out.Elements = append(out.Elements, n103(n.List), cut(n.Code, 80))
	} else if n.Name == "" {
		out.Elements[1] = n.Code // too short for N104
	}
	return out
}

// buyerAndSeller are the N1 of who bought and who sells, where the document named them.
func buyerAndSeller(all []party.Named) (out []x12.Out) {
	for _, role := range [...]string{"BY", "SU", "VN"} {
		if n, ok := Named(all, role); ok {
			out = append(out, n1(role, n))
		}
	}
	return out
}

// parties are the N1 of warehouse and depositor.
func (p Profile) parties(s scope.Scope, all []party.Named) []x12.Out {
	return []x12.Out{n1("WH", p.Building(all, s.Facility, "WH", "ST")), n1("DE", p.Depositor(all, s.Owner, "DE"))}
}
