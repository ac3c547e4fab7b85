package routes

import (
	"context"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill"
)

// slogAdapter lets Watermill's router write to our log: quiet when healthy.
type slogAdapter struct{ log *slog.Logger }

func (a slogAdapter) Error(msg string, err error, f watermill.LogFields) {
	a.log.Error(msg, append(args(f), "err", err)...) //nolint:sloglint // the words are Watermill's
}
func (a slogAdapter) Info(msg string, f watermill.LogFields)  { a.debug(msg, f) }
func (a slogAdapter) Debug(msg string, f watermill.LogFields) { a.debug(msg, f) }
func (a slogAdapter) Trace(string, watermill.LogFields)       {}

func (a slogAdapter) debug(msg string, f watermill.LogFields) {
	if a.log.Enabled(context.Background(), slog.LevelDebug) {
		a.log.Debug(msg, args(f)...) //nolint:sloglint // the words are Watermill's
	}
}

func (a slogAdapter) With(f watermill.LogFields) watermill.LoggerAdapter {
	return slogAdapter{a.log.With(args(f)...)}
}

func args(f watermill.LogFields) []any {
	out := make([]any, 0, 2*len(f))
	for k, v := range f {
		out = append(out, k, v)
	}
	return out
}
