package eip

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// longest is the longest part of a name that a message may bring along; what is longer,
// or holds a NUL, is named by its hash, which no partner can aim at another's.
const longest = 200

// MaxState is the longest state in bytes: it is read and written with every message of its
// key. What would make it longer is rejected.
const MaxState = 1 << 20

// safe is a key from a message as part of a stored name.
func safe(key string) string {
	if len(key) <= longest && strings.IndexByte(key, 0) < 0 && !strings.HasPrefix(key, "sha256:") {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// stateKey is the key of a step's state.
func (in In) stateKey(step, key string) string {
	return "eip/" + in.Route + "/" + step + "/" + safe(key)
}

// load reads a step's state; there is false where it has none.
func load[S any](ctx context.Context, in In, step, key string) (s S, old journal.State, there bool, err error) {
	if old, err = in.State(ctx, in.stateKey(step, key)); err != nil || old.Data == nil {
		return s, old, false, err
	}
	if err := json.Unmarshal(old.Data, &s); err != nil {
		return s, old, false, fault.E(in.Route, fault.Internal, fmt.Errorf("reading state of %s %q: %w", step, key, err))
	}
	return s, old, true, nil
}

// save writes a step's state that was read as old, in the unit that o decides. Whoever
// read the same and was slower is refused and runs again.
func save[O Out[O]](o O, in In, step, key string, old journal.State, s any) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fault.E(in.Route, fault.Internal, fmt.Errorf("writing state of %s %q: %w", step, key, err))
	}
	if len(b) > MaxState {
		return in.rejected("state of %s %q would hold %d bytes, %d at most", step, key, len(b), MaxState)
	}
	put(o, in, step, key, old, b)
	return nil
}

// put is save of bytes; nil deletes.
func put[O Out[O]](o O, in In, step, key string, old journal.State, b []byte) {
	u := o.Decision()
	u.States = append(u.States, journal.StateOp{Key: in.stateKey(step, key), Tag: old.Tag, Data: b})
}

// rejected and invalid are the two ways in which a pattern says no.
func (in In) rejected(format string, args ...any) error {
	return fault.E(in.Route, fault.Rejected, fmt.Errorf(format, args...))
}

func (in In) invalid(format string, args ...any) error {
	return fault.E(in.Route, fault.Invalid, fmt.Errorf(format, args...))
}
