package as2

import (
	"context"
	"io"
	"strings"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/edi/as2"
)

// settle takes a receipt that came by itself. Its sender learns that it is here; nothing that is wrong
// with it would be mended by sending it again.
func (in *incoming) settle(ctx context.Context, got *as2.Received, problem *as2.Problem) error {
	id := got.MDN.OriginalMessageID
	note := func(why string) {
		in.cfg.Log.Warn("a receipt is not believed", "partner", in.partner, "msg_id", id, "why", why)
	}
	if problem != nil {
		note(problem.Error())
		return nil
	}
	// Some leave out the brackets that ours have.
	id = "<" + strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(id), "<"), ">") + ">"
	v, err := in.hub.Call(ctx, door.Stations, door.Awaiting{Partner: in.partner, MessageID: id})
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(io.LimitReader(in.body.content(), maxReceipt+1))
	if err != nil {
		return err
	}
	if len(raw) > maxReceipt {
		note("it is too long")
		return nil
	}
	s := door.Settlement{Partner: in.partner, MessageID: id, Proof: door.Proof{At: in.now, Receipt: &door.Receipt{Headers: in.header, Body: raw}}}
	if sent := v.(door.Sent); sent.MessageID != "" {
		out, reason, signer := Judge(sent, in.header, got)
		s.Outcome, s.Reason, s.Signer = string(out), reason, signer
		if sent.Signed && signer == nil {
			// Anybody can write one: neither a yes nor a no of his ends the wait.
			note("it has no signature, and one was asked for")
			return nil
		}
	} else if c := got.Signer(); c != nil {
		s.Outcome, s.Signer = string(as2.Foreign), c.Raw
	} else {
		note("nothing waits for it, and it is not signed")
		return nil
	}
	_, err = in.hub.Call(ctx, door.Stations, s)
	return err
}
