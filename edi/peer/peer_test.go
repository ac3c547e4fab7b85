package peer_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/peer"
)

func TestEngineWithoutItsToolsSaysSoInOneLine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, name := range []string{"edireader", "staedi", "pyx12", "pydifact", "edifact"} {
		_, err := peer.Start(t.Context(), t.TempDir(), name)
		none := (*peer.Unavailable)(nil)
		if !errors.As(err, &none) || none.Engine != name || !strings.HasSuffix(none.Reason, " is not installed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownEngine(t *testing.T) {
	if e, err := peer.Start(t.Context(), t.TempDir(), "bizmate"); err == nil {
		t.Error("it was started", e.Close())
	} else if none := (*peer.Unavailable)(nil); errors.As(err, &none) {
		t.Error("a misspelt name is no missing engine:", err)
	}
}

func TestCacheIsWhereItIsSaidToBe(t *testing.T) {
	t.Setenv("PAKLOG_CACHE", "/elsewhere")
	if dir, err := peer.Cache(); err != nil || dir != "/elsewhere" {
		t.Error(dir, err)
	}
	t.Setenv("PAKLOG_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "/home/x/.cache")
	if dir, err := peer.Cache(); err != nil || dir != filepath.Join("/home/x/.cache", "paklog") {
		t.Error(dir, err)
	}
}
