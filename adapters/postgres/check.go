package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/core/journal"
)

// A Complaint is one thing that does not fit, in words for a person.
type Complaint struct {
	// Stops says that no hub works on it so; else it may cost time or safety.
	Stops bool
	Place string // "version", "schema", "rights", a setting of the server
	Text  string
	Do    string // what to do about it
}

// Checked is what [Check] saw of a server.
type Checked struct {
	Version    string // as "15.14"
	Have       int    // version of the journal's schema; 0: none was made yet
	Known      int    // the newest that this program knows
	Ahead      time.Duration
	Origin     *Origin // where the journal came from, nil where it began here
	Complaints []Complaint
}

// leastVersion is that of the server: the suite runs on 15.
const leastVersion = 150000

// Check looks at a server and the journal's schema in it, and changes nothing. The error is that of a
// server that cannot be asked.
func Check(ctx context.Context, o Options) (c Checked, err error) {
	o = o.withDefaults()
	known, err := migrations()
	if err != nil {
		return c, err
	}
	c.Known = len(known)
	cfg, err := o.conn("paklog doctor")
	if err != nil {
		return c, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return c, advice(err)
	}
	defer func() { err = errors.Join(advice(err), conn.Close(context.WithoutCancel(ctx))) }()

	began := time.Now()
	var at time.Time
	if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at); err != nil {
		return c, err
	}
	c.Ahead = at.Sub(began.Add(time.Since(began) / 2))

	set, err := settings(ctx, conn)
	if err != nil {
		return c, err
	}
	c.Version = set["server_version"]
	c.Complaints = append(c.Complaints, set.complaints(o)...)
	if _, secure := conn.PgConn().Conn().(*tls.Conn); !secure && remote(conn.PgConn().Conn().RemoteAddr()) {
		c.complain(false, "tls", "the connection is not encrypted: whoever is on the way reads the journal", "set sslmode=verify-full in postgres.url")
	}

	have, fresh, err := applied(ctx, conn, known)
	if err != nil {
		return c, err
	}
	if fresh {
		return c, c.mayBegin(ctx, conn, o.Schema)
	}
	if err := c.schema(ctx, conn, have, known); err != nil {
		return c, err
	}
	if err := c.moved(ctx, conn, len(known)); err != nil {
		return c, err
	}
	return c, c.rights(ctx, conn, o.Schema)
}

func (c *Checked) complain(stops bool, place, text, do string) {
	c.Complaints = append(c.Complaints, Complaint{stops, place, text, do})
}

// remote reports whether an address is on another machine.
func remote(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && !t.IP.IsLoopback()
}

// mayBegin looks at what the first start needs.
func (c *Checked) mayBegin(ctx context.Context, conn *pgx.Conn, schema string) error {
	var user, database string
	var may bool
	if err := conn.QueryRow(ctx, `SELECT current_user::text, current_database()::text,
		coalesce((SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1), has_database_privilege(current_database(), 'CREATE'))`,
		schema).Scan(&user, &database, &may); err != nil {
		return err
	}
	if !may {
		c.complain(true, "rights", fmt.Sprintf("%s may not make the schema %s and its tables in database %s", user, schema, database),
			fmt.Sprintf("let %s own the schema, or, where there is none: GRANT CREATE ON DATABASE %s TO %s", user, pgx.Identifier{database}.Sanitize(), pgx.Identifier{user}.Sanitize()))
	}
	return nil
}

// schema compares what the database has with what this program knows.
func (c *Checked) schema(ctx context.Context, conn *pgx.Conn, have, known []Migration) error {
	for _, m := range have {
		if !m.Applied.IsZero() {
			c.Have = m.Version
		}
	}
	if len(have) > len(known) {
		c.complain(true, "schema", fmt.Sprintf("it has version %d and this program knows %d", len(have), len(known)), "run the newer program")
		return nil
	}
	for _, m := range have {
		if m.Applied.IsZero() {
			c.complain(true, "schema", fmt.Sprintf("it lacks version %d (%s)", m.Version, m.Name), "back up the database, then paklog migrate up")
			return nil
		}
	}
	var format int
	if err := conn.QueryRow(ctx, "SELECT value FROM meta WHERE key = 'format'").Scan(&format); err != nil {
		return err
	}
	if format != journal.Format {
		c.complain(true, "schema", fmt.Sprintf("its units have format %d and this program reads %d", format, journal.Format), "run the program that wrote them")
	}
	return nil
}

// moved looks at whether the journal is here at all.
func (c *Checked) moved(ctx context.Context, conn *pgx.Conn, known int) error {
	if c.Have < known {
		return nil // which is complained of
	}
	o, err := origin(ctx, conn)
	if err != nil || o == nil {
		return err
	}
	c.Origin = o
	if why := o.away(); why != nil {
		c.complain(true, "journal", why.Error(), "do as it says")
	}
	return nil
}

// rights names the tables that the user may not work on.
func (c *Checked) rights(ctx context.Context, conn *pgx.Conn, schema string) error {
	rows, _ := conn.Query(ctx, `SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT (has_table_privilege(c.oid, 'SELECT')
			AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
		ORDER BY 1`, schema) // CollectRows returns the error
	barred, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(barred) == 0 {
		return err
	}
	c.complain(true, "rights", "the user may not read and write "+strings.Join(barred, ", "),
		fmt.Sprintf("let the user own the schema, or GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO it", schema))
	return nil
}

// serverSettings are those of a server, by name, as current_setting tells them.
type serverSettings map[string]string

func settings(ctx context.Context, conn *pgx.Conn) (serverSettings, error) {
	rows, _ := conn.Query(ctx, `SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'server_version_num', 'server_encoding',
		'fsync', 'full_page_writes', 'zero_damaged_pages', 'ignore_checksum_failure', 'default_transaction_read_only', 'transaction_read_only', 'max_connections',
		'superuser_reserved_connections', 'synchronous_commit', 'max_wal_size', 'autovacuum')
		UNION ALL SELECT 'in_recovery', pg_is_in_recovery()::text`) // ForEachRow returns the error
	out := serverSettings{}
	var name, value string
	_, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error { out[name] = value; return nil })
	return out, err
}

func (s serverSettings) number(name string) int {
	n := 0
	_, _ = fmt.Sscan(s[name], &n) // what the server does not tell is 0, and nothing is said of it
	return n
}

// complaints are what of a server's settings stops a hub, or hurts it.
func (s serverSettings) complaints(o Options) (out []Complaint) {
	add := func(stops bool, place, text, do string) { out = append(out, Complaint{stops, place, text, do}) }
	if n := s.number("server_version_num"); n < leastVersion {
		add(true, "version", fmt.Sprintf("the server is PostgreSQL %s, and 15 is the oldest that is tested", s["server_version"]), "upgrade the server (pg_upgrade)")
	}
	if s["in_recovery"] == "true" {
		add(true, "server", "it is a standby, and takes no writes", "name the primary in postgres.url, or several hosts and target_session_attrs=read-write")
	} else if s["default_transaction_read_only"] == "on" {
		add(true, "default_transaction_read_only", "the server, database or user takes no writes", "set default_transaction_read_only = off")
	}
	if s["fsync"] == "off" {
		add(true, "fsync", "a power cut takes what was answered", "set fsync = on")
	}
	if s["full_page_writes"] == "off" {
		add(false, "full_page_writes", "a power cut in the middle of a page may damage the database", "set full_page_writes = on, unless the disk writes 8 kB whole or not at all")
	}
	for _, name := range []string{"zero_damaged_pages", "ignore_checksum_failure"} {
		if s[name] == "on" {
			add(false, name, "what is damaged is read as if it were not", "set "+name+" = off")
		}
	}
	if s["autovacuum"] == "off" {
		add(false, "autovacuum", "checkpoints and balances are written again and again: their tables grow without end", "set autovacuum = on")
	}
	if e := s["server_encoding"]; e != "" && e != "UTF8" {
		add(false, "server_encoding", "the database is in "+e+": names beyond it are refused", "make the database with ENCODING 'UTF8'")
	}
	// The writer, one that listens and the commands beside the readers.
	const others = 4
	if n := s.number("max_connections") - s.number("superuser_reserved_connections"); s["max_connections"] != "" && n < o.Readers+others {
		add(false, "max_connections", fmt.Sprintf("the server has %d connections for everybody, and a hub takes %d", n, o.Readers+others), "raise max_connections, or lower postgres.readers")
	}
	const leastWAL = 512 // MB
	if n := s.number("max_wal_size"); s["max_wal_size"] != "" && n < leastWAL {
		add(false, "max_wal_size", fmt.Sprintf("at %d MB the server writes checkpoints all the time under load", n), "set max_wal_size = 4GB")
	}
	return out
}
