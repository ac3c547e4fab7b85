package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/restshop/platformsim"
)

// start runs a partner, and gives its address and its page's.
func start(t *testing.T, args ...string) (at, control string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	rd, wr := io.Pipe()
	cmd := command()
	cmd.SetArgs(args)
	cmd.SetOut(wr)
	done := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		_ = wr.CloseWithError(io.EOF)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(rd)
	for lines.Scan() {
		what, where, _ := strings.Cut(lines.Text(), ": ")
		switch what {
		case args[0]:
			at = where
		case "ground truth":
			go func() { _, _ = io.Copy(io.Discard, rd) }()
			return at, where
		}
	}
	t.Fatal("it ended before it listened")
	return "", ""
}

// client keeps no connection: Go's sends a GET again that one it had kept ended under.
var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func get(t *testing.T, address, key string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return res.StatusCode, "cut: " + err.Error()
	}
	return res.StatusCode, string(b)
}

func post(t *testing.T, address string, form url.Values) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// Each partner listens, and its page says what is so there.
func TestEachPartnerListens(t *testing.T) {
	t.Parallel()
	for _, p := range partners {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			args := []string{p.name}
			s, err := p.open(settings{})
			if err != nil {
				t.Fatal(err)
			}
			if s.order != nil {
				args = append(args, "--orders", "2")
			}
			at, control := start(t, args...)
			if status, body := get(t, at+"/nowhere", ""); status < 400 || status > 499 {
				t.Errorf("it answers %d: %s", status, body)
			}
			status, body := get(t, control+"/truth", "")
			var truth struct{ Calls, Truth json.RawMessage }
			if err := json.Unmarshal([]byte(body), &truth); status != http.StatusOK || err != nil || len(truth.Truth) == 0 {
				t.Errorf("%d, %v: %s", status, err, body)
			}
			if status, body := get(t, control+"/", ""); status != http.StatusOK || !strings.Contains(body, at) || !strings.Contains(body, "What is so") {
				t.Errorf("%d: %s", status, body)
			}
		})
	}
}

// Orders are placed and faults are met, each as it is named.
func TestFaultsAreMetAsTheyAreNamed(t *testing.T) {
	t.Parallel()
	at, control := start(t, "platform")
	if n := post(t, control+"/orders", url.Values{"sku": {"MUG"}, "qty": {"2"}}); n != http.StatusSeeOther {
		t.Fatal(n)
	}
	_, right := get(t, at+"/v1/orders/o-1", platformsim.Key)
	if !strings.Contains(right, `"MUG"`) {
		t.Fatal(right)
	}
	for _, fault := range faults {
		if fault == "slow" || fault == "huge" || fault == "lone-objects" || fault == "numbers" || fault == "token-revoked" {
			continue // half a minute, 64 MiB, and what changes nothing in this answer
		}
		if n := post(t, control+"/faults", url.Values{"op": {"order"}, "fault": {fault}}); n != http.StatusSeeOther {
			t.Errorf("%s: %d", fault, n)
		}
		if status, body := get(t, at+"/v1/orders/o-1", platformsim.Key); status == http.StatusOK && body == right {
			t.Errorf("%s: nothing happened", fault)
		}
		if status, body := get(t, at+"/v1/orders/o-1", platformsim.Key); status != http.StatusOK || body != right {
			t.Errorf("after %s: %d %s", fault, status, body)
		}
	}
}

func TestWhatCannotBeStartedOrDone(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"woo"}, {"ups", "--orders", "1"}, {"shopify", "--orders", "-3"}, {"shopify", "--orders", "many"}, {"ups", "--fault", "outage"}, {"ups", "--fault", "outage=1001"}, {"ups", "--fault", "gremlins=1"},
		{"ups", "--fault", "outage=600", "--fault", "slow=600"}, {"ups", "--listen", "127.0.0.1:99999"},
	} {
		cmd := command()
		cmd.SetArgs(args)
		cmd.SetOut(io.Discard)
		if err := cmd.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%q was started", args)
		}
	}
	_, control := start(t, "ups")
	for path, form := range map[string]url.Values{
		"/orders": {"sku": {"MUG"}, "qty": {"1"}}, "/hooks": {"url": {"http://127.0.0.1:1"}}, "/faults": {"op": {"ship"}, "fault": {"gremlins"}},
	} {
		if n := post(t, control+path, form); n < 400 || n > 499 {
			t.Errorf("%s: %d", path, n)
		}
	}
}
