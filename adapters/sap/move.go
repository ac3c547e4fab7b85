package sap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/sap"
)

// documents is where material documents are.
const documents = "/API_MATERIAL_DOCUMENT_SRV"

const materialDocuments = "/A_MaterialDocumentHeader"

// Move implements [erp.Mover].
func (c *Client) Move(ctx context.Context, a erp.Adjustment) (string, error) {
	const op = "sap.Move"
	stock, known := c.cfg.Stocks[a.Facility]
	if !known {
		return "", fault.At(op, fault.Rejected, "facility", fmt.Errorf("nobody said which plant and storage location %s is in SAP: name it in stocks, and replay this", a.Facility))
	}
	movement, known := c.cfg.Movements[a.Kind]
	if !known {
		return "", fault.At(op, fault.Rejected, "kind", fmt.Errorf("nobody said what movement a %s is in SAP: name it in movements, and replay this", a.Kind))
	}
	ans, err := c.do(ctx, c.docs, partnerhttp.Call{
		Op: op, Method: http.MethodPost, Path: materialDocuments, Body: sap.ToMaterialDocument(a, stock, movement), Once: true,
	})
	if r, refused := errors.AsType[*partnerhttp.Refusal](err); refused && fault.KindOf(err) == fault.Rejected &&
		(r.Status == http.StatusLocked || strings.Contains(r.Message, "currently being processed") || strings.Contains(r.Message, "is locked")) {
		return "", fault.E(op, fault.Transient, r)
	}
	if err != nil {
		return "", err
	}
	document, err := sap.ToDocument(ans.Body)
	if err != nil {
		return "", fault.E(op, fault.Unknown, err)
	}
	return document, nil
}

// Moved implements [erp.Mover].
func (c *Client) Moved(ctx context.Context, a erp.Adjustment) (string, bool, error) {
	const op = "sap.Moved"
	data, none, err := c.get(ctx, c.docs, op, materialDocuments, sap.Referring(a.Key))
	if err == nil && none {
		err = fault.E(op, fault.Unavailable, errors.New("the service has no A_MaterialDocumentHeader"))
	}
	if err != nil {
		return "", false, unread(op, err)
	}
	found, err := sap.ToReferring(data, a.Key)
	switch {
	case err != nil:
		return "", false, fault.Wrap(op, err)
	case len(found) > 1:
		return "", false, fault.E(op, fault.Unknown, fmt.Errorf("several material documents bear our reference %s: %s", a.Key, strings.Join(found, ", ")))
	case len(found) == 0:
		return "", false, nil
	}
	return found[0], true, nil
}

var _ erp.Mover = (*Client)(nil)
