package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paklog/hub/configs"
)

// TestBadConfigurations reads each file of testdata/config/bad. Its first lines say what must
// be told of it: "# want: LINE: the rest of the message".
func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/config/bad/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("found %d bad files (%v)", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			t.Parallel()
			_, err := configs.Loader{}.Load(path, defaults())
			if err == nil {
				t.Fatal("was read without a problem")
			}
			said := strings.Split(err.Error(), "\n")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(text)) {
				if w, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, path+":"+strings.TrimSpace(w))
				}
			}
			if !slices.Equal(said, want) {
				t.Errorf("said\n  %s\nwant\n  %s", strings.Join(said, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}
