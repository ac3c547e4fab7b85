package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/x12"
)

func newDLQShow(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "show LETTER", Short: "Show a letter: cause, place, attempts, message, what it already did, what next",
		Example: `  paklog dlq show Lk3u5x2y7abcd
  paklog dlq show Lk3u5x2y7abcd --json | jq -r .message.document`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: fromHub(g, letterIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := letterNamed(cmd, args); err != nil {
				return err
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var d dlq.Detail
				id, _ := dlq.ParseName(args[0])
				if err := c.do(ctx, http.MethodGet, "/v1/letters/"+url.PathEscape(id), nil, &d); err != nil {
					return letterError(err)
				}
				if g.json {
					return writeJSON(cmd.OutOrStdout(), d)
				}
				return showLetter(cmd.OutOrStdout(), d)
			})
		},
	}
}

func showLetter(w io.Writer, d dlq.Detail) error {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, strings.ReplaceAll(cleanLines(value), "\n", "\n          "))
		}
	}
	channel := "could not be delivered"
	if d.Channel == dlq.Invalid {
		channel = "could not be understood"
	}
	fmt.Fprintf(&b, "%s  %s  (%s, %s)\n\n", d.ID, d.State, channel, clean(d.Kind))
	field("cause", d.Cause)
	field("place", d.Place)
	field("route", d.Route)
	field("message", fmt.Sprintf("%s %s at position %d, of %s", d.Type, d.MessageID, d.Position, instant(d.Message.Time)))
	field("key", d.Key)
	field("journey", d.Correlation)
	for _, k := range []string{"partner", "name"} {
		field(k, d.Message.Headers[k])
	}
	field("reason", d.Reason)
	field("by", d.Actor)

	if b.WriteString("\nattempts"); d.Times > 1 {
		fmt.Fprintf(&b, " (met %d times)", d.Times)
	}
	b.WriteString("\n")
	for _, a := range d.Attempts {
		fmt.Fprintf(&b, "  %s  %-9s  %s\n", instant(a.At), clean(a.Kind), clean(clip(a.Error, 200)))
	}
	b.WriteString("\nwhat it already did\n")
	if len(d.Effects) == 0 {
		b.WriteString("  nothing outside the hub\n")
	}
	for _, e := range d.Effects {
		fmt.Fprintf(&b, "  %-9s  %s through %s since %s\n", clean(e.State), clean(e.Ref), clean(e.Conn), instant(e.Started))
	}
	showMessage(&b, d)
	if d.Stack != "" {
		fmt.Fprintf(&b, "\nstack\n%s\n", indent(cleanLines(d.Stack)))
	}
	b.WriteString("\nwhat next\n  " + clean(d.Next) + "\n")
	if d.State == "open" && strings.Contains(d.Next, "replay") { // of some nothing comes of it
		fmt.Fprintf(&b, "  paklog dlq replay %s\n", d.Name())
	}
	if d.State == "open" {
		fmt.Fprintf(&b, "  paklog dlq drop %s --reason \"...\"\n", d.Name())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mostShown bounds what of a message is shown; --json has it whole.
const mostShown = 4000

func showMessage(b *strings.Builder, d dlq.Detail) {
	// What a route of EDI notes beside the bytes of a transaction set.
	var set struct {
		Document string        `json:"document"`
		Origin   x12.Origin    `json:"origin"`
		Findings []x12.Finding `json:"findings"`
	}
	if json.Unmarshal([]byte(d.Message.Payload), &set) == nil && set.Document != "" && len(set.Findings) > 0 {
		fmt.Fprintf(b, "\nfindings in %s\n", clean(set.Document))
		for i, f := range set.Findings {
			if i == 20 {
				fmt.Fprintf(b, "  and %d more: --json has them all\n", len(set.Findings)-i)
				break
			}
			b.WriteString("  " + f.String() + "\n")
		}
	}
	if d.Message.Dump != "" {
		b.WriteString("\nbytes, which are no text\n" + indent(cleanLines(d.Message.Dump)))
		return
	}
	if doc := d.Message.Document; doc != "" {
		b.WriteString("\ndocument\n")
		at, ok := byteOf(d.Place)
		if at -= set.Origin.Offset; ok && at >= 0 && at < int64(len(doc)) {
			b.WriteString(indent(caret([]byte(doc), at, 1, set.Origin.ISA.Delimiters.Terminator)))
			return
		}
		b.WriteString(indent(cleanLines(cut(doc))))
		return
	}
	b.WriteString("\npayload")
	if d.Message.Sealed {
		b.WriteString(" (what is personal is not shown)")
	}
	b.WriteString("\n")
	var pretty bytes.Buffer
	if json.Indent(&pretty, []byte(d.Message.Payload), "", "  ") == nil {
		b.WriteString(indent(cleanLines(cut(pretty.String()))))
		return
	}
	b.WriteString(indent(cleanLines(cut(d.Message.Payload))))
}

var byteInPlace = regexp.MustCompile(`\bbyte (\d+)`)

// byteOf is the byte offset that a place names.
func byteOf(place string) (int64, bool) {
	m := byteInPlace.FindStringSubmatch(place)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return n, err == nil
}

// caret shows the line or segment that holds a byte, or a stretch of it, and marks n bytes
// from there.
func caret(text []byte, at int64, n int, terminator byte) string {
	const around = 60
	ends := func(c byte) bool { return c == '\n' || c == '\r' || c == terminator }
	at = max(0, min(at, int64(len(text))))
	from, to := at, at
	for from > 0 && at-from < around && !ends(text[from-1]) {
		from--
	}
	for to < int64(len(text)) && to-at < around && !ends(text[to]) {
		to++
	}
	before := clean(string(bytes.ToValidUTF8(text[from:at], []byte("."))))
	line := before + clean(string(bytes.ToValidUTF8(text[at:to], []byte("."))))
	marks := max(1, min(n, int(to-at)))
	return line + "\n" + strings.Repeat(" ", len([]rune(before))) + strings.Repeat("^", marks) + "\n"
}

func cut(s string) string {
	if len(s) <= mostShown {
		return s
	}
	return fmt.Sprintf("%s\n... %d bytes more: --json has it whole", strings.ToValidUTF8(s[:mostShown], ""), len(s)-mostShown)
}

func indent(s string) string { return indentBy("  ", s) + "\n" }

func indentBy(by, s string) string {
	return by + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+by)
}
