package usps

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

type trouble struct {
	Code, Title, Detail carrierdoc.Text
	Source              struct{ Parameter carrierdoc.Text }
}

// ReadError finds the code and the words of an answer that is an error: the form
// of all services with the place of each error, that of OAuth (RFC 6749, 5.2), and
// the bare words of a payment authorization. The code is the first error's own.
func ReadError(body []byte) (code, message string) {
	var doc struct {
		Error       json.RawMessage
		Description carrierdoc.Text `json:"error_description"`
		Body        carrierdoc.Text
	}
	if json.Unmarshal(body, &doc) != nil {
		return "", ""
	}
	var word string
	if json.Unmarshal(doc.Error, &word) == nil && word != "" {
		return word, cmp.Or(strings.TrimSpace(string(doc.Description)), word)
	}
	var all struct {
		Code, Message carrierdoc.Text
		Errors        carrierdoc.List[trouble]
	}
	if json.Unmarshal(doc.Error, &all) != nil {
		return "", string(doc.Body)
	}
	if len(all.Errors) == 0 {
		return string(all.Code), strings.TrimSpace(string(all.Message))
	}
	words := make([]string, 0, len(all.Errors))
	for _, e := range all.Errors[:min(len(all.Errors), 10)] {
		text := strings.TrimSpace(string(cmp.Or(e.Detail, e.Title, all.Message)))
		if e.Source.Parameter != "" {
			text = fmt.Sprintf("%s: %s", e.Source.Parameter, text)
		}
		words = append(words, text)
	}
	return string(cmp.Or(all.Errors[0].Code, all.Code)), strings.Join(words, "; ")
}
