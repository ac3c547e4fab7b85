package postgres

import "context"

// Setting is one of the session that writes.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.write.conn.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value)
	return value, err
}

// Session are the settings of a connection.
func Session(o Options, name string) (map[string]string, error) {
	return o.withDefaults().session(name)
}

// Schema is where the journal is.
func (s *Store) Schema() string { return s.opts.Schema }
