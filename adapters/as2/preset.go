package as2

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/edi/as2"
)

// A Preset is what is known of a program that partners run their stations by. The zero value can everything.
type Preset struct {
	Title string
	// What it does not read or write, or not as the standards say.
	NoGCM, NoOAEP, NoCompressedAfter bool
	// NoMIC is what it returns of a message that is not signed: nothing (RFC 4130 7.3 owes it).
	NoMIC bool
	// Forgets says that it takes a message again that is sent again under its id.
	Forgets bool
}

// Presets by name. What live stations do was seen in versions that adapters/README.md names; the rest is what
// their documentation and source say.
var Presets = map[string]Preset{
	"openas2":   {Title: "OpenAS2", NoGCM: true, NoOAEP: true},
	"phax":      {Title: "phax as2-server", NoGCM: true},
	"camel":     {Title: "Apache Camel", NoGCM: true, Forgets: true},
	"pyas2":     {Title: "pyas2lib", NoGCM: true, NoOAEP: true, NoCompressedAfter: true, NoMIC: true},
	"mendelson": {Title: "mendelson AS2"},
}

// ParsePreset finds one; "" knows nothing of the program.
func ParsePreset(name string) (Preset, error) {
	p, known := Presets[name]
	if !known && name != "" {
		return p, fmt.Errorf("%q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(Presets)), ", "))
	}
	return p, nil
}

// check says what of a profile his program cannot do.
func (s Preset) check(p Profile, add func(bool, string, string, ...any)) {
	if s.NoGCM && p.Encrypt.Authenticated() {
		add(true, "encrypt", "%s reads no %s: aes256-cbc is the best that it does", s.Title, p.Encrypt)
	}
	if s.NoOAEP && p.OAEP != 0 && p.Encrypt != 0 {
		add(true, "oaep", "%s does not decrypt by RSAES-OAEP with SHA-256: set it to false", s.Title)
	}
	if s.NoCompressedAfter && p.Compress == as2.CompressAfterSign {
		add(true, "compress", "%s does not compress behind a signature: set it to before", s.Title)
	}
	if s.NoMIC && p.Sign == 0 && p.Receipt == ReceiptSigned {
		add(true, "sign", "%s returns no MIC of a message that is not signed, so that no receipt of its proves one and each is a letter: sign, or ask for an unsigned receipt", s.Title)
	}
	if s.Forgets {
		add(false, "preset", "%s knows no message by its id: one that goes again, for its receipt was lost, is taken by it twice. What is behind it must look for doubles", s.Title)
	}
}
