package configs_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/configs"
)

type shared struct {
	Region string `config:"region"`
}

// fussy is a secret of another package, which quotes what it refuses.
type fussy struct{ text string }

func (f *fussy) Reveal() string { return f.text }
func (f *fussy) UnmarshalText(text []byte) error {
	if len(text) < 8 {
		return errors.New("too short: " + string(text))
	}
	f.text = string(text)
	return nil
}

type shapes struct {
	shared
	AS2URL string                   `doc:"Has no config tag."`
	Tries  *int                     `config:"tries"`
	Waits  []time.Duration          `config:"waits"`
	Rates  map[string]int           `config:"rates"`
	Quota  uint32                   `config:"quota,bytes"`
	Net    netip.Prefix             `config:"net"`
	Zones  map[string]*shared       `config:"zones"`
	Limits map[string]time.Duration `config:"limits"`
	Key    fussy                    `config:"key"`
}

func TestEveryShapeOfField(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "paklog.yaml", `
region: north
as2_url: "https://as2.example"
tries: 3
waits: [1s, 2m]
rates: {ups: 10, fedex: 20}
quota: 4 GiB
net: 10.0.0.0/8
zones:
  a: {region: east}
limits: {x: 1d}
`)
	env := []string{"PAKLOG_RATES_UPS=11", "PAKLOG_WAITS=5s,6s,7s", "PAKLOG_ZONES_A_REGION=west", "PAKLOG_QUOTA=1 kB", "PAKLOG_TRIES=4", "PAKLOG_REGION=south"}
	var got shapes
	got.Rates = map[string]int{"usps": 5, "ups": 1}
	applied, err := configs.Loader{Env: env}.Load(path, &got)
	want := `quota: want a size with its unit, as 64 KiB, got "4 GiB": too large or too small`
	if err == nil || err.Error() != path+":7: "+want {
		t.Errorf("said %v, want %s", err, want)
	}
	var out strings.Builder
	for _, s := range applied.Settings() {
		out.WriteString(s.Key + "=" + s.Value + " ")
	}
	all := "region=south as2_url=https://as2.example tries=4 waits[0]=5s waits[1]=6s waits[2]=7s rates.fedex=20 rates.ups=11 rates.usps=5 " +
		"quota=1000 B net=10.0.0.0/8 zones.a.region=west limits.x=1d key= "
	if out.String() != all {
		t.Errorf("in force\n%s\nwant\n%s", out.String(), all)
	}
}

func TestASecretRefusedByItsTypeIsNotRepeated(t *testing.T) {
	t.Parallel()
	var got shapes
	_, err := configs.Loader{Env: []string{"PAKLOG_KEY=hunter2"}}.Load("", &got)
	if err == nil || err.Error() != "env PAKLOG_KEY: key: the secret was refused by its type" {
		t.Errorf("said %v", err)
	}
}

func TestTemplateOfEveryShape(t *testing.T) {
	t.Parallel()
	tries := 3
	target := shapes{Tries: &tries, Rates: map[string]int{"ups": 1}, Quota: 1500, Waits: []time.Duration{90 * time.Second}}
	var text strings.Builder
	if err := configs.Template(&text, &target, "HUB"); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`#region: ""`, "# Has no config tag.\n#as2_url: \"\"", "#tries: 3", "#waits: [1m30s]", "#rates: {ups: 1}",
		"#quota: 1500 B", "#limits: {}", "zones:", "  #name:\n    #region: \"\"", "key: ${HUB_KEY}", "#key_file: secrets/key",
	} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("does not hold %q:\n%s", line, text.String())
		}
	}
}
