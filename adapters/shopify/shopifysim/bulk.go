package shopifysim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

type bulk struct {
	id, query, status string
	created, done     time.Time
	lines             bytes.Buffer
	objects, roots    int
}

// bulkRun begins a query that is answered as a file. Only what PakLog asks is run: all fulfilment orders.
func (s *Sim) bulkRun(query string) obj {
	if why := bulkRefusal(query); len(why) > 0 {
		errs := make([]any, len(why))
		for i, words := range why {
			errs[i] = problem([]any{"query"}, words, "INVALID")
		}
		return obj{"bulkOperation": nil, "userErrors": errs}
	}
	var running []string
	for _, b := range s.store.bulks {
		if b.status == "CREATED" || b.status == "RUNNING" {
			running = append(running, b.id)
		}
	}
	if len(running) >= maxBulks {
		words := "A bulk query operation for this app and shop is already in progress: " + strings.Join(running, ", ") + "."
		return obj{"bulkOperation": nil, "userErrors": []any{problem(nil, words, "OPERATION_IN_PROGRESS")}}
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

// bulkRefusal is why a query cannot be run in bulk.
func bulkRefusal(query string) []string {
	if len(query) > 65535 {
		return []string{fmt.Sprintf("Query is too large (%d bytes; maximum is 65535 bytes)", len(query))}
	}
	_, d := parse(request{Query: query})
	if d.doc == nil || operation(d.doc, "") == nil {
		return []string{"Invalid bulk query: syntax error, unexpected end of file"}
	}
	op := operation(d.doc, "")
	if op.Operation != "query" {
		return []string{"Invalid operation type. Only `query` operations are supported."}
	}
	var why []string
	var look bulkLook
	look.into(op.SelectionSet, 0, "")
	for _, sel := range op.SelectionSet {
		if f, ok := sel.(*ast.Field); ok && f.Name == "node" {
			why = append(why, "Bulk queries cannot contain a top level `node` field.")
		}
	}
	if look.connections == 0 && len(look.byNodes) == 0 {
		why = append(why, "Bulk queries must contain at least one connection.")
	}
	if len(look.byNodes) > 0 {
		why = append(why, "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: '"+look.byNodes[0]+" { edges { node {'. Selecting via 'nodes' is not supported. Invalid connection fields: '"+strings.Join(look.byNodes, "', '")+"'.")
	}
	if look.connections > maxConnections {
		why = append(why, "Bulk queries cannot contain more than 5 connections.")
	}
	if look.deep {
		why = append(why, "Bulk queries cannot contain connections with a nesting depth greater than 2.")
	}
	if len(look.noID) > 0 {
		why = append(why, "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. Connection fields without 'id': "+strings.Join(look.noID, ", ")+".")
	}
	if look.inList {
		why = append(why, "Queries that contain a connection field within a list field are not currently supported.")
	}
	return why
}

// maxConnections is how many connections a bulk query may have, two deep.
const maxConnections, maxDepth = 5, 2

// bulkLook is what is seen of a bulk query.
type bulkLook struct {
	connections   int
	byNodes, noID []string
	deep, inList  bool
}

// into looks at what is selected below depth connections, of which the nearest is the field of a name.
func (b *bulkLook) into(set ast.SelectionSet, depth int, nearest string) {
	child := func(set ast.SelectionSet, name string) *ast.Field {
		for _, sel := range set {
			if f, ok := sel.(*ast.Field); ok && f.Name == name {
				return f
			}
		}
		return nil
	}
	for _, sel := range set {
		f, ok := sel.(*ast.Field)
		if !ok || len(f.SelectionSet) == 0 {
			continue
		}
		switch edges := child(f.SelectionSet, "edges"); {
		case child(f.SelectionSet, "nodes") != nil:
			b.byNodes = append(b.byNodes, f.Name)
		case edges != nil:
			b.connections++
			b.deep = b.deep || depth+1 > maxDepth
			if nearest != "" && child(set, "id") == nil && !slices.Contains(b.noID, nearest) {
				b.noID = append(b.noID, nearest)
			}
			if n := child(edges.SelectionSet, "node"); n != nil {
				b.into(n.SelectionSet, depth+1, f.Name)
			}
		default:
			before := b.connections
			b.into(f.SelectionSet, depth, "")
			b.inList = b.inList || b.connections > before && f.Name == "fulfillments"
		}
	}
}
