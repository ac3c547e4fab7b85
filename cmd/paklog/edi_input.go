package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/edifact"
	data "github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/mixed"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
)

// eachInput opens the files that args name, one after the other: files, all
// that lie in folders, and - for standard input. A bar on standard error shows
// how far a long run is, where that is a terminal.
func eachInput(cmd *cobra.Command, args []string, each func(name string, in io.Reader) error) error {
	type input struct {
		name string
		size int64
	}
	var all []input
	var total int64
	for _, arg := range args {
		if arg == "-" {
			all = append(all, input{name: "-"})
			continue
		}
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			all = append(all, input{path, info.Size()})
			total += info.Size()
			return nil
		})
		if err != nil {
			return err
		}
	}
	bar := &progress{w: cmd.ErrOrStderr(), total: total}
	const long = 32 << 20
	bar.shown = total >= long && terminal(bar.w)
	defer bar.end()
	for _, in := range all {
		if in.name == "-" {
			if err := each("", cmd.InOrStdin()); err != nil {
				return err
			}
			continue
		}
		f, err := os.Open(in.name)
		if err != nil {
			return err
		}
		err = errors.Join(each(in.name, &counted{f, bar}), f.Close())
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
	}
	return nil
}

// progress is a bar that is drawn again with each hundredth of the way.
type progress struct {
	w           io.Writer
	total, done int64
	drawn       int64
	shown       bool
}

func (p *progress) add(n int) {
	p.done += int64(n)
	if !p.shown || p.total == 0 {
		return
	}
	if at := 100 * p.done / p.total; at != p.drawn {
		p.drawn = at
		fmt.Fprintf(p.w, "\r[%-50s] %3d %% of %d MB", strings.Repeat("=", int(min(at, 100)/2)), at, p.total>>20)
	}
}

func (p *progress) end() {
	if p.drawn > 0 {
		fmt.Fprintf(p.w, "\r%-80s\r", "")
	}
}

type counted struct {
	in  io.Reader
	bar *progress
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.bar.add(n)
	return n, err
}

// eachPart reads a stream of X12, EDIFACT or both, one behind the other. What holds no
// interchange has a finding that says so.
func eachPart(in io.Reader, x func(*x12.Part) error, e func(*edifact.Part) error) error {
	found := false
	err := mixed.NewReader(in, mixed.Limits{}).Each(func(r *x12.Reader) error {
		for {
			p, err := r.Next()
			if err != nil {
				return unended(err)
			}
			found = found || p.Kind == x12.InterchangeHeader || len(p.Findings) > 0
			if err := x(p); err != nil {
				return err
			}
		}
	}, func(r *edifact.Reader) error {
		found = true
		for {
			p, err := r.Next()
			if err != nil {
				return unended(err)
			}
			if err := e(p); err != nil {
				return err
			}
		}
	})
	if err != nil || found {
		return err
	}
	nothing := &x12.Part{Kind: x12.Noise}
	nothing.Findings = []x12.Finding{{Code: x12.CodeNotX12, Severity: x12.Error, Layer: x12.LayerSyntax, Line: 1, Column: 1,
		Message: "no X12 interchange in it", Hint: "an interchange begins with ISA"}}
	return x(nothing)
}

// unended is what ended a reading, but for the end of the stream.
func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// rulesFlags are --profile, --profiles and --grammars.
type rulesFlags struct{ profile, folder, grammars string }

func (r *rulesFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.profile, "profile", "", "overlay to check by: a file, or a name in --profiles")
	cmd.Flags().StringVar(&r.folder, "profiles", "", "folder of overlays, NAME.yaml (default: that of the overlay's file)")
	cmd.Flags().StringVar(&r.grammars, "grammars", "", "folder of grammars of one's own, as paklog edi profile import makes them")
}

// overlay is the folder and the name of what --profile says.
func (r *rulesFlags) overlay() (folder, name string) {
	folder, name = r.folder, r.profile
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		folder, name = cmp.Or(folder, filepath.Dir(name)), strings.TrimSuffix(filepath.Base(name), ext)
	}
	return folder, name
}

func (r *rulesFlags) library() (*grammar.Library, error) {
	folder, name := r.overlay()
	base := grammar.Builtin()
	if r.grammars != "" {
		var err error
		if base, err = grammar.New(os.DirFS(r.grammars)); err != nil {
			return nil, err
		}
	}
	l, err := overlaid(base, cmp.Or(folder, "."), name)
	if err == nil && l == nil {
		l = base
	}
	return l, err
}

// overlaid is a library with an overlay of a folder, and those below it, on it; nil
// where none is named. What it changes of EDIFACT messages is left to
// [overlaidMessages].
func overlaid(base *grammar.Library, folder, name string) (*grammar.Library, error) {
	if name == "" {
		return nil, nil
	}
	all, err := stacked(folder, name, func(id string) bool { return !isMessageType(id) })
	if err != nil {
		return nil, err
	}
	l, err := base.With(all...)
	if err != nil {
		return nil, err
	}
	return &grammar.Library{Library: l}, nil
}

// stacked are an overlay and those below it, with the sets that are asked for.
func stacked(folder, name string, of func(id string) bool) ([]*data.Overlay, error) {
	all, err := data.Stack(name, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(folder, name+".yaml")) })
	if err != nil {
		return nil, err
	}
	out := make([]*data.Overlay, 0, len(all))
	for _, o := range all {
		own := *o
		own.Sets = maps.Clone(o.Sets)
		maps.DeleteFunc(own.Sets, func(id string, _ *data.Changes) bool { return !of(id) })
		out = append(out, &own)
	}
	return out, nil
}
