package shopifysim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

type bulk struct {
	id, query, status string
	created, done     time.Time
	lines             bytes.Buffer
	objects, roots    int
}

// bulkRun begins a query that is answered as a file. Only what PakLog asks is run: all fulfilment orders.
func (s *Sim) bulkRun(query string) obj {
	no := func(message, code string) obj {
		p := problem([]any{"query"}, message, code)
		if code == "OPERATION_IN_PROGRESS" {
			p["field"] = nil
		}
		return obj{"bulkOperation": nil, "userErrors": []any{p}}
	}
	if bad := bulkRefusal(query); bad != "" {
		return no(bad, "INVALID")
	}
	var running []string
	for _, b := range s.store.bulks {
		if b.status == "CREATED" || b.status == "RUNNING" {
			running = append(running, b.id)
		}
	}
	if len(running) >= maxBulks {
		return no("A bulk query operation for this app and shop is already in progress: "+strings.Join(running, ", ")+".", "OPERATION_IN_PROGRESS")
	}
	b := &bulk{id: s.store.gid("BulkOperation"), query: query, status: "CREATED", created: s.now()}
	s.store.bulks = append(s.store.bulks, b)
	return obj{"bulkOperation": s.bulkObj(b), "userErrors": none()}
}

// maxBulks is how many run at once.
const maxBulks = 5

func (s *Sim) bulkObj(b *bulk) obj {
	out := obj{
		"__typename": "BulkOperation", "id": b.id, "status": b.status, "errorCode": nil, "createdAt": stamp(b.created), "completedAt": stamp(b.done),
		"objectCount": itoa(b.objects), "rootObjectCount": itoa(b.roots), "fileSize": nil, "url": nil, "partialDataUrl": nil, "query": b.query, "type": "QUERY",
	}
	if b.status == "COMPLETED" && b.lines.Len() > 0 {
		out["fileSize"], out["url"] = itoa(b.lines.Len()), "/bulk/"+digits(b.id)
	}
	return out
}

// FinishBulk lets the bulk queries come to their end.
func (s *Sim) FinishBulk() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.store.bulks {
		if b.status != "CREATED" {
			continue
		}
		req := request{Query: b.query}
		_, d := parse(req)
		if len(d.errs) > 0 {
			b.status = "FAILED"
			continue
		}
		x := &execution{s: s, doc: d.doc}
		data := obj{}
		x.into(data, operation(d.doc, "").SelectionSet, nil, s.queries)
		b.flatten(data, "")
		b.status, b.done = "COMPLETED", s.now()
	}
}

// flatten writes the nodes of connections as lines, those below others with the id of their parent.
func (b *bulk) flatten(o obj, parent string) {
	for name, v := range o {
		c, ok := v.(obj)
		if !ok {
			continue
		}
		edges, isList := c["edges"].([]any)
		if !isList {
			b.flatten(c, parent)
			continue
		}
		delete(o, name)
		for _, e := range edges {
			n, _ := e.(obj)["node"].(obj)
			id, _ := n["id"].(string)
			below := obj{}
			for k, v := range n {
				if c, ok := v.(obj); ok && c["edges"] != nil {
					below[k] = v
					delete(n, k)
				}
			}
			if parent != "" {
				n["__parentId"] = parent
			} else {
				b.roots++
			}
			b.objects++
			line, err := json.Marshal(n)
			if err != nil {
				panic(err) // plain values
			}
			b.lines.Write(append(line, '\n'))
			b.flatten(below, id)
		}
	}
}

func (s *Sim) bulkFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.store.bulks {
		if digits(b.id) == r.PathValue("number") && b.status == "COMPLETED" {
			w.Header().Set("Content-Type", "application/jsonl")
			_, _ = w.Write(b.lines.Bytes())
			return
		}
	}
	http.Error(w, fmt.Sprintf("no file %s", r.PathValue("number")), http.StatusNotFound)
}

// bulkRefusal is why a query cannot be run in bulk, "" where it can.
func bulkRefusal(query string) string {
	if strings.TrimSpace(query) == "" {
		return "Invalid bulk query: syntax error, unexpected end of file"
	}
	if len(query) > 65535 {
		return fmt.Sprintf("Query is too large (%d bytes; maximum is 65535 bytes)", len(query))
	}
	_, d := parse(request{Query: query})
	switch op := operation(d.doc, ""); {
	case d.doc == nil || op == nil:
		return "Invalid bulk query: syntax error, unexpected end of file"
	case op.Operation != "query":
		return "Invalid operation type. Only `query` operations are supported."
	case !strings.Contains(query, "edges"):
		return "Bulk queries must contain at least one connection."
	}
	return ""
}
