package edifolder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/edifolder"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
)

// hub keeps the promise of door.Documents: the same key with the same content is taken once.
type hub struct {
	mu    sync.Mutex
	taken map[string][]byte
	order []string
	calls int
	down  error
	// refused are the documents that the inbox did not read, by name, with what was kept of each.
	refused map[string]door.Document
	kept    []string
	busy    func() // what happens while a document is taken
}

func (h *hub) Call(_ context.Context, name string, value any) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if h.busy != nil {
		h.busy()
	}
	if h.down != nil {
		return nil, h.down
	}
	d := value.(door.Document)
	if name != door.Documents || d.Key.ID == "" {
		return nil, errors.New("called the wrong way")
	}
	if d.Refused != "" {
		if h.refused == nil {
			h.refused = map[string]door.Document{}
		}
		h.refused[d.Name] = d
		h.calls--
		return door.Accepted{ID: d.Key.ID}, nil
	}
	if h.taken == nil {
		h.taken = map[string][]byte{}
	}
	_, again := h.taken[d.Key.ID]
	h.taken[d.Key.ID] = d.Bytes
	h.order = append(h.order, d.Name)
	return door.Accepted{ID: d.Key.ID, Repeat: again}, nil
}

// Put keeps what is refused.
func (h *hub) Put(_ context.Context, r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	h.kept = append(h.kept, string(b))
	return fmt.Sprint(len(h.kept) - 1), err
}

func setup(t *testing.T, h *hub) (*edifolder.Inbox, string) {
	t.Helper()
	root := t.TempDir()
	in, err := edifolder.NewInbox(edifolder.Config{Root: root, Partners: []string{"ACME"}, MaxBytes: 1000, Store: h}, h)
	if err != nil {
		t.Fatal(err)
	}
	return in, filepath.Join(root, "ACME")
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestFileIsTakenOnceItIsStableAndThenArchived(t *testing.T) {
	t.Parallel()
	h := &hub{}
	in, dir := setup(t, h)
	path := filepath.Join(dir, "inbox", "a.edi")
	write(t, path, "a 940")
	in.Poll(t.Context())
	if h.calls != 0 {
		t.Fatal("a file was read at its first sight: it may still be written")
	}
	write(t, path, "a 940 and more")
	in.Poll(t.Context())
	if h.calls != 0 {
		t.Fatal("a file that grew was read")
	}
	in.Poll(t.Context())
	if h.calls != 1 || files(t, filepath.Join(dir, "inbox")) != "" || files(t, filepath.Join(dir, "archive")) != "a.edi" {
		t.Fatalf("calls %d, inbox %q, archive %q", h.calls, files(t, filepath.Join(dir, "inbox")), files(t, filepath.Join(dir, "archive")))
	}
}

func TestFileStaysWhileTheHubDoesNotHoldIt(t *testing.T) {
	t.Parallel()
	h := &hub{down: fault.E("t", fault.Unavailable, errors.New("disk full"))}
	in, dir := setup(t, h)
	write(t, filepath.Join(dir, "inbox", "a.edi"), "a 940")
	for range 3 {
		in.Poll(t.Context())
	}
	if files(t, filepath.Join(dir, "inbox")) != "a.edi" {
		t.Fatal("a file left the inbox that nobody holds")
	}
	h.down = nil
	in.Poll(t.Context())
	if len(h.taken) != 1 || files(t, filepath.Join(dir, "archive")) != "a.edi" {
		t.Fatal("the file was not taken once the hub was back")
	}
}

func TestCrashBeforeArchivingHandsTheSameKeyAgain(t *testing.T) {
	t.Parallel()
	h := &hub{}
	in, dir := setup(t, h)
	for range 2 { // the second is what a restart finds: taken, and still in the inbox
		write(t, filepath.Join(dir, "inbox", "a.edi"), "a 940")
		in.Poll(t.Context())
		in.Poll(t.Context())
	}
	if h.calls != 2 || len(h.taken) != 1 {
		t.Fatalf("calls %d, documents %d: the key is not that of the content", h.calls, len(h.taken))
	}
	if got := files(t, filepath.Join(dir, "archive")); !strings.Contains(got, "a.edi a.edi.") {
		t.Fatalf("the second file overwrote the first: %q", got)
	}
}

func TestWhatIsNoDocumentNeverReachesTheHub(t *testing.T) {
	t.Parallel()
	h := &hub{}
	in, dir := setup(t, h)
	inbox := filepath.Join(dir, "inbox")
	write(t, filepath.Join(inbox, "x.tmp"), "half")
	write(t, filepath.Join(inbox, "x.PART"), "half")
	write(t, filepath.Join(inbox, ".hidden"), "half")
	write(t, filepath.Join(inbox, "huge.edi"), strings.Repeat("x", 1001))
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "not yours")
	if err := os.Symlink(secret, filepath.Join(inbox, "link.edi")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(inbox, "folder"), 0o750); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		in.Poll(t.Context())
	}
	if h.calls != 0 {
		t.Fatalf("the hub got %v", h.order)
	}
	if got := files(t, filepath.Join(dir, "refused")); got != "huge.edi link.edi" {
		t.Fatalf("refused holds %q", got)
	}
	// Each is told, and what is a file is kept: never what a link names.
	if d := h.refused["huge.edi"]; !strings.Contains(d.Refused, "has 1001 bytes") || d.Len() != 1001 || len(h.kept) != 1 || h.kept[0] != strings.Repeat("x", 1001) {
		t.Errorf("huge.edi was told as %+v with %d kept", d, len(h.kept))
	}
	if d := h.refused["link.edi"]; !strings.Contains(d.Refused, "no regular file") || d.Len() != 0 {
		t.Errorf("link.edi was told as %+v", d)
	}
}

// A file that is refused stays until the hub holds the letter, and is one letter however often it was tried.
func TestARefusedFileStaysUntilTheHubHoldsIt(t *testing.T) {
	t.Parallel()
	h := &hub{down: fault.E("t", fault.Unavailable, errors.New("disk full"))}
	in, dir := setup(t, h)
	write(t, filepath.Join(dir, "inbox", "empty.edi"), "")
	write(t, filepath.Join(dir, "inbox", "huge.edi"), strings.Repeat("x", 1001))
	for range 12 {
		in.Poll(t.Context())
	}
	if got := files(t, filepath.Join(dir, "inbox")); got != "empty.edi huge.edi" {
		t.Fatalf("the inbox holds %q", got)
	}
	h.down = nil
	in.Poll(t.Context())
	if got := files(t, filepath.Join(dir, "refused")); got != "empty.edi huge.edi" || !strings.Contains(h.refused["empty.edi"].Refused, "is empty") {
		t.Errorf("refused holds %q, %+v", got, h.refused)
	}
}

// isa and iea are the first and the last segment of an interchange.
const (
	isa = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*U*00401*000000001*0*P*>~\n"
	iea = "IEA*0*000000001~\n"
	unb = "UNB+UNOC:3+ACME+PAKLOG+261123:0915+7'"
)

func TestWhatLooksHalfWrittenIsWaitedForAndThenJudged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data   string
		looks  int // before anything is done
		folder string
	}{
		"a whole interchange":      {isa + iea, 2, "archive"},
		"a terminator of line end": {strings.ReplaceAll(strings.ReplaceAll(isa+iea, "\n", ""), "~", "\n"), 2, "archive"},
		"blanks behind it":         {isa + iea + "\r\n\x1a", 2, "archive"},
		"no interchange at all":    {"hello", 2, "archive"},
		"a header cut off":         {isa[:40], 10, "archive"},
		"an interchange cut off":   {isa + "GS*OW*AC", 10, "archive"},
		"a trailer cut off":        {isa + iea[:8], 10, "archive"},
		"nothing":                  {"", 10, "refused"},

		"EDIFACT behind X12":               {isa + iea + unb + "UNZ+0+7'\n", 2, "archive"},
		"X12 behind EDIFACT":               {unb + "UNZ+0+7'" + isa + iea, 2, "archive"},
		"EDIFACT behind X12, half written": {isa + strings.Repeat("GS*~", 200) + unb, 10, "archive"},
		"X12 behind EDIFACT, half written": {unb + "UNZ+0+7'" + strings.Repeat(" ", 600) + isa + "IEA*0*00", 10, "archive"},
		"a whole EDIFACT interchange":      {unb + "UNZ+0+7'", 2, "archive"},
		"lines end its segments":           {strings.ReplaceAll(unb+"UNZ+0+7'", "'", "\n"), 2, "archive"},
		"UNA and blanks behind it":         {"UNA:*.? ~" + strings.NewReplacer("+", "*", "'", "~").Replace(unb+"UNZ+0+7'") + "\r\n", 2, "archive"},
		"an EDIFACT header cut off":        {"UN", 10, "archive"},
		"an EDIFACT interchange cut off":   {unb + "UNH+1+ORDERS", 10, "archive"},
		"an EDIFACT trailer cut off":       {unb + "UNZ+0", 10, "archive"},
		"an EDIFACT reference cut off":     {unb + "UNZ+0+7", 10, "archive"},
		"an EDIFACT trailer without count": {unb + "UNZ+", 10, "archive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &hub{}
			in, dir := setup(t, h)
			write(t, filepath.Join(dir, "inbox", "a.edi"), c.data)
			for look := 1; look < c.looks; look++ {
				in.Poll(t.Context())
				if files(t, filepath.Join(dir, "inbox")) != "a.edi" {
					t.Fatalf("it was taken at look %d, want %d", look, c.looks)
				}
			}
			in.Poll(t.Context())
			if got := files(t, filepath.Join(dir, c.folder)); got != "a.edi" {
				t.Fatalf("after %d looks %s holds %q", c.looks, c.folder, got)
			}
			if h.calls == 0 != (c.folder == "refused") {
				t.Errorf("%d calls", h.calls)
			}
		})
	}
}

func TestAFileThatGrowsWhileItIsTakenIsTakenAgain(t *testing.T) {
	t.Parallel()
	h := &hub{}
	in, dir := setup(t, h)
	path := filepath.Join(dir, "inbox", "a.edi")
	write(t, path, "the first half")
	h.busy = func() { write(t, path, "the first half and the second"); h.busy = nil }
	for range 2 {
		in.Poll(t.Context())
	}
	if got := files(t, filepath.Join(dir, "inbox")); h.calls != 1 || got != "a.edi" {
		t.Fatalf("calls %d, inbox %q: what was written last went to the archive unread", h.calls, got)
	}
	for range 3 {
		in.Poll(t.Context())
	}
	if last := h.order; len(last) != 2 || files(t, filepath.Join(dir, "archive")) != "a.edi" {
		t.Fatalf("the hub got %v", last)
	}
	for _, d := range h.taken {
		if string(d) == "the first half and the second" {
			return
		}
	}
	t.Error("the second half never came to the hub")
}

func TestPartnerNamesAreFolderNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "..", ".x", "a/b", `a\b`, "a b", strings.Repeat("x", 200)} {
		if err := edifolder.Prepare(t.TempDir(), []string{name}); err == nil {
			t.Errorf("partner %q was taken for a folder", name)
		}
	}
}

func TestPublishIsOneRenameAndTellsAfterwards(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	root := t.TempDir()
	out, err := edifolder.NewOutbox(root, []string{"ACME"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // staging again changes nothing
		if err := out.Stage(ctx, "ACME", "945.edi", []byte("ISA")); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := out.Staged(ctx, "ACME", "945.edi"); err != nil || !s {
		t.Fatal("staged file is not told to be staged", err)
	}
	if err := out.Publish(ctx, "ACME", "945.edi"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "ACME", "outbox", "945.edi")
	if b, err := os.ReadFile(path); err != nil || string(b) != "ISA" {
		t.Fatal("outbox holds", string(b), err)
	}
	if err := os.Remove(path); err != nil { // the partner took it
		t.Fatal(err)
	}
	if s, err := out.Staged(ctx, "ACME", "945.edi"); err != nil || s {
		t.Fatal("a published file that was taken looks as if it still waited", err)
	}
	if err := out.Publish(ctx, "ACME", "945.edi"); fault.KindOf(err) != fault.Unknown {
		t.Fatalf("publishing twice: %v", err)
	}
}

func TestPublishNeverOverwritesAndNeverLeavesTheFolder(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	root := t.TempDir()
	out, err := edifolder.NewOutbox(root, []string{"ACME"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "ACME", "outbox", "a.edi"), "older")
	if err := out.Stage(ctx, "ACME", "a.edi", []byte("newer")); err != nil {
		t.Fatal(err)
	}
	if err := out.Publish(ctx, "ACME", "a.edi"); err == nil {
		t.Fatal("a file of the outbox was overwritten")
	}
	for _, name := range []string{"../x", "a/b", "", ".x"} {
		if err := out.Stage(ctx, "ACME", name, nil); err == nil {
			t.Errorf("name %q was staged", name)
		}
	}
	if err := out.Stage(ctx, "../ACME", "x", nil); err == nil {
		t.Error("a partner outside was staged to")
	}
}

// A file that looks cut off is told once while it waits, and listed; one that grows is not, and a whole one never.
func TestWhatLooksCutOffIsToldWhileItWaits(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var log bytes.Buffer
	now := time.Now()
	h := &hub{}
	in, err := edifolder.NewInbox(edifolder.Config{
		Root: root, Partners: []string{"ACME"}, Patience: 5 * time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now },
	}, h)
	if err != nil {
		t.Fatal(err)
	}
	inbox := filepath.Join(root, "ACME", "inbox")
	write(t, filepath.Join(inbox, "cut.edi"), isa+"GS*OW*AC")
	write(t, filepath.Join(inbox, "empty.edi"), "")
	write(t, filepath.Join(inbox, "whole.edi"), isa+iea)
	told := func(name string) int {
		return strings.Count(log.String(), `msg="a file in the inbox looks cut off" partner=ACME file=`+name)
	}
	for look := range 30 {
		write(t, filepath.Join(inbox, "grows.edi"), isa+strings.Repeat("GS*~", look))
		in.Poll(t.Context())
		if n := told("cut.edi") + told("empty.edi"); n > 0 != (look >= 9) {
			t.Fatalf("told %d times at look %d", n, look+1)
		}
	}
	if told("cut.edi") != 1 || told("empty.edi") != 1 || told("grows.edi") != 0 || told("whole.edi") != 0 || h.calls != 1 {
		t.Errorf("%d calls, and told:\n%s", h.calls, log.String())
	}
	left, err := edifolder.LeftIn(root, "ACME", now.Add(11*time.Second))
	if err != nil || len(left) != 3 || left[0].Name != "cut.edi" || left[1].Name != "empty.edi" || left[2].Name != "grows.edi" || !strings.Contains(left[0].Why, "edi.patience") {
		t.Errorf("%+v, %v", left, err)
	}
	if left, err := edifolder.LeftIn(root, "ACME", now); err != nil || len(left) != 0 {
		t.Errorf("at once %+v, %v", left, err)
	}
	now = now.Add(6 * time.Minute)
	in.Poll(t.Context())
	if got := files(t, inbox); got != "grows.edi" || h.calls != 2 {
		t.Errorf("%d calls, and the inbox holds %q", h.calls, got)
	}
}

// What is passed over is told once, when it stays, and listed with its age.
func TestWhatStaysInAnInboxIsTold(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var log bytes.Buffer
	now := time.Now()
	in, err := edifolder.NewInbox(edifolder.Config{
		Root: root, Partners: []string{"ACME"}, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now },
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	inbox := filepath.Join(root, "ACME", "inbox")
	if err := os.Mkdir(filepath.Join(inbox, "old"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.edi.tmp", ".b.edi"} {
		if err := os.WriteFile(filepath.Join(inbox, name), []byte("ISA"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	told := func() int { return strings.Count(log.String(), "stays in the inbox and is not taken") }
	in.Poll(t.Context())
	if told() != 0 {
		t.Errorf("told at once:\n%s", log.String())
	}
	in.Poll(t.Context()) // an upload is under way; a folder is none
	if told() != 1 || !strings.Contains(log.String(), "file=old") {
		t.Errorf("of a folder:\n%s", log.String())
	}
	if left, err := edifolder.LeftIn(root, "ACME", now); err != nil || len(left) != 1 {
		t.Errorf("%+v, %v", left, err)
	}
	now = now.Add(11 * time.Minute)
	for range 5 {
		in.Poll(t.Context())
	}
	if told() != 3 {
		t.Errorf("told %d times:\n%s", told(), log.String())
	}
	left, err := edifolder.LeftIn(root, "ACME", now)
	if err != nil || len(left) != 3 || left[0].Name != ".b.edi" || left[0].Since.IsZero() || !strings.Contains(left[0].Why, "renamed") {
		t.Errorf("%+v, %v", left, err)
	}
}
