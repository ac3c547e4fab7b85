package sapsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
)

const materialRoot = "/sap/opu/odata/sap/API_MATERIAL_DOCUMENT_SRV"

// Moved is an item of a material document that was posted.
type Moved struct {
	Document, Reference, Code, Type, Material, Plant, Location, Batch string
	Qty                                                               int64
}

// Moves are all that were posted.
func (s *Sim) Moves() []Moved {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.moves)
}

// movements are the types that the system has, by the codes that may post them.
var movements = map[string][]string{"05": {"501", "521", "701", "707"}, "03": {"201", "551", "702", "708"}, "04": {"311", "343", "344"}}

// jsonDate is a day as it is posted.
var jsonDate = regexp.MustCompile(`^/Date\((\d+)\)/$`)

// create posts a material document with one item or several (a deep insert).
func (s *Sim) create(_ *http.Request, body []byte) simhttp.Answer {
	type item struct {
		Material, Plant, StorageLocation, Batch, GoodsMovementType, QuantityInEntryUnit, MaterialDocumentItemText string
	}
	var d struct {
		GoodsMovementCode, PostingDate, DocumentDate, ReferenceDocument, MaterialDocumentHeaderText string

		Items struct {
			Results []item `json:"results"`
		} `json:"to_MaterialDocumentItem"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return refuse(http.StatusBadRequest, "/IWFND/CM_MGW/000", "Error while parsing the request body: "+err.Error())
	}
	for what, l := range map[string]struct {
		value string
		most  int
	}{"GoodsMovementCode": {d.GoodsMovementCode, 2}, "ReferenceDocument": {d.ReferenceDocument, 16}, "MaterialDocumentHeaderText": {d.MaterialDocumentHeaderText, 25}} {
		if len([]rune(l.value)) > l.most {
			return refuse(http.StatusBadRequest, "/IWFND/CM_MGW/096", fmt.Sprintf("Property %s is longer than %d", what, l.most))
		}
	}
	m := jsonDate.FindStringSubmatch(d.PostingDate)
	if m == nil || !jsonDate.MatchString(d.DocumentDate) {
		return refuse(http.StatusBadRequest, "/IWFND/CM_MGW/000", "Invalid date")
	}
	ms, _ := strconv.ParseInt(m[1], 10, 64)
	types, known := movements[d.GoodsMovementCode]
	switch {
	case !known:
		return refuse(http.StatusBadRequest, "M7/420", "Goods movement code "+d.GoodsMovementCode+" is not allowed")
	case len(d.Items.Results) == 0:
		return refuse(http.StatusBadRequest, "M7/001", "The document has no items")
	case s.closed:
		return refuse(http.StatusBadRequest, "M7/053", "Posting only possible in periods 2026/12 and 2026/11 in company code 1710")
	}
	year := fmt.Sprint(time.UnixMilli(ms).UTC().Year())
	number := fmt.Sprint(4900000001 + len(s.moves))
	var posted []Moved
	for _, i := range d.Items.Results {
		whole, part, _ := strings.Cut(i.QuantityInEntryUnit, ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		switch {
		case !slices.Contains(types, i.GoodsMovementType):
			return refuse(http.StatusBadRequest, "M7/022", fmt.Sprintf("Movement type %s is not allowed with code %s", i.GoodsMovementType, d.GoodsMovementCode))
		case i.Material == "" || len(i.Material) > 40 || i.Material == "UNKNOWN":
			return refuse(http.StatusBadRequest, "M3/305", "The material "+i.Material+" does not exist or is not activated")
		case len(i.Plant) != 4 || len(i.StorageLocation) != 4:
			return refuse(http.StatusBadRequest, "M7/001", "Check table T001L: entry "+i.Plant+" "+i.StorageLocation+" does not exist")
		case err != nil || n <= 0 || strings.Trim(part, "0") != "":
			return refuse(http.StatusBadRequest, "M7/064", "Enter a quantity")
		case len(i.Batch) > 10 || len([]rune(i.MaterialDocumentItemText)) > 50:
			return refuse(http.StatusBadRequest, "/IWFND/CM_MGW/096", "A property is too long")
		}
		posted = append(posted, Moved{number + "/" + year, d.ReferenceDocument, d.GoodsMovementCode, i.GoodsMovementType, i.Material, i.Plant, i.StorageLocation, i.Batch, n})
	}
	s.moves = append(s.moves, posted...)
	return simhttp.Answer{Status: http.StatusCreated, Body: map[string]any{"d": materialHead(posted[0])}}
}

func materialHead(m Moved) map[string]any {
	number, year, _ := strings.Cut(m.Document, "/")
	uri := fmt.Sprintf("%s/A_MaterialDocumentHeader(MaterialDocumentYear='%s',MaterialDocument='%s')", materialRoot, year, number)
	return map[string]any{
		"__metadata":           map[string]any{"id": uri, "uri": uri, "type": "API_MATERIAL_DOCUMENT_SRV.A_MaterialDocumentHeaderType"},
		"MaterialDocumentYear": year, "MaterialDocument": number, "ReferenceDocument": m.Reference, "GoodsMovementCode": m.Code,
	}
}

// created lists material documents.
func (s *Sim) created(r *http.Request) simhttp.Answer {
	q := r.URL.Query()
	for name := range q {
		if name != "$filter" && name != "$select" {
			return badOption("Invalid system query option specified")
		}
	}
	holds, err := parseFilter(q.Get("$filter"), materialHead(Moved{}))
	if err != nil {
		return badOption("Invalid query option '$filter': " + err.Error())
	}
	list := []any{}
	for i, m := range s.moves {
		if e := materialHead(m); holds(e) && (i == 0 || s.moves[i-1].Document != m.Document) {
			list = append(list, e)
		}
	}
	return simhttp.OK(map[string]any{"d": map[string]any{"results": list}})
}
