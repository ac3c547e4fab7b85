package as2

import (
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// What a partner's program cannot do is told, with the setting that it is about, and of the others nothing is.
func TestAPresetTellsWhatItsProgramCannotDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Profile)
		stops  map[string]string // of those programs, by the setting
	}{
		"the defaults":               {func(*Profile) {}, nil},
		"AES-GCM":                    {func(p *Profile) { p.Encrypt = cms.AES256GCM }, map[string]string{"camel": "encrypt", "openas2": "encrypt", "phax": "encrypt", "pyas2": "encrypt"}},
		"PSS":                        {func(p *Profile) { p.PSS = true }, nil},
		"PSS, and nothing signed":    {func(p *Profile) { p.PSS, p.Sign, p.Receipt = true, 0, ReceiptUnsigned }, nil},
		"OAEP":                       {func(p *Profile) { p.OAEP = crypto.SHA256 }, map[string]string{"openas2": "oaep", "pyas2": "oaep"}},
		"OAEP, nothing encrypted":    {func(p *Profile) { p.OAEP, p.Encrypt = crypto.SHA256, 0 }, nil},
		"compressed first":           {func(p *Profile) { p.Compress = as2.CompressBeforeSign }, nil},
		"compressed last":            {func(p *Profile) { p.Compress = as2.CompressAfterSign }, map[string]string{"pyas2": "compress"}},
		"a MIC of what nobody signs": {func(p *Profile) { p.Sign = 0 }, map[string]string{"pyas2": "sign"}},
		"nothing is sent to him":     {func(p *Profile) { p.URL, p.Encrypt = "", cms.AES256GCM }, nil},
	} {
		for station, preset := range Presets {
			p := Profile{URL: "https://x/", Sign: crypto.SHA256, Encrypt: cms.AES256CBC, Receipt: ReceiptSigned, RequireSigned: true, Preset: preset}
			c.change(&p)
			var stops []string
			for _, x := range p.Check(nil, time.Now()) {
				if x.Stops && strings.Contains(x.Text, preset.Title) {
					stops = append(stops, x.Place)
				}
			}
			if got := strings.Join(stops, " "); got != c.stops[station] {
				t.Errorf("%s, %s: stopped by %q, want %q", station, name, got, c.stops[station])
			}
		}
	}
}

func TestAPresetThatNobodyKnows(t *testing.T) {
	t.Parallel()
	if _, err := ParsePreset("sterling"); err == nil || !strings.Contains(err.Error(), "camel, mendelson, openas2, phax, pyas2") {
		t.Errorf("%v", err)
	}
	if p, err := ParsePreset(""); err != nil || p != (Preset{}) {
		t.Errorf("none is %v, %v", p, err)
	}
}
