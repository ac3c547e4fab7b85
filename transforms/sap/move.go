package sap

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/erp"
)

// Stock is where a building's stock is in SAP.
type Stock struct{ Plant, Location string }

// Validate refuses what SAP can have nothing of.
func (s Stock) Validate() error {
	if len(s.Plant) == 0 || len(s.Plant) > 4 || len(s.Location) == 0 || len(s.Location) > 4 {
		return fmt.Errorf("plant %q and storage location %q: each has 1 to 4 characters", s.Plant, s.Location)
	}
	return nil
}

// MovementType is a movement in SAP: the code of the transaction that posts it (GoodsMovementCode), and its type.
type MovementType struct{ Code, Type string }

var adjusts = []string{erp.Gain, erp.Loss, erp.HeldGain, erp.HeldLoss, erp.Hold, erp.Free}

// Validate refuses what is no movement, or is one of nothing that is told.
func (m MovementType) Validate(kind string) error {
	if !slices.Contains(adjusts, kind) {
		return fmt.Errorf("there are %s", strings.Join(adjusts, ", "))
	}
	if len(m.Code) != 2 || len(m.Type) != 3 || strings.Trim(m.Code+m.Type, "0123456789") != "" {
		return fmt.Errorf("code %q and type %q: want two digits and three, 05 and 701 for instance", m.Code, m.Type)
	}
	return nil
}

// MaterialDocument is what is posted.
type MaterialDocument struct {
	Code      string                    `json:"GoodsMovementCode"`
	Posting   string                    `json:"PostingDate"`
	Day       string                    `json:"DocumentDate"`
	Reference string                    `json:"ReferenceDocument"`
	Text      string                    `json:"MaterialDocumentHeaderText"`
	Items     inserted[MaterialDocItem] `json:"to_MaterialDocumentItem"`
}

// inserted is a list as a deep insert has it.
type inserted[T any] struct {
	List []T `json:"results"`
}

// MaterialDocItem is an item of it. Without a unit its quantity is in the material's base unit.
type MaterialDocItem struct {
	Material string `json:"Material"`
	Plant    string `json:"Plant"`
	Location string `json:"StorageLocation"`
	Batch    string `json:"Batch,omitempty"`
	Type     string `json:"GoodsMovementType"`
	Qty      string `json:"QuantityInEntryUnit"`
	Text     string `json:"MaterialDocumentItemText"`
}

// ToMaterialDocument is the document of an adjustment, at a stock, by a movement. Its reference is our key,
// by which it is found again.
func ToMaterialDocument(a erp.Adjustment, s Stock, m MovementType) MaterialDocument {
	day := fmt.Sprintf("/Date(%d)/", a.At.UTC().Truncate(24*time.Hour).UnixMilli())
	return MaterialDocument{
		Code: m.Code, Posting: day, Day: day, Reference: a.Key, Text: cut(a.Reason, 25),
		Items: inserted[MaterialDocItem]{[]MaterialDocItem{{
			Material: a.Item, Plant: s.Plant, Location: s.Location, Batch: a.Lot, Type: m.Type, Qty: strconv.FormatInt(a.Qty, 10), Text: cut(a.Reason, 50),
		}}},
	}
}

// cut is at most n characters of a text.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

type materialDocument struct {
	Number    text `json:"MaterialDocument"`
	Year      text `json:"MaterialDocumentYear"`
	Reference text `json:"ReferenceDocument"`
}

func (d materialDocument) name() (string, error) {
	if d.Number == "" || d.Year == "" {
		return "", errors.New("the material document has no number, or no year")
	}
	return string(d.Number) + "/" + string(d.Year), nil
}

// ToDocument reads the document that was made.
func ToDocument(data []byte) (string, error) {
	const op = "sap.ToDocument"
	d, err := read[materialDocument](op, data)
	if err != nil {
		return "", err
	}
	name, err := d.name()
	if err != nil {
		return "", unreadable(op, err)
	}
	return name, nil
}

// Referring asks for the documents of a reference.
func Referring(key string) url.Values {
	return url.Values{"$filter": {"ReferenceDocument eq " + Quoted(key)}, "$select": {"MaterialDocument,MaterialDocumentYear,ReferenceDocument"}}
}

// ToReferring reads the documents of a reference.
func ToReferring(data []byte, key string) (found []string, err error) {
	const op = "sap.ToReferring"
	page, err := read[results[materialDocument]](op, data)
	if err != nil {
		return nil, err
	}
	if page.List == nil {
		return nil, unreadable(op, errors.New("there is no list"))
	}
	for _, d := range page.List {
		if string(d.Reference) != key {
			return nil, unreadable(op, fmt.Errorf("asked for documents of %s, was told of one of %.40q", key, string(d.Reference)))
		}
		name, err := d.name()
		if err != nil {
			return nil, unreadable(op, err)
		}
		found = append(found, name)
	}
	return found, nil
}
