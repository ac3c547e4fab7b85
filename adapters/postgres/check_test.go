package postgres_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/postgres/pgtest"
)

// complaint is the one about a place.
func complaint(c postgres.Checked, place string) (postgres.Complaint, bool) {
	i := slices.IndexFunc(c.Complaints, func(x postgres.Complaint) bool { return x.Place == place })
	if i < 0 {
		return postgres.Complaint{}, false
	}
	return c.Complaints[i], true
}

func TestAServerIsCheckedBeforeAndAfterTheFirstStart(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	o := postgres.Options{URL: server.URL, Schema: server.Schema(t)}
	c, err := postgres.Check(t.Context(), o)
	if err != nil || c.Have != 0 || c.Known == 0 || c.Version == "" || c.Ahead.Abs() > time.Minute {
		t.Errorf("%+v, %v", c, err)
	}
	for _, place := range []string{"version", "schema", "rights", "server"} {
		if x, found := complaint(c, place); found {
			t.Errorf("%+v", x)
		}
	}
	if steps, err := postgres.Status(t.Context(), o); err != nil || !steps[0].Applied.IsZero() {
		t.Errorf("the check made something: %+v, %v", steps, err)
	}
	open(t, o)
	if c, err = postgres.Check(t.Context(), o); err != nil || c.Have != c.Known {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestACheckFindsWhatStopsAHub plants one fault at a time in a server of its own.
func TestACheckFindsWhatStopsAHub(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	do := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	do("CREATE ROLE guest LOGIN PASSWORD 'guest'")
	guest, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	guest.User = url.UserPassword("guest", "guest")
	for n, c := range []struct {
		name, place, says string
		stops             bool
		fault, mend       string
		guest             bool
		fresh             bool // before the first start
	}{
		{name: "a newer schema", place: "schema", says: "it has version 99", stops: true, fault: "INSERT INTO migration SELECT n, 'from the future', now() FROM generate_series((SELECT max(version) + 1 FROM migration), 99) n"},
		{name: "an older schema", place: "schema", says: "it lacks version", stops: true, fault: "DELETE FROM migration WHERE version = (SELECT max(version) FROM migration)"},
		{name: "units of another format", place: "schema", says: "this program reads", stops: true, fault: "UPDATE meta SET value = value + 1 WHERE key = 'format'"},
		{name: "no sync", place: "fsync", says: "a power cut takes", stops: true, fault: "ALTER SYSTEM SET fsync = off", mend: "ALTER SYSTEM RESET fsync"},
		{name: "torn pages", place: "full_page_writes", says: "a power cut in the middle", fault: "ALTER SYSTEM SET full_page_writes = off", mend: "ALTER SYSTEM RESET full_page_writes"},
		{name: "no vacuum", place: "autovacuum", says: "grow without end", fault: "ALTER SYSTEM SET autovacuum = off", mend: "ALTER SYSTEM RESET autovacuum"},
		{name: "read only", place: "default_transaction_read_only", says: "takes no writes", stops: true, fault: "ALTER ROLE guest SET default_transaction_read_only = on", mend: "ALTER ROLE guest RESET default_transaction_read_only", guest: true, fresh: true},
		{name: "no right to begin", place: "rights", says: "guest may not make the schema", stops: true, guest: true, fresh: true},
		{name: "no right to the schema", place: "rights", says: "guest may not make the schema", stops: true, guest: true},
		{name: "no right to write", place: "rights", says: "may not read and write", stops: true, fault: "GRANT USAGE ON SCHEMA %s TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA %[1]s TO guest", guest: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := postgres.Options{URL: server.URL, Schema: "check" + string(rune('a'+n))}
			if !c.fresh {
				s, err := postgres.Open(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				do("SET search_path = " + o.Schema)
			}
			do(strings.ReplaceAll(strings.ReplaceAll(c.fault, "%[1]s", o.Schema), "%s", o.Schema))
			if c.mend != "" {
				defer func() { do(c.mend); do("SELECT pg_reload_conf()") }()
			}
			do("SELECT pg_reload_conf()")
			if c.guest {
				o.URL = guest.String()
			}
			var got postgres.Checked
			var x postgres.Complaint
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for end, found := time.Now().Add(time.Minute), false; !found; <-tick.C { // a reload takes a moment
				var err error
				if got, err = postgres.Check(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				if x, found = complaint(got, c.place); !found && time.Now().After(end) {
					t.Fatalf("nothing is said of %s in %+v", c.place, got)
				}
			}
			if x.Stops != c.stops || !strings.Contains(x.Text, c.says) || x.Do == "" {
				t.Errorf("%+v, want stops %t and %q", x, c.stops, c.says)
			}
		})
	}
}

func TestAServerThatCannotBeAskedIsAnError(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	for name, c := range map[string]struct{ url, says string }{
		"nobody listens":          {"postgres://paklog@127.0.0.1:1/paklog?sslmode=disable", "the server does not answer"},
		"no such database":        {strings.Replace(server.URL, "/postgres?", "/nowhere?", 1), "createdb"},
		"an address that is none": {"postgres://%%%", "parse"},
	} {
		if _, err := postgres.Check(t.Context(), postgres.Options{URL: c.url}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
