package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v3"

	"github.com/paklog/hub/core/fault"
)

// measuredHub serves a hub that has all that is measured: a carrier, the access log, and a Kafka and a RabbitMQ
// that are away.
func measuredHub(t *testing.T) *shell {
	t.Helper()
	s := newShell(t)
	s.withUPS("http://127.0.0.1:1", "x", "x", "ABC123")
	s.configure(fmt.Sprintf("bus: kafka\nkafka: {brokers: [\"127.0.0.1:1\"], read: {topics: [erp]}}\nlog: {access: {file: %s}}\n", filepath.Join(filepath.Dir(s.config), "access.log")))
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), "rabbit"), []byte("amqp://guest:guest@127.0.0.1:1/"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.configure("queue: rabbitmq\nrabbitmq: {url_file: rabbit}\nerps: {main: {url: \"http://127.0.0.1:1/sap\", user: x, password_file: rabbit, client: \"100\"}}\n")
	s.serve()
	return s
}

// dueOrder has an order come in whose cut-off is in three hours.
func (s *shell) dueOrder(number string) {
	s.t.Helper()
	text := fmt.Sprintf(`{"owner":"ACME","number":%q,"lines":[{"item":"MUG","qty":1}],"ship_to":{"name":"a","lines":["1 Road"],"city":"b","region":"KY","postal_code":"40202","country":"US"},"dates":{"ship_by":%q}}`,
		number, time.Now().Add(3*time.Hour).UTC().Format(time.RFC3339))
	if out, errs, code := s.pipe(text, "order", "add", "--file", "-"); code != 0 {
		s.t.Fatalf("exit %d: %s%s", code, out, errs)
	}
}

// scraped are the families of a hub's metrics by name.
func (s *shell) scraped() map[string]*dto.MetricFamily {
	s.t.Helper()
	all, err := s.app.metrics.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]*dto.MetricFamily{}
	for _, f := range all {
		out[f.GetName()] = f
	}
	return out
}

// sample is the value of a metric with these labels ("route=a state=b"), and whether it is there.
func sample(f *dto.MetricFamily, labels string) (float64, bool) {
	for _, m := range f.GetMetric() {
		var has []string
		for _, l := range m.GetLabel() {
			has = append(has, l.GetName()+"="+l.GetValue())
		}
		if strings.Join(has, " ") == labels {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
		}
	}
	return 0, false
}

var metricName = regexp.MustCompile(`\bpaklog_[a-z_]+[a-z]\b`)

// TestMetricsAreNamedWhereTheyAreUsed holds the README's table, the dashboard and the alert rules to what a hub tells.
func TestMetricsAreNamedWhereTheyAreUsed(t *testing.T) {
	t.Parallel()
	s := measuredHub(t)
	s.stock("MUG", 5)
	s.dueOrder("SO-1")
	s.until("its cut-off is awaited", func() bool { return s.scraped()["paklog_orders_next_cutoff_seconds"] != nil })
	told := map[string]bool{}
	for name, f := range s.scraped() {
		told[name] = true
		if f.GetHelp() == "" || !strings.HasPrefix(name, "paklog_") {
			t.Errorf("%s has no help, or is not ours", name)
		}
		if f.GetType() == dto.MetricType_HISTOGRAM {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				told[name+part] = true
			}
		}
		if (f.GetType() == dto.MetricType_COUNTER) != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s", name, f.GetType())
		}
	}
	dashboard, rules := readme(t, "../../configs/grafana/paklog.json"), readme(t, "../../configs/prometheus/alerts.yaml")
	for page, text := range map[string]string{"README": readme(t, texts[0]), "dashboard": dashboard, "rules": rules} {
		names := metricName.FindAllString(text, -1)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics", page, len(names))
		}
		for _, name := range names {
			if !told[name] {
				t.Errorf("%s names %s, which no hub tells", page, name)
			}
		}
	}
	for name := range s.scraped() {
		if !strings.Contains(readme(t, texts[0]), "`"+name+"`") {
			t.Errorf("the README does not name %s", name)
		}
	}
}

func TestDashboardAndRulesAreWhatTheirReadersTake(t *testing.T) {
	t.Parallel()
	var board struct {
		Title  string `json:"title"`
		UID    string `json:"uid"`
		Panels []struct {
			ID      int            `json:"id"`
			Type    string         `json:"type"`
			Title   string         `json:"title"`
			GridPos map[string]int `json:"gridPos"`
			Targets []struct {
				RefID string `json:"refId"`
				Expr  string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal([]byte(readme(t, "../../configs/grafana/paklog.json")), &board); err != nil {
		t.Fatal(err)
	}
	if board.Title == "" || board.UID == "" || len(board.Panels) < 10 {
		t.Errorf("%s has %d panels", board.Title, len(board.Panels))
	}
	ids, places := map[int]bool{}, map[string]bool{}
	for _, p := range board.Panels {
		if at := fmt.Sprint(p.GridPos["x"], p.GridPos["y"]); ids[p.ID] || places[at] || p.Title == "" || p.GridPos["w"]+p.GridPos["x"] > 24 {
			t.Errorf("panel %d (%s) stands where another does", p.ID, p.Title)
		} else {
			ids[p.ID], places[at] = true, true
		}
		for _, x := range p.Targets {
			balanced(t, p.Title, x.Expr)
		}
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr         string
				For                 string
				Labels, Annotations map[string]string
			}
		}
	}
	d := yaml.NewDecoder(strings.NewReader(readme(t, "../../configs/prometheus/alerts.yaml")))
	d.KnownFields(true)
	if err := d.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || seen[r.Alert] || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%+v", r)
			}
			seen[r.Alert] = true
			if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
				t.Errorf("%s: for: %v", r.Alert, err)
			}
			balanced(t, r.Alert, r.Expr)
		}
	}
	if len(seen) < 10 {
		t.Errorf("there are %d alerts", len(seen))
	}
}

// balanced holds an expression to closing what it opens.
func balanced(t *testing.T, where, expr string) {
	t.Helper()
	var open []rune
	closes := map[rune]rune{')': '(', '}': '{', ']': '['}
	for _, r := range expr {
		switch r {
		case '(', '{', '[':
			open = append(open, r)
		case ')', '}', ']':
			if len(open) == 0 || open[len(open)-1] != closes[r] {
				t.Errorf("%s: %s closes what it did not open", where, expr)
				return
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 || expr == "" || strings.Count(expr, `"`)%2 != 0 {
		t.Errorf("%s: %q does not close what it opens", where, expr)
	}
}

// TestMetricsTellOfTrouble brings a hub into each trouble that an alert is about, and reads it in its metrics.
func TestMetricsTellOfTrouble(t *testing.T) {
	t.Parallel()
	s := measuredHub(t)
	value := func(name, labels string) float64 {
		t.Helper()
		v, ok := sample(s.scraped()[name], labels)
		if !ok {
			t.Errorf("%s has nothing for %q", name, labels)
		}
		return v
	}
	for _, k := range fault.Kinds() {
		if v := value("paklog_letters_total", "kind="+k.String()); v != 0 {
			t.Errorf("%g letters of kind %s before anything failed", v, k)
		}
	}
	if v := value("paklog_breaker_state", "connection=ups state=closed"); v != 1 {
		t.Errorf("the breaker is closed: %g", v)
	}
	if v := value("paklog_journal_full", ""); v != 0 {
		t.Error("the disk is taken for full")
	}
	units := value("paklog_journal_units_total", "")
	s.stock("MUG", 5)
	if after, batches, syncs := value("paklog_journal_units_total", ""), value("paklog_journal_batches_total", ""), value("paklog_journal_syncs_total", ""); after <= units || batches == 0 || syncs == 0 {
		t.Errorf("%g units before, %g after, in %g batches and %g syncs", units, after, batches, syncs)
	}
	s.letter()
	if v := value("paklog_letters_total", "kind=invalid"); v != 1 {
		t.Errorf("%g letters of a broken document", v)
	}

	s.must("routes", "pause", "order.cutoff")
	if v := value("paklog_route_paused", "route=order.cutoff"); v != 1 {
		t.Errorf("a paused route is %g", v)
	}
	s.dueOrder("SO-1")
	s.until("the route is behind, and says how old what waits is", func() bool {
		lag, _ := sample(s.scraped()["paklog_route_lag_positions"], "route=order.cutoff")
		old, is := sample(s.scraped()["paklog_route_oldest_seconds"], "route=order.cutoff")
		return lag > 0 && is && old > 0 && old < 60
	})
	if f := s.scraped()["paklog_orders_next_cutoff_seconds"]; f != nil {
		t.Errorf("a cut-off that no route knows of is told: %v", f)
	}
	s.must("routes", "resume", "order.cutoff")
	s.until("it has caught up, and tells of the cut-off", func() bool {
		old, is := sample(s.scraped()["paklog_route_oldest_seconds"], "route=order.cutoff")
		left, set := sample(s.scraped()["paklog_orders_next_cutoff_seconds"], "")
		return is && old == 0 && set && left > 2*3600 && left <= 3*3600
	})
}

// TestLabelsAreBounded holds that no label has more values than routes, connections and words of ours.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	s := measuredHub(t)
	s.stock("MUG", 5)
	series := func() (n int) {
		for _, f := range s.scraped() {
			n += len(f.GetMetric())
		}
		return n
	}
	for i := range 3 {
		s.dueOrder(fmt.Sprintf("SO-%d", i))
	}
	s.until("they wait for their carrier", func() bool { return strings.Count(s.must("orders", "list"), "SO-") == 3 })
	known := map[string]bool{}
	for _, r := range s.app.routeInfos() {
		known[r.Name], known[r.Conn] = true, true
	}
	for _, k := range fault.Kinds() {
		known[k.String()] = true
	}
	for _, word := range []string{"open", "running", "parked", "closed", "half-open", "handled", "again", "retry", "pause", "letter", "refused", version()} {
		known[word] = true
	}
	for name, f := range s.scraped() {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if !known[l.GetValue()] {
					t.Errorf("%s has %s=%q, which is no name of ours", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	if n := series(); n > 40*len(s.app.routeInfos()) {
		t.Errorf("%d series of %d routes", n, len(s.app.routeInfos()))
	}
}

// TestMetricsAreServed scrapes over HTTP as Prometheus does.
func TestMetricsAreServed(t *testing.T) {
	t.Parallel()
	s := measuredHub(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://localhost/metrics", http.NoBody)
	s.app.front.ServeHTTP(w, r)
	for _, name := range slices.Sorted(maps.Keys(s.scraped())) {
		if !strings.Contains(w.Body.String(), "\n"+name) {
			t.Errorf("%s is not served", name)
		}
	}
	if err := s.app.measureStanding(); err == nil {
		t.Error("the metrics of one hub stand twice in a registry")
	}
}
