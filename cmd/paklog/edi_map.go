package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/transforms/mapping"
)

func newEDIMap() *cobra.Command {
	cmd := &cobra.Command{
		Use: "map", Short: "Try the maps of partners: what they make of a file, and whether their examples still hold",
		Long: `Try the maps of partners: YAML trees with CEL leaves that make orders and expected receipts of documents, in
place of PakLog's own translation, and those that change what PakLog sends. A partner's maps stand under
edi.partners.NAME.maps and outbound_maps. No hub is needed.`,
		Example: `  paklog edi map test maps/
  paklog edi map run maps/acme-940.yaml inbox/940.edi`,
	}
	cmd.AddCommand(newMapTest(), newMapRun())
	return cmd
}

// openMap compiles a map; its tables lie in its folder or below.
func openMap(file string) (*mapping.Map, error) {
	folder, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	name := filepath.Base(file)
	raw, err := folder.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return mapping.Compile(name, raw, folder.ReadFile)
}

// tried is how one pair of a map came out.
type tried struct {
	Map         string               `json:"map"`
	Pair        string               `json:"pair,omitempty"`
	OK          bool                 `json:"ok"`
	Error       string               `json:"error,omitempty"`
	Differences []mapping.Difference `json:"differences,omitempty"`
}

func newMapTest() *cobra.Command {
	var asJSON, update bool
	cmd := &cobra.Command{
		Use: "test FILE|FOLDER...", Short: "Hold maps against the example pairs that lie beside them",
		Long: `Hold maps against the example pairs that lie beside them. For acme-940.yaml, a pair is acme-940.NAME.in.edi, a
file as the partner sends it, and acme-940.NAME.out.json: what the map makes of each document in it, one
after the other, {"refused": [...]} where it refuses one. For a map of what is sent the file is as PakLog
writes it, and the counterpart holds the segments after the changes. Each field that differs is shown with
the place in the document that it came from, and the line of the map.

Ends with 3 when a map does not compile, a pair does not hold, or a map has no pair.`,
		Example: `  paklog edi map test maps/
  paklog edi map test maps/acme-940.yaml --update   # write what it makes now, to be looked at
  paklog edi map test maps/ --json | jq -r 'select(.ok | not) | .map'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := mapFiles(args)
			if err != nil {
				return err
			}
			bad, pairs := 0, 0
			for _, file := range files {
				for _, t := range testMap(file, update) {
					if t.Pair != "" {
						pairs++
					}
					if !t.OK {
						bad++
					}
					if err := t.print(cmd.OutOrStdout(), asJSON); err != nil {
						return err
					}
				}
			}
			if !asJSON {
				fmt.Fprintf(cmd.OutOrStdout(), "%d maps, %d pairs, %d failures\n", len(files), pairs, bad)
			}
			if bad > 0 {
				return exitFindings
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a pair, one a line")
	cmd.Flags().BoolVar(&update, "update", false, "write what the maps make now over the pairs' .out.json")
	return cmd
}

// mapFiles are the maps that arguments name, folders searched.
func mapFiles(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, arg)
			continue
		}
		n := len(out)
		err = filepath.WalkDir(arg, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && mapping.IsMap(path) {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(out) == n {
			return nil, fmt.Errorf("%s holds no map: they are .yaml files", arg)
		}
	}
	return out, nil
}

func testMap(file string, update bool) []tried {
	failed := func(pair string, err error) tried { return tried{Map: file, Pair: pair, Error: err.Error()} }
	m, err := openMap(file)
	if err != nil {
		return []tried{failed("", err)}
	}
	folder := os.DirFS(filepath.Dir(file))
	pairs, err := mapping.Pairs(folder, filepath.Base(file))
	if err == nil && len(pairs) == 0 {
		stem := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		err = fmt.Errorf("no pair lies beside it: put a file of the partner into %s.NAME.in.edi and run this with --update", stem)
	}
	if err != nil {
		return []tried{failed("", err)}
	}
	out := make([]tried, 0, len(pairs))
	for _, p := range pairs {
		diffs, err := testPair(m, filepath.Dir(file), p, update)
		if err != nil {
			out = append(out, failed(p.Name, err))
			continue
		}
		out = append(out, tried{Map: file, Pair: p.Name, OK: len(diffs) == 0, Differences: diffs})
	}
	return out
}

func testPair(m *mapping.Map, folder string, p mapping.Pair, update bool) ([]mapping.Difference, error) {
	in, err := os.ReadFile(filepath.Join(folder, p.In))
	if err != nil {
		return nil, err
	}
	made, err := m.Try(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.In, err)
	}
	at := filepath.Join(folder, p.Out)
	if update {
		var b bytes.Buffer
		for _, one := range made {
			if err := writeIndented(&b, one.JSON); err != nil {
				return nil, err
			}
		}
		return nil, os.WriteFile(at, b.Bytes(), 0o600)
	}
	want, err := os.ReadFile(at)
	if err != nil {
		return nil, err
	}
	diffs, err := mapping.Compare(made, want)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Out, err)
	}
	return diffs, nil
}

// writeIndented writes JSON for people.
func writeIndented(w io.Writer, raw []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(w)
	return err
}

func (t *tried) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(t)
	}
	name := t.Map
	if t.Pair != "" {
		name += " " + t.Pair
	}
	if t.OK {
		_, err := fmt.Fprintf(w, "ok    %s\n", clean(name))
		return err
	}
	fmt.Fprintf(w, "FAIL  %s\n", clean(name))
	for line := range strings.Lines(t.Error) {
		fmt.Fprintf(w, "      %s\n", clean(strings.TrimRight(line, "\n")))
	}
	for _, d := range t.Differences {
		fmt.Fprintf(w, "      document %d, %s\n", d.Document, clean(d.Path))
		fmt.Fprintf(w, "      - %s\n", clean(orAbsent(d.Want)))
		fmt.Fprintf(w, "      + %s\n", clean(orAbsent(d.Got)))
		if d.From != "" {
			fmt.Fprintf(w, "        from %s, by line %d of the map\n", clean(d.From), d.Line)
		}
	}
	return nil
}

func orAbsent(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

func newMapRun() *cobra.Command {
	return &cobra.Command{
		Use: "run MAP FILE|-", Short: "Print what a map makes of the documents in a file",
		Long: `Print what a map makes of each document in a file, as JSON, one after the other; documents that it does not read are
passed over. Ends with 3 when it refuses one.`,
		Example: `  paklog edi map run maps/acme-940.yaml inbox/940.edi
  paklog edi map run maps/acme-940.yaml - < inbox/940.edi | jq .number`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := openMap(args[0])
			var problems mapping.Problems
			if errors.As(err, &problems) {
				fmt.Fprintln(cmd.ErrOrStderr(), problems)
				return exitFindings
			}
			if err != nil {
				return err
			}
			var raw []byte
			if args[1] == "-" {
				raw, err = io.ReadAll(cmd.InOrStdin())
			} else {
				raw, err = os.ReadFile(args[1])
			}
			if err != nil {
				return err
			}
			made, err := m.Try(raw)
			if err != nil {
				return err
			}
			refused := false
			for _, one := range made {
				refused = refused || one.Refused
				if err := writeIndented(cmd.OutOrStdout(), one.JSON); err != nil {
					return err
				}
			}
			if refused {
				return exitFindings
			}
			return nil
		},
	}
}
