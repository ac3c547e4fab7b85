package grammar

import (
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/paklog/hub/edi/finding"
)

type guideRow struct {
	Depth          int
	Tag, Name      string
	Need           string
	Most           int
	Loop           bool
	By             string
	Elements       []guideElement
	Notes          []string
	Qualifier, Ref string
}

type guideElement struct {
	Ref, Name, Need, Type, Codes, By string
	Component                        bool
}

var guidePage = template.Must(template.New("guide").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title>
<style>body{font:15px system-ui,sans-serif;margin:2rem;max-width:72rem}table{border-collapse:collapse;margin:.3rem 0 1.2rem}td,th{border:1px solid #ccc;padding:.15rem .6rem;text-align:left;vertical-align:top}
.own{background:#fff3c4}section{border-left:3px solid #ddd;padding-left:1rem}small{color:#555}.c td:first-child{padding-left:1.5rem}</style></head><body>
<h1>{{.Title}}</h1><p>{{.About}}</p>
<h2>Order of segments</h2><table><tr><th>segment</th><th>name</th><th>use</th><th>at most</th><th>rule of</th></tr>
{{range .Rows}}<tr{{if ne .By "standard"}} class="own"{{end}}><td style="padding-left:{{.Depth}}.5rem"><a href="#{{.Ref}}">{{if .Loop}}loop {{end}}{{.Tag}}</a>{{with .Qualifier}} <small>{{.}}</small>{{end}}</td><td>{{.Name}}</td><td>{{.Need}}</td><td>{{.Most}}</td><td>{{.By}}</td></tr>
{{end}}</table>
{{range .Rows}}{{if .Elements}}<section id="{{.Ref}}"><h3>{{.Tag}} {{.Name}}</h3><table><tr><th>element</th><th>name</th><th>use</th><th>type</th><th>codes</th><th>rule of</th></tr>
{{range .Elements}}<tr class="{{if .Component}}c{{end}}{{if ne .By "standard"}} own{{end}}"><td>{{.Ref}}</td><td>{{.Name}}</td><td>{{.Need}}</td><td>{{.Type}}</td><td>{{.Codes}}</td><td>{{.By}}</td></tr>
{{end}}</table>{{range .Notes}}<p>{{.}}</p>{{end}}</section>
{{end}}{{end}}{{if .Rules}}<h2>Across segments</h2><ul>{{range .Rules}}<li>{{.}}</li>{{end}}</ul>{{end}}
</body></html>
`))

// Guide writes the set's implementation guide as one HTML page: its segments in
// order, their elements, notes and rules; what a partner changed is marked.
func (s *Set) Guide(w io.Writer) error {
	data := struct {
		Title, About string
		Rows         []guideRow
		Rules        []string
	}{Title: fmt.Sprintf("Set %s, release %s", s.ID, s.Release), About: "Checked by the profile of PakLog"}
	for i, l := range s.Layers {
		if i == 0 {
			data.About = "Checked by the profile of PakLog and the overlays "
		} else {
			data.About += ", "
		}
		data.About += fmt.Sprintf("%s (%s)", l.Overlay, l.Layer)
	}
	if s.Closed {
		data.About += ". What is not in this guide is refused."
	} else {
		data.About += ". What is not in this guide is noted and taken."
	}
	told := map[*Segment]bool{}
	var walk func(n *Node, depth int)
	walk = func(n *Node, depth int) {
		for i, c := range n.Children {
			row := guideRow{Depth: depth, Tag: c.ID, Name: c.Name, Need: "optional", Most: c.Max, Loop: c.Loop, Ref: c.ID}
			if row.Name == "" {
				row.Name = s.names[c.ID]
			}
			if c.Required {
				row.Need = "required"
			}
			if row.By = string(finding.Standard); i > 0 || n == s.Root {
				row.By = c.by.of("require", "max")
			}
			if c.Match != nil {
				row.Qualifier = fmt.Sprintf("where %s is %s", finding.Ref(c.ID, c.Match.Element, c.Match.Component), strings.Join(c.Match.Values, " or "))
			}
			if c.def != nil && !c.Loop && !told[c.def] {
				told[c.def] = true
				s.guideElements(&row, c.def)
			}
			data.Rows = append(data.Rows, row)
			if c.Loop {
				walk(c, depth+1)
			}
		}
	}
	walk(s.Root, 0)
	for _, r := range s.Rules {
		if r.Severity != 0 {
			data.Rules = append(data.Rules, fmt.Sprintf("%s (%s, %s)", r.words(), r.Severity, s.by.of(r.text)))
		}
	}
	return guidePage.Execute(w, data)
}

func (s *Set) guideElements(row *guideRow, def *Segment) {
	each := func(e *Element, n, component int) {
		ref := finding.Ref(def.ID, n, component)
		g := guideElement{Ref: ref, Name: e.Name, Need: "optional", Type: typeName(e), Component: component > 0,
			By: e.by.of("require", "max", "min", "type", "codes", "name", "repeat"), Codes: e.some(60)}
		if g.Name == "" {
			g.Name = s.names[e.Ref]
		}
		switch e.Requirement {
		case 'M':
			g.Need = "required"
		case 'X':
			g.Need = "conditional"
		}
		if e.Type == "C" {
			g.Type = "composite"
		}
		row.Elements = append(row.Elements, g)
	}
	for i, e := range def.Elements {
		if e == nil {
			continue
		}
		each(e, i+1, 0)
		for j, c := range e.Components {
			if c != nil {
				each(c, i+1, j+1)
			}
		}
	}
	for _, n := range def.Notes {
		row.Notes = append(row.Notes, n.meaning(def.ID)+".")
	}
}

// words says what a rule asks.
func (r *Rule) words() string {
	var of []string
	for _, p := range r.Of {
		of = append(of, p.String())
	}
	switch r.Kind {
	case "count":
		return fmt.Sprintf("%s is the number of segments %s", r.At, strings.Join(of, " or of "))
	case "sum":
		return fmt.Sprintf("%s is the sum of %s", r.At, of[0])
	case "tree":
		return fmt.Sprintf("%s numbers the levels, %s names the one above", r.At, of[0])
	case "sscc":
		return fmt.Sprintf("%s is an SSCC with its check digit", r.At)
	}
	return fmt.Sprintf("%s is a GTIN with its check digit", r.At)
}
