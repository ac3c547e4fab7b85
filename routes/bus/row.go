package bus

import (
	"context"

	"github.com/ThreeDotsLabs/watermill/message"
)

// A goroutine of the router handles this many messages of a subscription before it ends.
const maxRow = 64

// maxIdle is how many goroutines of a door wait for its next call.
const maxIdle = 8

// Row is a middleware around all others: a goroutine that is done with its message goes on with
// the next one of its subscriber, and spares it the way through the router, which makes a
// goroutine for each message, with a stack that grows anew, and hands it over four times.
// Subscriptions go on with what waits; of a door a few goroutines stay and wait. A router that
// hosts a [Door] needs it: it is what gives calls their callers' contexts.
func Row(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) (out []*message.Message, err error) {
		ctx := m.Context()
		call, _ := ctx.Value(doorKey{}).(*doorCtx)
		if call == nil {
			out, err = next(m)
			for n := 1; n < maxRow && err == nil && another(ctx, m); n++ {
				out, err = next(m)
			}
			return out, err
		}
		r := call.r
		call.r = nil // or this goroutine would hold the first call as long as it lives
		handled := false
		defer func() {
			if !handled {
				m.Nack() // the router knows the row's first message only
			}
		}()
		for {
			m.SetContext(&callCtx{r.caller, ctx, r})
			if out, err = next(m); err != nil {
				return out, err
			}
			if m, r = call.another(); m == nil {
				handled = true
				return out, nil
			}
		}
	}
}

// another lets m, a message of a managed subscriber whose handler is done, carry the next one
// that waits for a handler of the same subscription, under ctx: what m's context was before
// its handler. It is false where none waits, or the subscriber closes.
func another(ctx context.Context, m *message.Message) bool {
	c := carried(ctx)
	if c == nil {
		return false
	}
	select {
	case <-c.ends:
		return false
	default:
	}
	select {
	case d, ok := <-c.d.sub.out:
		if !ok {
			return false
		}
		m.UUID, m.Payload = d.Record.ID.String(), d.Record.Data
		clear(m.Metadata)
		m.SetContext(&messageCtx{ctx, d, c.ends})
		return true
	default:
		return false
	}
}

// another waits for the door's next call. It is nil where enough others wait already, or the
// door closes.
func (c *doorCtx) another() (*message.Message, *Request) {
	d := c.door
	defer d.idle.Add(-1)
	if d.idle.Add(1) > maxIdle {
		return nil, nil
	}
	select {
	case <-d.quit:
		return nil, nil
	case <-c.ends:
		return nil, nil
	default:
	}
	select {
	case m := <-d.ch:
		return m, RequestOf(m)
	case <-d.quit:
	case <-c.ends:
	}
	return nil, nil
}
