package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/paklog/hub/adapters/postgres/pglocal"
	"github.com/paklog/hub/configs"
)

// onPostgres is the demonstration with its journal in a new schema of the database that
// PAKLOG_POSTGRES_URL names, or of a server that is started for it.
func (d *demo) onPostgres(ctx context.Context) (end error) {
	d.db = defaults().Postgres
	d.db.Schema = fmt.Sprintf("paklog_demo_%d", time.Now().Unix())
	url := os.Getenv("PAKLOG_POSTGRES_URL")
	if url == "" {
		server, err := pglocal.Start(ctx)
		if err != nil {
			return fmt.Errorf("starting PostgreSQL (or name one in PAKLOG_POSTGRES_URL): %w", err)
		}
		defer func() { end = errors.Join(end, server.Close()) }()
		url = server.URL
	}
	d.db.URL = configs.NewSecret(url)
	d.say("the journal is in schema %s of a PostgreSQL", d.db.Schema)
	return d.run(ctx)
}
