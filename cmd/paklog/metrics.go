package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
)

// gauges are the metrics of how the hub stands. They are looked up when somebody asks for them, so that
// nothing is paid for them in between. Labels are names of the configuration and words of ours.
type gauges struct {
	app *app
	now func() time.Time
}

// scrapePatience is how long one scrape may look for the oldest messages.
const scrapePatience = 2 * time.Second

// cutOffRoute is the route whose timers are the cut-offs of open orders.
const cutOffRoute = "order.cutoff"

func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	routeLag     = described("paklog_route_lag_positions", "Positions of the journal that a route has not seen.", "route")
	routeOldest  = described("paklog_route_oldest_seconds", "Age of the oldest message that waits for a route; 0 where none does.", "route")
	routeLane    = described("paklog_route_lane_messages", "Messages in the lanes of a route: handed over and not durable yet (open), of those in a handler (running), and parked for a retry or a letter (parked).", "route", "state")
	routePaused  = described("paklog_route_paused", "1 where a route is paused, by a person or because its partner is down.", "route")
	breakerState = described("paklog_breaker_state", "1 for the state that the breaker of a connection is in.", "connection", "state")

	journalUnits   = described("paklog_journal_units_total", "Units that this process committed.")
	journalRecords = described("paklog_journal_records_total", "Records of those units.")
	journalBatches = described("paklog_journal_batches_total", "Batches that they were committed in: units by batches is the size of one.")
	journalRefused = described("paklog_journal_refused_total", "Units that were refused and decided again.")
	journalSyncs   = described("paklog_journal_syncs_total", "Syncs of the disk by the journal, of this process.")
	journalWaiting = described("paklog_journal_waiting_units", "Units that wait for the disk.")
	journalFull    = described("paklog_journal_full", "1 where doors refuse, for the disk is too full.")

	viewsBehind = described("paklog_views_behind_positions", "Positions of the journal that the views have not seen.")
	nextCutOff  = described("paklog_orders_next_cutoff_seconds", "Seconds until the next cut-off of an order that has not left; there is none where no order has one.")
	buildInfo   = described("paklog_build_info", "1; its labels say which program runs.", "version")
)

// breakerStates are those of gobreaker.
var breakerStates = []string{"closed", "half-open", "open"}

// Describe implements [prometheus.Collector].
func (s gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		routeLag, routeOldest, routeLane, routePaused, breakerState, journalUnits, journalRecords, journalBatches, journalRefused, journalSyncs,
		journalWaiting, journalFull, viewsBehind, nextCutOff, buildInfo,
	} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (s gauges) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	a := s.app
	ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
	defer cancel()
	breakers := map[string]string{}
	for _, r := range a.routeInfos() {
		gauge(routePaused, truth(r.Paused != ""), r.Name)
		if r.Conn != "" && r.Breaker != "" {
			breakers[r.Conn] = r.Breaker
		}
		if r.Door {
			continue // it is called, and nothing waits
		}
		gauge(routeLag, float64(r.Behind), r.Name)
		gauge(routeLane, float64(r.Open), r.Name, "open")
		gauge(routeLane, float64(r.Running), r.Name, "running")
		gauge(routeLane, float64(r.Parked), r.Name, "parked")
		if age, ok := s.oldest(ctx, r); ok {
			gauge(routeOldest, age.Seconds(), r.Name)
		}
	}
	for conn, is := range breakers {
		for _, state := range breakerStates {
			gauge(breakerState, truth(is == state), conn, state)
		}
	}
	st := a.bus.Stats()
	count(journalUnits, float64(st.Units))
	count(journalRecords, float64(st.Records))
	count(journalBatches, float64(st.Batches))
	count(journalRefused, float64(st.Refused))
	count(journalSyncs, float64(a.store.Synced()))
	gauge(journalWaiting, float64(a.bus.Waiting()))
	gauge(journalFull, truth(a.bus.Full() || a.store.Full()))
	behind := journal.Pos(0)
	if last, seen := a.bus.Last(), a.seen(); last > seen {
		behind = last - seen
	}
	gauge(viewsBehind, float64(behind))
	if at, set := a.bus.NextTimerOf(cutOffRoute); set {
		gauge(nextCutOff, at.Sub(s.now()).Seconds())
	}
	gauge(buildInfo, 1, version())
}

// oldest is the age of what waits longest for a route. The journal is asked only where something does; false
// is where it cannot be told in time.
func (s gauges) oldest(ctx context.Context, r routes.RouteInfo) (time.Duration, bool) {
	if r.Behind == 0 {
		return 0, true
	}
	topics := r.Lag.Topics
	if len(topics) == 0 {
		topics = r.Consumes // of the relay
	}
	waiting, err := s.app.store.Topics(ctx, topics, r.Cursor, 1)
	if err != nil {
		return 0, false
	}
	if len(waiting) == 0 || waiting[0].Time.IsZero() {
		return 0, true
	}
	return max(0, s.now().Sub(waiting[0].Time)), true
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// measureStanding makes the metrics of how the hub stands.
func (a *app) measureStanding() error {
	if err := a.metrics.Register(gauges{a, time.Now}); err != nil {
		return fmt.Errorf("registering the metrics of the hub: %w", err)
	}
	return nil
}
