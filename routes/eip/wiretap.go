package eip

import "context"

// WireTap sends a copy of every message that the handler took, its timers aside, to a topic. The copy is in the
// handler's own unit; who listens there fails alone.
func WireTap[M Message[O], O Out[O]](to string, then Handler[M, O]) Handler[M, O] {
	return func(ctx context.Context, m M) (O, error) {
		o, err := then(ctx, m)
		in := m.In()
		if err != nil || in.timed() {
			return o, err
		}
		in.Ran.Note(NameWireTap)
		c := Copy(in.Record, to)
		c.ID = in.ID.Child(in.Route, "wire tap/"+to, 0)
		return begun(m, o).Send(c), nil
	}
}
