package finding

import (
	"fmt"
	"html/template"
	"io"
)

// page writes one HTML page that needs nothing beside it.
type page struct {
	w      io.Writer
	some   bool
	counts [Error + 1]int
	err    error
}

const pageHead = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Findings</title>
<style>body{font:15px system-ui,sans-serif;margin:2rem;max-width:70rem}article{border-left:4px solid #888;padding:.2rem 1rem;margin:1rem 0}
.error{border-color:#b00020}.warning{border-color:#b26a00}.note{border-color:#00639b}pre{background:#f4f4f4;padding:.5rem;overflow-x:auto}
mark{background:#ffd54f}small{color:#555}</style></head><body><h1>Findings</h1>
`

var pageFinding = template.Must(template.New("finding").Parse(`<article class="{{.F.Severity}}"><p><b>{{.F.Severity}}</b> <code>{{.F.Code}}</code>{{with .F.Element}} at <code>{{.}}</code>{{end}}: {{.F.Message}}</p>
{{if .Text}}<pre>{{.Before}}<mark>{{.Marked}}</mark>{{.After}}</pre>
{{end}}<p><small>{{with .F.File}}{{.}}, {{end}}line {{.F.Line}}, column {{.F.Column}}, byte {{.F.Offset}}{{with .F.Segment}}, segment {{.}}{{end}}{{with .F.Loop}}, in {{.}}{{end}}{{with .F.Set}}, set {{.}}{{end}}, rule of the {{.F.Layer}} layer{{with .F.Expected}}; expected {{.}}{{end}}</small></p>
{{with .F.Hint}}<p>{{.}}</p>
{{end}}</article>
`))

func (p *page) write(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, text)
	}
}

func (p *page) Add(f Finding, e Excerpt) error {
	if !p.some {
		p.write(pageHead)
	}
	p.some = true
	p.counts[min(f.Severity, Error)]++
	runes := []rune(e.Text)
	from := min(e.From, len(runes))
	to := min(from+e.Len, len(runes))
	marked := string(runes[from:to])
	if marked == "" {
		marked = " " // the place of what is missing
	}
	if p.err == nil {
		p.err = pageFinding.Execute(p.w, struct {
			F                           Finding
			Text, Before, Marked, After string
		}{f, e.Text, string(runes[:from]), marked, string(runes[to:])})
	}
	return p.err
}

func (p *page) Close() error {
	if !p.some {
		p.write(pageHead)
	}
	p.write(fmt.Sprintf("<p>%d errors, %d warnings, %d notes</p></body></html>\n", p.counts[Error], p.counts[Warning], p.counts[Note]))
	return p.err
}
