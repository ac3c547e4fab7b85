package as2

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/edi/as2"
)

// unnamed reports that what came is a receipt that says neither whose nor for whom it is: Camel's come so.
func (in *incoming) unnamed() bool {
	kind, _, _ := strings.Cut(in.header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return len(in.header.Values("As2-From")) == 0 && len(in.header.Values("As2-To")) == 0 && (kind == "multipart/report" || kind == "multipart/signed")
}

// takeUnnamed takes such a receipt for the partner whose receipt for that message is waited for.
func (in *incoming) takeUnnamed(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxReceipt)
	in.spooled(w, r, func() {
		got, err := as2.Read(in.header, in.body.content(), as2.Reading{Size: in.body.size}) // who signed it is not known yet
		if got == nil || got.MDN == nil {
			in.cfg.Log.Warn("a message without AS2 names is not taken", "remote", r.RemoteAddr, "err", err)
			refuse(w, http.StatusBadRequest, "no AS2 message: no headers As2-From and As2-To, and no receipt")
			return
		}
		for _, name := range slices.Sorted(maps.Keys(in.cfg.Partners)) {
			v, err := in.hub.Call(r.Context(), door.Stations, door.Awaiting{Partner: name, MessageID: original(got.MDN)})
			if err != nil {
				busy(w)
				return
			}
			if v.(door.Sent).MessageID != "" {
				in.partner, in.profile = name, in.cfg.Partners[name]
				if in.admitted(w, r) {
					in.reply(w, r)
				}
				return
			}
		}
		in.cfg.Log.Warn("a receipt without AS2 names is of no message that waits for one", "msg_id", got.MDN.OriginalMessageID, "remote", r.RemoteAddr)
		refuse(w, http.StatusForbidden, as2.UnknownTradingRelationship)
	})
}

// original is the message that a receipt is of. Some leave out the brackets that ours have.
func original(m *as2.MDN) string {
	return "<" + strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(m.OriginalMessageID), "<"), ">") + ">"
}

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
	id = original(got.MDN)
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
