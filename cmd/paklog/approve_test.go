package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/dlq"
)

// asked is what a hub answers to somebody who holds a key, "" for none.
func asked(t *testing.T, base, key, method, path, body string) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := demoClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}

// asking asks a hub by the key of who asks, and reads the answer into out unless that is nil. Another status than is
// wanted ends the test.
func asking(t *testing.T, base string, keys map[string]string) func(who, method, path, body string, want int, out any) {
	return func(who, method, path, body string, want int, out any) {
		t.Helper()
		status, answer := asked(t, base, keys[who], method, path, body)
		if status != want {
			t.Fatalf("%s %s by %s: %d, want %d: %s", method, path, who, status, want, answer)
		}
		if out != nil {
			if err := json.Unmarshal(answer, out); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A replay of more letters than is configured waits for a second person, at every door: its author neither approves
// of it nor starts it, by the API or by the command line, and a smaller one needs nobody.
func TestAReplayOfManyWaitsForASecondPerson(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	keys := map[string]string{"ann": "the-key-that-ann-holds-alone", "ben": "the-key-that-ben-holds-alone"}
	text := fmt.Sprintf("data: %s\nowner: ACME\nhttp: {listen: \"127.0.0.1:0\", keys: {ann: {key_file: ann.key}, ben: {key_file: ben.key}}}\ndesk: {approve_above: 2}\n", s.data)
	for name, key := range keys {
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), name+".key"), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := s.serves()
	ask := asking(t, "http://"+p.addr, keys)
	for n := range 3 {
		ask("ann", http.MethodPost, "/v1/orders", fmt.Sprintf(`{"number":"SO-%d","lines":[{"item":"LANTERN","qty":1}],
			"ship_to":{"name":"Jane Doe","lines":["1 Main St"],"city":"Reno","region":"NV","postal_code":"89501","country":"US"}}`, n), http.StatusCreated, nil)
	}
	var found struct{ Items []struct{ ID string } }
	s.until("three letters are there", func() bool {
		ask("ann", http.MethodGet, "/v1/letters/search", "", http.StatusOK, &found)
		return len(found.Items) == 3
	})
	var o dlq.Operation
	ask("ann", http.MethodPost, "/v1/replays", `{"search":{},"reason":"the item is there"}`, http.StatusCreated, &o)
	if o.State != dlq.OpWaiting || !o.Approval || o.Author != "ann" {
		t.Fatalf("planned: %+v", o)
	}
	at := "/v1/replays/" + o.ID
	ask("ann", http.MethodPost, at+"/start", "", http.StatusConflict, nil)
	ask("ann", http.MethodPost, at+"/approve", "", http.StatusForbidden, nil)
	s.refused(1, "waiting", "dlq", "operation", "start", o.ID)
	ask("ben", http.MethodPost, at+"/approve", "", http.StatusOK, &o)
	if o.State != dlq.OpPlanned || o.Approver != "ben" {
		t.Errorf("approved: %+v", o)
	}
	ask("ben", http.MethodPost, at+"/approve", "", http.StatusConflict, nil) // once
	ask("ann", http.MethodPost, at+"/cancel", "", http.StatusOK, nil)

	// What is planned on the hub's machine is nobody's with a key; each of them may approve of it.
	out := decoded[dlq.Operation](t, s.must("dlq", "operate", "--route", "order.held_line", "--reason", "the item is there", "--start", "--json"))
	if out.State != dlq.OpWaiting {
		t.Fatalf("planned by the command line: %+v", out)
	}
	s.refused(1, "second person", "dlq", "operation", "approve", out.ID)
	ask("ann", http.MethodPost, "/v1/replays/"+out.ID+"/approve", "", http.StatusOK, nil)
	ask("ann", http.MethodPost, "/v1/replays/"+out.ID+"/cancel", "", http.StatusOK, nil)

	two, err := json.Marshal([]string{found.Items[0].ID, found.Items[1].ID})
	if err != nil {
		t.Fatal(err)
	}
	ask("ann", http.MethodPost, "/v1/replays", `{"letters":`+string(two)+`,"reason":"two alone"}`, http.StatusCreated, &o)
	if o.State != dlq.OpPlanned {
		t.Errorf("two need nobody: %+v", o)
	}
}
