package postgres

// Session are the settings of a connection.
func Session(o Options, name string) (map[string]string, error) {
	return o.withDefaults().session(name)
}

// Schema is where the journal is.
func (s *Store) Schema() string { return s.opts.Schema }
