package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/sftp"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/dlq"
)

// asPartner makes the test binary the command in the partner's process.
var asPartner = []string{commandEnv + "=1"}

// The demonstration ends well: each count of the hub's is that of the partners, of whom the one who
// speaks AS2 and SFTP is another process.
func TestTheDemonstrationAgreesWithItsPartners(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	said, says := io.Pipe()
	d := &demo{out: says, dir: t.TempDir(), keep: true, rests: 4 * time.Minute, env: asPartner}
	done := make(chan error, 1)
	go func() {
		err := d.run(ctx)
		done <- errors.Join(err, says.Close())
	}()
	for lines := bufio.NewScanner(io.TeeReader(said, &out)); lines.Scan(); {
		if strings.Contains(lines.Text(), "hub's log") { // it says no more
			leftToMend(t, d, out.String())
			cancel()
		}
	}
	if err := <-done; err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"its receipt is signed and says delivered",
		"door.stations      as2.Received",
		"messages by AS2 whose receipt he holds           1   agrees",
		"documents that came by two doors                 1   agrees",
		"945s that the partner took by SFTP              14   agrees",
		"997s that the partner took                       4   agrees",
		"goods issues that SAP posted                     1   agrees",
		"orders that were sent, by any door              82   agrees",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// leftToMend does the three things that the demonstration says to try, by what the console asks of the hub.
func leftToMend(t *testing.T, d *demo, said string) {
	t.Helper()
	ask := func(method, path, body string, out any) {
		t.Helper()
		status, answer := asked(t, "http://"+d.addr, "", method, path, body)
		if status/100 != 2 {
			t.Fatalf("%s %s: %d: %s", method, path, status, answer)
		}
		if out != nil {
			if err := json.Unmarshal(answer, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	until := func(what string, holds func() bool) {
		t.Helper()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(time.Minute); !holds(); <-tick.C {
			if time.Now().After(end) {
				t.Fatalf("it did not come to be: %s\n%s", what, said)
			}
		}
	}
	if n := len(regexp.MustCompile(`(?m)^  [0-9]\. `).FindAllString(said, -1)); n != 3 || !strings.Contains(said, "http://"+d.addr+"/console") || !strings.Contains(said, "no key") {
		t.Errorf("it names %d things to try, or not where:\n%s", n, said)
	}
	// 1. The journey names the item; the command that is printed makes it known.
	var journey struct{ Awaited []struct{ What string } }
	ask(http.MethodGet, "/v1/traces?key="+leftPO, "", &journey)
	if text := fmt.Sprint(journey.Awaited); !strings.Contains(text, leftItem) {
		t.Errorf("the journey of %s awaits %s", leftPO, text)
	}
	command := regexp.MustCompile(`curl -d '(.+)' -H .* http://[^/]+(/\S+)`).FindStringSubmatch(said)
	if command == nil {
		t.Fatalf("no command is printed:\n%s", said)
	}
	ask(http.MethodPost, command[2], command[1], nil)
	var found struct{ Total int }
	until("the letter goes away by itself", func() bool {
		ask(http.MethodGet, "/v1/letters/search?key="+leftOrder, "", &found)
		return found.Total == 0
	})
	// 2. All in the group share the value, and the replay stops behind the first.
	link := regexp.MustCompile(`/#/group/([0-9a-f]+)`).FindStringSubmatch(said)
	if link == nil {
		t.Fatalf("no group is named:\n%s", said)
	}
	var contrast dlq.Contrast
	ask(http.MethodGet, "/v1/letter-groups/"+link[1]+"/contrast", "", &contrast)
	if contrast.Failures < changedSets || len(contrast.Traits) == 0 || contrast.Traits[0].Value != "MANY" || contrast.Traits[0].Failures != contrast.Failures || contrast.Traits[0].Successes != 0 {
		t.Errorf("what they have in common: %+v", contrast)
	}
	var o dlq.Operation
	ask(http.MethodPost, "/v1/replays", `{"search":{"group":"`+link[1]+`"},"reason":"to see"}`, &o)
	ask(http.MethodPost, "/v1/replays/"+o.ID+"/start", "", nil)
	until("the replay stops", func() bool {
		ask(http.MethodGet, "/v1/replays/"+o.ID, "", &o)
		return o.State == dlq.OpStopped
	})
	if o.Progress.Sent != 1 {
		t.Errorf("%d went before it stopped", o.Progress.Sent)
	}
	// 3. What waits behind the paused route leaves once it goes on.
	before, err := os.ReadDir(filepath.Join(d.partner(), "outbox"))
	if err != nil || len(before) != 0 {
		t.Errorf("%d files were left for the partner before: %v", len(before), err)
	}
	ask(http.MethodPost, "/v1/routes/"+pausedRoute+"/resume", "", nil)
	until("documents leave", func() bool {
		now, err := os.ReadDir(filepath.Join(d.partner(), "outbox"))
		return err == nil && len(now) > len(before)
	})
}

func partnerOf(t *testing.T) *counterpart {
	t.Helper()
	c, err := startPartner(t.Context(), filepath.Join(t.TempDir(), "at"), asPartner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.end() }) // where the test has not; then it is gone
	return c
}

// meetingAt is a hub of which one door is at fault.
func meetingAt(t *testing.T, station, server, hostKey string) partnerTask {
	t.Helper()
	cert, _, err := stationPair(demoHubID, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	line, _, err := sftp.PublicHostKey(hostKey)
	if err != nil {
		t.Fatal(err)
	}
	return partnerTask{Meet: &meeting{Station: station, Certificate: cert, Server: server, HostKey: line}}
}

// fails wants an error that says something.
func fails(t *testing.T, c *counterpart, task partnerTask, want string) {
	t.Helper()
	if _, err := c.do(t.Context(), task); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%+v: %v, want %q", task, err, want)
	}
}

// What does not come through is told and never counted: the partner believes a signed receipt of the
// hub's alone, and a server whose key he was told.
func TestTheDemonstrationsPartnerSaysWhatFails(t *testing.T) {
	t.Parallel()
	key, err := sftp.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "940.edi")
	if err := os.WriteFile(file, []byte("ISA*"), 0o600); err != nil {
		t.Fatal(err)
	}
	status := http.StatusOK
	station := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only the answer counts
		w.WriteHeader(status)
	}))
	t.Cleanup(station.Close)

	c := partnerOf(t)
	fails(t, c, partnerTask{Send: file}, "has not met the hub")
	fails(t, c, partnerTask{Meet: &meeting{Station: station.URL, Certificate: "no PEM", Server: "127.0.0.1:1"}}, "certificate")
	other := newPartnerServer(t) // its key is another one
	if _, err := c.do(t.Context(), meetingAt(t, station.URL, other.addr, key)); err != nil {
		t.Fatal(err)
	}
	fails(t, c, partnerTask{Send: file}, "receipt")
	status = http.StatusServiceUnavailable
	fails(t, c, partnerTask{Send: file}, "503")
	fails(t, c, partnerTask{Send: file + ".gone"}, "no such file")
	fails(t, c, partnerTask{Put: file}, "key")
	fails(t, c, partnerTask{Take: true}, "key")
	fails(t, c, partnerTask{}, "nothing")

	stranger := partnerOf(t) // the server is the right one and does not know him
	if _, err := stranger.do(t.Context(), meetingAt(t, station.URL, other.addr, other.key)); err != nil {
		t.Fatal(err)
	}
	fails(t, stranger, partnerTask{Take: true}, "attempted methods")
	if err := c.end(); err != nil {
		t.Errorf("it does not end with its input: %v", err)
	}
}

// A partner who dies or says nothing ends the demonstration instead of holding it up.
func TestTheDemonstrationOutlivesItsPartner(t *testing.T) {
	t.Parallel()
	c := partnerOf(t)
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if told, err := c.do(t.Context(), partnerTask{Take: true}); err == nil {
		t.Errorf("a dead partner says %+v", told)
	}
	if err := c.end(); err == nil {
		t.Error("how he ended is not told")
	}

	c = partnerOf(t)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // its end shows that he hung up
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	key, err := sftp.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.do(t.Context(), meetingAt(t, silent.URL, "127.0.0.1:1", key)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "940.edi")
	if err := os.WriteFile(file, []byte("ISA*"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.wait = 100 * time.Millisecond
	if _, err := c.do(t.Context(), partnerTask{Send: file}); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("a station that never answers: %v", err)
	}

	// What he cannot understand ends him, and says so.
	p, err := newPartnerProcess(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{`{"sned": "940.edi"}`, `{"send": 1}`, `{"send"`} {
		if err := p.serve(t.Context(), strings.NewReader(in), io.Discard); err == nil {
			t.Errorf("%s is understood", in)
		}
	}
}

// advice945 is a 945 about SO-1.
func advice945(control int) []byte {
	return fmt.Appendf(nil, `ISA*00*          *00*          *ZZ*PAKLOG         *ZZ*ACME           *261123*0800*U*00401*%09d*0*P*>~
GS*SW*PAKLOG*ACME*20261123*0800*%[1]d*X*004010~
ST*945*0001~
W06*F*SO-1*20261123~
SE*3*0001~
GE*1*%[1]d~
IEA*1*%09[1]d~
`, control)
}

// What the partner holds is what came: the same file again is one, another under its name an error,
// and what cannot be read is no document.
func TestTheDemonstrationsPartnerHoldsWhatCame(t *testing.T) {
	t.Parallel()
	p, err := newPartnerProcess(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	call := func(d door.Document) error {
		_, err := p.Call(t.Context(), door.Documents, d)
		return err
	}
	first := door.Document{Name: "945-1.edi", Bytes: advice945(1)}
	for range 2 { // its removal at the server broke off
		if err := call(first); err != nil {
			t.Fatal(err)
		}
	}
	if files, sets, orders, err := documentsIn(p.taken()); err != nil || files != 1 || sets["945"] != 1 || doubled(orders) != 0 {
		t.Errorf("%d files, %v, %v, %v", files, sets, orders, err)
	}
	if err := call(door.Document{Name: "945-1.edi", Bytes: advice945(2)}); err == nil {
		t.Error("another document took the place of the first")
	}
	if err := call(door.Document{Name: "x", Refused: "it is too long"}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a file that was refused: %v", err)
	}
	// An order that is told twice is seen.
	if err := call(door.Document{Name: "945-2.edi", Bytes: advice945(2)}); err != nil {
		t.Fatal(err)
	}
	if _, _, orders, err := documentsIn(p.taken()); err != nil || doubled(orders) != 1 {
		t.Errorf("told twice: %v %v", orders, err)
	}
	if err := call(door.Document{Name: "torn.edi", Bytes: first.Bytes[:len(first.Bytes)/2]}); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := documentsIn(p.taken()); err == nil || !strings.Contains(err.Error(), "torn.edi") {
		t.Errorf("half a document is read: %v", err)
	}
}
