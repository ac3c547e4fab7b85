package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/core/scope"
)

// importRequest asks the hub to import a file of its machine.
type importRequest struct {
	Path     string `json:"path"`
	Kind     string `json:"kind"`
	Format   string `json:"format"`
	Owner    string `json:"owner"`
	Facility string `json:"facility"`
	Update   bool   `json:"update"`
	As       string `json:"as"`
}

// importLine is a line of its answer, which comes as the import goes on. Exactly one field
// is set, and the last line is Done or Error.
type importLine struct {
	Result   *bulk.Result   `json:"result,omitempty"`
	Progress *bulk.Progress `json:"progress,omitempty"`
	Done     *bulk.Summary  `json:"done,omitempty"`
	Error    string         `json:"error,omitempty"`
}

// importing imports a file through the doors, row by row. Whoever asked may go away: what was
// done stands, and the same request goes on where it stopped.
func (a *app) importing(w http.ResponseWriter, r *http.Request) {
	var in importRequest
	if !decodeControl(w, r, &in) {
		return
	}
	if !filepath.IsAbs(in.Path) {
		controlError(w, http.StatusBadRequest, errors.New("path: an absolute path is needed"))
		return
	}
	// A pipe would be waited for without end, and the stop of the hub with it.
	if info, err := os.Stat(in.Path); err == nil && !info.Mode().IsRegular() {
		controlError(w, http.StatusUnprocessableEntity, fmt.Errorf("%s is no regular file: write it into one first", in.Path))
		return
	}
	f, err := os.Open(in.Path)
	if err != nil {
		controlError(w, http.StatusUnprocessableEntity, err)
		return
	}
	defer f.Close()
	sc := scope.Scope{Tenant: a.cfg.Tenant, Owner: a.cfg.Owner, Facility: a.cfg.Facility}
	if in.Owner != "" {
		sc.Owner = in.Owner
	}
	if in.Facility != "" {
		sc.Facility = in.Facility
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	var gone error // nobody listens any more
	write := func(l importLine) error {
		if gone == nil {
			gone = out.Encode(l)
		}
		return gone
	}
	cfg := bulk.Config{
		Kind: in.Kind, Format: in.Format, Scope: sc, Name: filepath.Base(in.Path), As: in.As, Update: in.Update, Now: time.Now,
		Progress: func(p bulk.Progress) {
			_ = write(importLine{Progress: &p})       // the next result finds it again
			_ = http.NewResponseController(w).Flush() // as above
		},
	}
	sum, err := bulk.Import(r.Context(), f, a.hub, cfg, func(res bulk.Result) error {
		return write(importLine{Result: &res})
	})
	last := importLine{Done: &sum}
	if err != nil {
		last.Error = err.Error()
	}
	_ = write(last) // nobody is left to tell
}

func newImport(g *global) *cobra.Command {
	var in importRequest
	var report string
	cmd := &cobra.Command{
		Use: "import KIND FILE", Short: "Import a CSV or NDJSON file row by row; run again, it repeats nothing",
		Long: `Import a file of orders, owners, crossrefs (what codes of partners mean), items, locations, facilities,
workers, stock (receipts) or opening (stock that lies there already) through the same doors as everything else. What is wrong with a row is reported
with its line and place and stops no other row, but those of its own order: an order that lacks a line is
not placed. The rows of an order stand behind each other, and where its head is said again (address, carrier,
purchase order, ...) it is the same: otherwise the order is refused, with the rows and columns. Stopped
anywhere and run again, it goes on. A running hub reads the file itself.

Orders and master data have numbers of their own, so that no file makes them twice. A row of stock is known
by what it says (the third row of the same text is another than the second) under the name of its file:
correct the rows that were refused, import the file again under the same name, and they alone are booked. A row
that was booked and is then changed is a new row. Another file of receipts under a name that was used before
needs --as, with a name of its own; opening stock is known without its file's name, for it lies there once.

The report has a line a row, with the number of its order: created, held (the order is accepted, and the
line waits until its item or unit is known), exists, repeated (by an earlier run), refused, or failed.
Ends with 3 when rows were refused or are held, 1 when the hub could not take some now.`,
		Example: `  paklog import orders orders.csv
  paklog import items items.ndjson --owner ACME
  paklog import locations locations.csv --update
  paklog import opening stock.csv
  paklog import stock receipts.csv --as receipts-2026-11-30
  paklog import orders monday.txt --format csv --report monday.report.csv`,
		Args:      cobra.ExactArgs(2),
		ValidArgs: bulk.Kinds(),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Kind = args[0]
			if !slices.Contains(bulk.Kinds(), in.Kind) {
				return usagef(cmd, "%q is none of %s", in.Kind, strings.Join(bulk.Kinds(), ", "))
			}
			if cmd.Flags().Changed("as") && strings.TrimSpace(in.As) == "" {
				return usagef(cmd, "--as is empty: give this file's rows a name, or leave it out for the file's own")
			}
			if in.As != "" && in.Kind != bulk.Stock && in.Kind != bulk.Opening {
				return usagef(cmd, "--as is for stock and opening: %s have numbers of their own", in.Kind)
			}
			if in.Format == "" {
				in.Format = formatOf(args[1])
			}
			if in.Format != bulk.CSV && in.Format != bulk.NDJSON {
				return usagef(cmd, "say with --format whether %s is csv or ndjson", args[1])
			}
			var err error
			if in.Path, err = filepath.Abs(args[1]); err != nil {
				return err
			}
			if info, err := os.Stat(in.Path); err != nil {
				return err
			} else if info.IsDir() {
				return usagef(cmd, "%s is a folder: name a file", args[1])
			}
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				return runImport(ctx, cmd, g, c, in, report)
			})
		},
	}
	cmd.Flags().StringVar(&in.Format, "format", "", "csv or ndjson; by the file's name where it is left out")
	cmd.Flags().StringVar(&in.Owner, "owner", "", "whose goods, where a row names nobody")
	cmd.Flags().StringVar(&in.Facility, "facility", "", "the building, where a row names none")
	cmd.Flags().BoolVar(&in.Update, "update", false, "change owners, crossrefs, items, locations, facilities and workers that are known to what the file says")
	cmd.Flags().StringVar(&in.As, "as", "", "stock and opening: the name that this file's rows are known under, instead of the file's")
	cmd.Flags().StringVar(&report, "report", "", "file for a line a row (.csv or .ndjson); beside FILE where it is left out, - is none")
	_ = cmd.RegisterFlagCompletionFunc("format", words(bulk.CSV, bulk.NDJSON))
	return cmd
}

func formatOf(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return bulk.CSV
	case ".ndjson", ".jsonl":
		return bulk.NDJSON
	}
	return ""
}

// overwrites reports whether both names are of one file.
func overwrites(report, path string) bool {
	a, err := os.Stat(report)
	b, other := os.Stat(path)
	return err == nil && other == nil && os.SameFile(a, b)
}

// runImport lets the hub import a file, writes the report and shows how far it is.
func runImport(ctx context.Context, cmd *cobra.Command, g *global, c *caller, in importRequest, report string) (err error) {
	if report == "" {
		report = in.Path + ".report." + in.Format
	}
	note, end := func(bulk.Result) error { return nil }, func() error { return nil }
	if report != "-" {
		if overwrites(report, in.Path) {
			return fmt.Errorf("the report would overwrite %s, which is imported: name another file", in.Path)
		}
		f, ferr := os.Create(report)
		if ferr != nil {
			return ferr
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		if note, end, err = bulk.Report(f, formatOf(report)); err != nil {
			return err
		}
	}
	bar := terminal(cmd.ErrOrStderr()) && !g.json
	var last importLine
	told, rows := 0, 0
	err = c.lines(ctx, "/control/import", in, func(line []byte) error {
		last = importLine{}
		if err := json.Unmarshal(line, &last); err != nil {
			return fmt.Errorf("reading the hub's answer: %w", err)
		}
		switch {
		case last.Result != nil:
			r := *last.Result
			rows = r.Row
			if (r.Outcome == bulk.Refused || r.Outcome == bulk.Held || r.Outcome == bulk.Failed) && !g.json {
				if told++; told <= 10 {
					place := ""
					if r.Place != "" {
						place = clean(r.Place) + ": "
					}
					fmt.Fprintf(cmd.ErrOrStderr(), "line %d: %s: %s%s\n", r.Line, r.Outcome, place, clean(r.Message))
				}
			}
			return note(r)
		case last.Progress != nil && bar:
			p := *last.Progress
			done := p.Percent() * 30 / 100
			fmt.Fprintf(cmd.ErrOrStderr(), "\r[%-30s] %3d%%  %d rows, %d rows/s ", strings.Repeat("#", done), p.Percent(), p.Rows, p.Rate())
		}
		return nil
	})
	if bar {
		fmt.Fprintln(cmd.ErrOrStderr())
	}
	if err == nil && last.Done == nil && last.Error == "" {
		err = errHubGone // it ended in between two lines
	}
	if errors.Is(err, errHubGone) {
		err = fmt.Errorf("the import got as far as row %d: %w; start the hub and run the same command again: it goes on there, nothing is done twice", rows, err)
	}
	if err = errors.Join(err, end()); err != nil {
		return err
	}
	if last.Error != "" {
		return errors.New(last.Error)
	}
	s := *last.Done
	if g.json {
		err = writeJSON(cmd.OutOrStdout(), s)
	} else {
		fmt.Fprintf(cmd.OutOrStdout(), "%d rows: %d created, %d held, %d there already, %d done by an earlier run, %d refused, %d failed\n",
			s.Rows, s.Created, s.Held, s.Exists, s.Repeated, s.Refused, s.Failed)
		if s.Repeated > 0 && (in.Kind == bulk.Stock || in.Kind == bulk.Opening) {
			fmt.Fprintf(cmd.OutOrStdout(), "what an earlier run booked is not booked again; are these other goods, say --as with a name of their own\n")
		}
		if report != "-" {
			fmt.Fprintf(cmd.OutOrStdout(), "report in %s\n", report)
		}
	}
	switch {
	case err != nil:
		return err
	case s.Failed > 0:
		return exitFailure
	case s.Refused+s.Held > 0:
		return exitFindings
	}
	return nil
}

// mostLine bounds a line of a streamed answer.
const mostLine = 1 << 20

// lines makes a request whose answer comes line by line.
func (c *caller) lines(ctx context.Context, path string, in any, each func(line []byte) error) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+path, strings.NewReader(string(b)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	var body io.Reader
	watched := ctx
	if c.local != nil {
		pr, pw := io.Pipe()
		defer pr.Close()
		w := &streamed{header: http.Header{}, pw: pw}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.handler.ServeHTTP(w, req)
			_ = pw.Close() // never fails
		}()
		defer func() { cancel(); _ = pr.Close(); <-done }()
		body = pr
	} else {
		var done func()
		watched, done = c.watched(ctx)
		defer done()
		res, err := c.client.Do(req.WithContext(watched))
		if wentAway(err) {
			return errHubGone
		} else if err != nil {
			return fmt.Errorf("asking the running hub: %w", whyEnded(watched, err))
		}
		defer res.Body.Close()
		if res.StatusCode >= 400 {
			p := &problem{Title: res.Status, Status: res.StatusCode}
			_ = json.NewDecoder(io.LimitReader(res.Body, mostLine)).Decode(p) // told by its status otherwise
			return p
		}
		body = res.Body
	}
	err = eachLine(body, func(line []byte) error {
		var p problem
		if c.local != nil && json.Unmarshal(line, &p) == nil && p.Status >= 400 {
			return &p
		}
		return each(line)
	})
	if err != nil {
		err = whyEnded(watched, err)
	}
	return err
}

// errHubGone says that the hub ended while it answered.
var errHubGone = errors.New("the running hub went away while it answered")

// wentAway reports whether a connection ended because whoever answered did.
func wentAway(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// eachLine hands out the lines of an answer. One that is cut off is none.
func eachLine(body io.Reader, each func(line []byte) error) error {
	r := bufio.NewReaderSize(body, 64<<10)
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); len(line) > mostLine {
			return fmt.Errorf("reading the hub's answer: a line has more than %d bytes", mostLine)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case wentAway(err):
			return errHubGone
		case err != nil:
			return fmt.Errorf("reading the hub's answer: %w", err)
		}
		if err := each(line); err != nil {
			return err
		}
		line = line[:0]
	}
}

// streamed takes the answer of a handler in this process, line by line.
type streamed struct {
	header http.Header
	pw     *io.PipeWriter
}

func (s *streamed) Header() http.Header         { return s.header }
func (s *streamed) WriteHeader(int)             {}
func (s *streamed) Write(b []byte) (int, error) { return s.pw.Write(b) }
