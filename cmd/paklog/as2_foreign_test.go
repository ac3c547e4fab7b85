package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/routes"
)

const (
	ourStation   = "PAKLOG"
	theirStation = "FOREIGN"
)

// A cell is one form of message and receipt between a station and ours.
type cell struct {
	Sign, Encrypt bool
	Compress      string // none, before, after the signature
	Receipt       string // none, unsigned, signed
	Async         bool
	Special       string // gcm, pss, oaep, long; "" is none of it
}

// specials are what is tried of signed and encrypted messages with a signed receipt, by the letter in names of
// cells: keys and content by AES-256-GCM, a signature by RSASSA-PSS, keys by RSAES-OAEP (SHA-256), and 4 MB.
var specials = []struct{ name, letter string }{{"gcm", "G"}, {"pss", "R"}, {"oaep", "O"}, {"long", "L"}}

// name is what the partner of a cell is called, in documents and of AS2.
func (c cell) name() string {
	var b strings.Builder
	for _, part := range []struct {
		on   bool
		name string
	}{{c.Sign, "s"}, {c.Encrypt, "e"}, {c.Compress == "before", "c"}, {c.Compress == "after", "d"}} {
		if part.on {
			b.WriteString(part.name)
		}
	}
	if b.Len() == 0 {
		b.WriteByte('p')
	}
	for _, x := range specials {
		if x.name == c.Special {
			b.WriteString(x.letter)
		}
	}
	b.WriteByte('_')
	b.WriteString(c.Receipt[:2])
	if c.Async {
		b.WriteByte('a')
	}
	return strings.ToUpper(b.String())
}

func (c cell) String() string {
	var form []string
	add := func(on bool, word string) {
		if on {
			form = append(form, word)
		}
	}
	add(c.Compress == "before", "compressed")
	add(c.Sign, "signed")
	add(c.Compress == "after", "compressed")
	add(c.Encrypt, "encrypted")
	add(len(form) == 0, "plain")
	add(c.Special != "", c.Special)
	out := strings.Join(form, "+") + ", " + c.Receipt + " receipt"
	if c.Async {
		out += " by itself"
	}
	return out
}

// cells are the eight forms with each kind of receipt, and compression behind the signature.
func cells() (out []cell) {
	for _, sign := range []bool{false, true} {
		for _, encrypt := range []bool{false, true} {
			for _, compress := range []string{"none", "before", "after"} {
				if compress == "after" && !sign {
					continue // it is the same as before
				}
				for _, receipt := range []string{"none", "unsigned", "signed"} {
					for _, async := range []bool{false, true} {
						if receipt != "none" || !async {
							out = append(out, cell{Sign: sign, Encrypt: encrypt, Compress: compress, Receipt: receipt, Async: async})
						}
					}
				}
			}
		}
	}
	return out
}

// A foreignStation is a program that is not ours, with a partnership for each cell. It listens at the
// addresses of a foreign, and runs until the test ends.
type foreignStation interface {
	start(t *testing.T, f *foreign)
	// send gives it a document to send to us.
	send(c cell, name string, document []byte) error
	// mailbox are the documents that it took from us.
	mailbox() ([][]byte, error)
	// receipts are ours as it kept them, by the name of the cell.
	receipts() (map[string]string, error)
	// complaints are the cells whose receipts of ours it does not take for a proof.
	complaints() (map[string]bool, error)
}

// foreign is a hub with such a station beside it.
type foreign struct {
	dir         string
	listen, mdn string // where they listen, for messages and for receipts that come by themselves
	ours        string // where we listen
	own, their  pair
	cells       []cell
	path        func(cell) string // where it listens for a partner
}

func (f *foreign) config() *Config {
	c := defaults()
	c.Data, c.Owner = filepath.Join(f.dir, "hub"), partnerName
	c.HTTP.Listen = "127.0.0.1:0"
	c.AS2.Listen, c.AS2.ID, c.AS2.URL, c.AS2.Host = f.ours, ourStation, "http://"+f.ours+"/as2", ourStation
	own := OwnCertificateConfig{PrivateKey: configs.NewSecret(f.own.Key)}
	own.SetDefaults()
	own.Certificate = configs.NewSecret(f.own.Certificate)
	c.AS2.Certificates = []OwnCertificateConfig{own}
	theirs := TheirCertificateConfig{Certificate: configs.NewSecret(f.their.Certificate)}
	theirs.SetDefaults()
	c.EDI.Partners = map[string]PartnerConfig{}
	for _, x := range f.cells {
		p := PartnerConfig{}
		p.SetDefaults()
		p.ID, p.OurID, p.Owner = x.name(), ourStation, partnerName
		p.AS2.ID, p.AS2.URL, p.AS2.Async, p.AS2.Receipt, p.AS2.Compress = x.name(), "http://"+f.listen+f.path(x), x.Async, x.Receipt, x.Compress
		p.AS2.NeedSigned, p.AS2.NeedSecret = x.Sign, x.Encrypt
		p.AS2.Hosts = []string{"127.0.0.1"}
		if !x.Sign {
			p.AS2.Sign = "none"
		}
		if !x.Encrypt {
			p.AS2.Encrypt = "none"
		}
		p.AS2.PSS, p.AS2.OAEP = x.Special == "pss", x.Special == "oaep"
		if x.Special == "gcm" {
			p.AS2.Encrypt = cms.AES256GCM.String()
		}
		p.AS2.Certificates = []TheirCertificateConfig{theirs}
		c.EDI.Partners[x.name()] = p
	}
	c.Limits.FreeDisk = -1
	return c
}

// document is a 940 that the partner of a cell sends or is sent, and of a long one 2,500 of them.
func (f *foreign) document(t *testing.T, i int, from, to, special string) []byte {
	t.Helper()
	sets := 1
	if special == "long" {
		sets = 2500
	}
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{
		Seed: uint64(i), Set: "940", Sets: sets, MostLine: 3, Sender: from, Receiver: to, Control: 1 + i, OrderPrefix: fmt.Sprintf("SO%d-", i),
		Items: []string{"MUG"}, SCACs: []string{"UPSN"}, Options: x12.WriterOptions{LineEnd: "\r\n"},
	}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// exchanged is what a journal says of the messages of all partners.
type exchanged struct {
	received map[string]door.Exchange // that were accepted, by cell
	sent     map[string]routes.Proven // whose receipt is known, or that wanted none
	letters  map[string]bool          // those of what could not be delivered, by cell
}

func (f *foreign) exchanged(ctx context.Context, store journal.Scanner) (exchanged, error) {
	out := exchanged{received: map[string]door.Exchange{}, sent: map[string]routes.Proven{}, letters: map[string]bool{}}
	return out, errors.Join(eachRow(ctx, store, journal.TableLetter, func(r journal.Row) error {
		l, err := journal.DecodeLetter(r.Value)
		out.letters[strings.TrimPrefix(l.Sub, "out.as2.")] = true
		return err
	}), eachRow(ctx, store, journal.TableClaim, func(r journal.Row) error {
		c, err := journal.DecodeClaim(r.Value)
		if err != nil {
			return err
		}
		scope, _, _ := strings.Cut(r.Key, "\x00")
		for _, x := range f.cells {
			switch scope {
			case routes.ReceivedBy(x.name()):
				var e door.Exchange
				err = json.Unmarshal(c.Answer, &e)
				out.received[x.name()] = e
			case routes.SentBy(x.name()):
				var p routes.Proven
				err = json.Unmarshal(c.Answer, &p)
				out.sent[x.name()] = p
			}
		}
		return err
	}))
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// yearPair is a certificate that nobody is warned of.
func yearPair(t *testing.T, name string) pair {
	t.Helper()
	return newPair(t, name, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
}

// everySoOften asks until it is so, or the time is over.
func everySoOften(t *testing.T, most time.Duration, so func() bool) bool {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(most); time.Now().Before(end); <-tick.C {
		if so() {
			return true
		}
	}
	return so()
}

// known is what a station is known to do otherwise.
type known struct {
	differs func(cell) bool // makes the MIC of a message to us not as RFC 4130 and 5402 say
	loses   func(cell) bool // cannot take our receipt
	speaks  func(cell) bool
	path    func(cell) string // of its URL; nil is everywhere the same
	proves  func(cell) bool   // gives a receipt that proves it
	forgets bool              // takes a message again that is sent again under its id

	special map[string]way // of specials that it does
}

// way is what a station does of a special.
type way struct {
	sends, takes bool
	fails        bool // it answers 500 to what it cannot take, as one that is down: it is tried again
}

// sends reports whether the station sends a form at all.
func (k known) sends(c cell) bool { return c.Special == "" || k.special[c.Special].sends }

// takes reports whether it can take one. One that it cannot take, it refuses.
func (k known) takes(c cell) bool { return c.Special == "" || k.special[c.Special].takes }

// speak runs all cells in both directions against a station, and holds each: the document by its SHA-256,
// the dispositions, the MICs. Its line in adapters/README.md is as it is printed here.
func speak(t *testing.T, name string, s foreignStation, k known) {
	t.Helper()
	dir := socketDir(t)
	f := &foreign{dir: dir, listen: freeAddress(t), mdn: freeAddress(t), ours: freeAddress(t), own: yearPair(t, ourStation), their: yearPair(t, theirStation), cells: slices.DeleteFunc(cells(), func(c cell) bool { return !k.speaks(c) }), path: func(cell) string { return "" }}
	for _, x := range specials {
		f.cells = append(f.cells, cell{Sign: true, Encrypt: true, Compress: "none", Receipt: "signed", Special: x.name})
	}
	if k.path != nil {
		f.path = k.path
	}
	s.start(t, f)
	ctx, stop := context.WithCancel(t.Context())
	ready, done := make(chan *app, 1), make(chan error, 1)
	go func() {
		done <- serve(ctx, f.config(), slog.New(slog.DiscardHandler), func(a *app, _ string) { ready <- a })
	}()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	var a *app
	select {
	case a = <-ready:
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	in, out := map[string]string{}, map[string]string{} // SHA-256 of what comes and of what leaves, by cell
	for i, c := range f.cells {
		theirs, ours := f.document(t, 2*i, c.name(), ourStation, c.Special), f.document(t, 2*i+1, ourStation, c.name(), c.Special)
		in[c.name()], out[c.name()] = sha(theirs), sha(ours)
		if c.Special == "long" {
			in[c.name()] = fmt.Sprintf("%x", blake3.Sum256(theirs)) // what long contents are named by
		}
		file := filepath.Join(dir, c.name()+".edi")
		if err := os.WriteFile(file, ours, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := giveAway(ctx, a, c.name(), file); err != nil {
			t.Fatal(err)
		}
		if !k.sends(c) {
			continue
		}
		if err := s.send(c, c.name()+".in.edi", theirs); err != nil {
			t.Fatal(err)
		}
	}
	everySoOften(t, 2*time.Minute, func() bool { return len(f.missing(t, a, s, out, k)) == 0 })
	for _, what := range f.missing(t, a, s, out, k) {
		t.Error("missing:", what)
	}
	f.judge(t, a, s, name, in, out, k)
}

// missing says what has not come yet.
func (f *foreign) missing(t *testing.T, a *app, s foreignStation, left map[string]string, k known) (out []string) {
	t.Helper()
	told, err := f.exchanged(t.Context(), a.store)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := s.receipts()
	if err != nil {
		t.Fatal(err)
	}
	complained, err := s.complaints()
	if err != nil {
		t.Fatal(err)
	}
	box, err := s.mailbox()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.cells {
		switch {
		case !k.takes(c):
			if !k.special[c.Special].fails && !told.letters[c.name()] {
				out = append(out, fmt.Sprint("the letter of what it does not take of ", c))
			}
		case !slices.ContainsFunc(box, func(b []byte) bool { return sha(b) == left[c.name()] }):
			out = append(out, fmt.Sprint("what leaves by ", c))
		case told.sent[c.name()].Sent.MessageID == "" && k.proves(c):
			out = append(out, fmt.Sprint("the end of what leaves by ", c))
		}
		if !k.sends(c) {
			continue
		}
		if told.received[c.name()].MessageID == "" {
			out = append(out, fmt.Sprint("what comes by ", c))
		}
		if c.Receipt != "none" && kept[c.name()] == "" && !complained[c.name()] && !k.loses(c) {
			out = append(out, fmt.Sprint("our receipt of ", c))
		}
	}
	return out
}

func (f *foreign) judge(t *testing.T, a *app, s foreignStation, name string, in, out map[string]string, k known) {
	t.Helper()
	told, err := f.exchanged(t.Context(), a.store)
	if err != nil {
		t.Fatal(err)
	}
	box, err := s.mailbox()
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]int{}
	for _, b := range box {
		taken[sha(b)]++
	}
	kept, err := s.receipts()
	if err != nil {
		t.Fatal(err)
	}
	complained, err := s.complaints()
	if err != nil {
		t.Fatal(err)
	}
	processed := as2.Processed.String()
	came, left, other, plain := 0, 0, 0, 0
	for _, c := range f.cells {
		if c.Special != "" {
			continue
		}
		plain++
		e, p := told.received[c.name()], told.sent[c.name()]
		if len(e.Files) != 1 || e.Files[0].SHA256 != in[c.name()] || e.Verdict != processed || !e.Accepted {
			t.Errorf("%s: what came is not what was sent: %+v, %s", c, e.Files, e.Verdict)
		} else {
			came++
		}
		if answer, ok := kept[c.name()]; ok && (!strings.Contains(answer, e.MIC) || !strings.Contains(answer, "processed")) {
			t.Errorf("%s: our receipt is not what it has: %s", c, kept[c.name()])
		}
		if complained[c.name()] != k.differs(c) {
			t.Errorf("%s: it complains of our MIC: %v, known %v", c, complained[c.name()], k.differs(c))
		}
		if complained[c.name()] {
			other++
		}
		theirs, mic := f.receipt(t, p)
		if k.forgets && taken[out[c.name()]] > 1 {
			t.Logf("%s: it took what left %d times", c, taken[out[c.name()]])
			taken[out[c.name()]] = 1
		}
		if !k.proves(c) {
			if taken[out[c.name()]] != 1 || p.Sent.MessageID != "" {
				t.Errorf("%s: its mailbox has what left %d times, and it is proven by %q %s", c, taken[out[c.name()]], p.Proof.Outcome, p.Proof.Reason)
			}
		} else if taken[out[c.name()]] != 1 || c.Receipt != "none" && (p.Proof.Outcome != string(as2.Delivered) || theirs != processed) {
			t.Errorf("%s: its mailbox has what left %d times, its receipt %q is %q %s", c, taken[out[c.name()]], theirs, p.Proof.Outcome, p.Proof.Reason)
		} else {
			left++
		}
		t.Logf("%-52s in %.12s %.9s MIC %.8s agreed %-5v | out %.12s %.9s MIC %s", c, in[c.name()], strings.TrimPrefix(e.Verdict, "automatic-action/MDN-sent-automatically; "), e.MIC, !complained[c.name()],
			out[c.name()], strings.TrimPrefix(theirs, "automatic-action/MDN-sent-automatically; "), mic)
	}
	line := fmt.Sprintf("| %s | %d of %d | %d of %d | %d |", name, came, plain, left, plain, other)
	special := "| " + name
	for _, c := range f.cells {
		if c.Special == "" {
			continue
		}
		e, p := told.received[c.name()], told.sent[c.name()]
		w := way{
			sends: len(e.Files) == 1 && cmp.Or(e.Files[0].SHA256, e.Files[0].BLAKE3) == in[c.name()] && e.Verdict == processed && e.Accepted,
			takes: taken[out[c.name()]] == 1 && p.Proof.Outcome == string(as2.Delivered),
			fails: k.special[c.Special].fails,
		}
		if w != k.special[c.Special] || told.letters[c.name()] == (w.takes || w.fails) {
			t.Errorf("%s: %+v, known as %+v; a letter: %v", c, w, k.special[c.Special], told.letters[c.name()])
		}
		special += " | " + map[[2]bool]string{{}: "refused", {true, false}: "in", {false, true}: "out", {true, true}: "both"}[[2]bool{w.sends, w.takes}]
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "adapters", "README.md"))
	for _, line := range []string{line, special + " |"} {
		t.Log(line)
		if err != nil || !strings.Contains(string(readme), line) {
			t.Errorf("adapters/README.md says something else than\n%s %v", line, err)
		}
	}
}

// receipt is the disposition and the MIC of what a station answered.
func (f *foreign) receipt(t *testing.T, p routes.Proven) (disposition, mic string) {
	t.Helper()
	if p.Proof.Receipt == nil {
		return "", "none asked for"
	}
	got, err := as2.Read(p.Proof.Receipt.Headers, bytes.NewReader(p.Proof.Receipt.Body), as2.Reading{})
	if err != nil && got == nil || got.MDN == nil {
		t.Errorf("%s: its receipt cannot be read: %v", p.Partner, err)
		return "", ""
	}
	if len(got.MDN.MIC.Value) == 0 {
		return got.MDN.Disposition.String(), "none returned"
	}
	return got.MDN.Disposition.String(), fmt.Sprintf("%.8s", got.MDN.MIC)
}
