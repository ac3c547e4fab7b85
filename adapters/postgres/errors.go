package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avast/retry-go/v4"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/paklog/hub/core/journal"
)

// SQLSTATE codes, PostgreSQL documentation, appendix A.
const (
	codeDiskFull         = "53100"
	codeTooManyConns     = "53300"
	codeSerialization    = "40001"
	codeDeadlock         = "40P01"
	codeLockTimeout      = "55P03"
	codeCannotConnectNow = "57P03"
	codeBadPassword      = "28P01"
	codeBadRole          = "28000"
	codeNoDatabase       = "3D000"
	codeNoSchema         = "3F000"
	codeNoPrivilege      = "42501"
	codeNoTable          = "42P01"
	codeReadOnly         = "25006"
)

// answered is what the server said, and false where the connection was lost instead: a session that
// the server ends says so too, but not what became of its transaction.
func answered(err error) (*pgconn.PgError, bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || e.SeverityUnlocalized != "ERROR" {
		return nil, false
	}
	return e, true
}

// errConn marks an error that came with the loss of its connection.
var errConn = errors.New("the connection to PostgreSQL was lost")

// onConn marks err where conn is lost with it.
func onConn(conn *pgx.Conn, err error) error {
	if err != nil && conn.IsClosed() {
		return fmt.Errorf("%w: %w", errConn, err)
	}
	return err
}

// passing reports whether the same may be tried again: the server is away, or others were in the
// way. A server that takes no writes was a primary until it failed over.
func passing(err error) bool {
	if errors.Is(err, journal.ErrLocked) || errors.Is(err, journal.ErrBroken) {
		return false
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case codeBadPassword, codeBadRole, codeNoDatabase:
			return false
		case codeSerialization, codeDeadlock, codeLockTimeout, codeCannotConnectNow, codeTooManyConns, codeReadOnly:
			return true
		}
	}
	var dial *pgconn.ConnectError
	return errors.Is(err, errConn) || errors.As(err, &dial)
}

// patiently runs f again while it fails in passing and the patience lasts.
func patiently(ctx context.Context, patience time.Duration, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return retry.Do(f, retry.Context(ctx), retry.Attempts(0), retry.Delay(20*time.Millisecond), retry.MaxDelay(time.Second),
		retry.MaxJitter(20*time.Millisecond), retry.LastErrorOnly(true), retry.WrapContextErrorWithLastError(true), retry.RetryIf(passing))
}

// advice adds what to do to an error of opening.
func advice(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case codeBadPassword, codeBadRole:
			return fmt.Errorf("the server does not let us in: see user and password in postgres.url, and pg_hba.conf: %w", err)
		case codeNoDatabase:
			return fmt.Errorf("there is no such database: make it (createdb), or name another in postgres.url: %w", err)
		case codeNoPrivilege:
			return fmt.Errorf("the user may not do this: let the user own the schema, or GRANT CREATE ON DATABASE: %w", err)
		case codeDiskFull:
			return fmt.Errorf("%w: make room on the server's disk: %w", journal.ErrFull, err)
		}
		return err
	}
	var dial *pgconn.ConnectError
	if errors.As(err, &dial) {
		return fmt.Errorf("the server does not answer: is it running, and is its address in postgres.url right? %w", err)
	}
	return err
}
