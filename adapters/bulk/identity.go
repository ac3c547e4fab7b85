package bulk

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/inventory"
)

// identity is what a row of stock is known by: the receipt that it means, whatever else the
// file says and however its columns are ordered.
func identity(cmd inventory.Receive) ([32]byte, error) {
	b, err := json.Marshal(cmd)
	return sha256.Sum256(b), err
}

// identify gives a row of stock its claim: what it says, and how often the file said the same
// before. Rows that are refused claim nothing, so they do not count: what is mended is new.
func (im *importer) identify(t *thing) {
	cmd, ok := t.ask.Cmd.(inventory.Receive)
	if im.said == nil || t.err != nil || !ok {
		return
	}
	if t.hash, t.err = identity(cmd); t.err != nil {
		return
	}
	known := binary.BigEndian.Uint64(t.hash[:])
	im.said[known]++
	t.id = hex.EncodeToString(t.hash[:16]) + "/" + strconv.Itoa(im.said[known])
}

// stockScope is what rows of stock are known under. Two files of receipts may say the same and
// mean two deliveries, so the file's name tells them apart; stock that lies there already
// lies there once.
func (im *importer) stockScope() string {
	c := im.cfg
	name := c.Name
	if c.Kind == Opening {
		name = ""
	}
	return strings.Join([]string{"import", c.Kind, c.Scope.Tenant, cmp.Or(c.As, name)}, "/")
}
