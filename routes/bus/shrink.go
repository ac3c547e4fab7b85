package bus

import "context"

// Shrink gives back the memory that is only kept to be fast: states of streams, rows, the end of
// the log, and what the driver keeps. It is for a hub at rest.
func (b *Bus) Shrink(ctx context.Context) error {
	b.mu.Lock()
	b.work.heads.forget()
	b.work.balances.forget()
	b.work.rows.forget()
	b.mu.Unlock()
	b.tail.forget()
	if d, ok := b.driver.(interface {
		Shrink(ctx context.Context) error
	}); ok {
		return d.Shrink(ctx)
	}
	return nil
}
