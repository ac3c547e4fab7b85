package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
)

// page shows what is so at the partner.
var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Name}}, simulated</title>
<style>body{font:15px/1.5 system-ui;margin:2em;max-width:70em}pre{background:#f4f4f4;padding:1em;overflow:auto}form{margin:.5em 0}</style></head>
<body><h1>{{.Name}}, simulated</h1><p>It listens at <code>{{.At}}</code>; a hub is given {{.Access}}.</p>
{{if .Orders}}<form method="post" action="orders">Order <input name="qty" value="1" size="3"> of <input name="sku" value="MUG"> <button>place</button></form>{{end}}
{{if .Hooks}}<form method="post" action="hooks">Webhooks go to <input name="url" size="60"> <button>set</button></form>{{end}}
<form method="post" action="faults">The next call of <input name="op" list="ops"> meets <select name="fault">{{range .Faults}}<option>{{.}}</option>{{end}}</select> <button>inject</button></form>
<datalist id="ops">{{range .Ops}}<option>{{.}}</option>{{end}}</datalist>
<h2>Calls</h2><pre>{{.Calls}}</pre><h2>What is so</h2><pre>{{.Truth}}</pre></body></html>
`))

// pages are the page of a partner's ground truth, the same as JSON, and what may be done there.
func pages(p partner, s sim, at string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /truth", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"calls": s.calls(), "truth": s.truth()}) // who asked went away
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		counted := s.calls()
		var ops map[string]int
		raw, err := json.Marshal(counted)
		if err == nil {
			err = json.Unmarshal(raw, &ops)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		names := make([]string, 0, len(ops))
		for op := range ops {
			names = append(names, op)
		}
		slices.Sort(names)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, map[string]any{ // who asked went away
			"Name": p.name, "At": at + p.path, "Access": p.access, "Orders": s.order != nil, "Hooks": s.hooks != nil, "Faults": faults, "Ops": names,
			"Calls": shown(counted), "Truth": shown(s.truth()),
		})
	})
	act := func(path string, can bool, do func(r *http.Request) (string, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
			if !can {
				http.Error(w, p.name+" has none", http.StatusNotFound)
				return
			}
			said, err := do(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusSeeOther)
			fmt.Fprintln(w, said)
		})
	}
	act("/orders", s.order != nil, func(r *http.Request) (string, error) {
		qty, err := strconv.ParseInt(r.FormValue("qty"), 10, 64)
		if err != nil || qty < 1 || qty > 1_000_000 || r.FormValue("sku") == "" {
			return "", fmt.Errorf("sku and qty are needed: qty is from 1 to 1000000")
		}
		return s.order(r.FormValue("sku"), qty), nil
	})
	act("/hooks", s.hooks != nil, func(r *http.Request) (string, error) {
		s.hooks(r.FormValue("url"))
		return "set", nil
	})
	act("/faults", true, func(r *http.Request) (string, error) {
		op, fault := r.FormValue("op"), r.FormValue("fault")
		if op == "" || !slices.Contains(faults, fault) {
			return "", fmt.Errorf("op and fault are needed, and %q is no fault", fault)
		}
		s.inject(op, fault)
		return "injected", nil
	})
	return mux
}

func shown(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}
