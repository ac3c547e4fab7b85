package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/paklog/hub/configs"
)

const reference = "../../configs/paklog.yaml"

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

// TestReferenceConfiguration holds configs/paklog.yaml to what it says of itself: as it
// stands it is the default with one partner and needs no secret, and each line that is
// commented out is a setting with its default.
func TestReferenceConfiguration(t *testing.T) {
	t.Parallel()
	want := defaults()
	acme := PartnerConfig{}
	acme.SetDefaults()
	acme.ID, acme.Owner = "ACME", "ACME"
	want.EDI.Partners = map[string]PartnerConfig{"ACME": acme}

	got := defaults()
	if _, err := (configs.Loader{}).Load(reference, got); err != nil {
		t.Fatal(err)
	}
	if text, other := explained(t, got), explained(t, want); text != other {
		t.Errorf("as it stands it says\n%s\nwant\n%s", text, other)
	}

	path := uncommented(t)
	got = defaults()
	if _, err := (configs.Loader{}).Load(path, got); err != nil {
		t.Fatalf("with the marks taken off: %v", err)
	}
	spoken := got.EDI.Partners["ACME"]
	if shop := got.Webhooks["shop"]; spoken.SFTP.Key.Reveal() == "" || spoken.SFTP.Password.Reveal() == "" || spoken.Login.Password.Reveal() == "" || got.SFTP.Key.Reveal() == "" || len(got.HTTP.Keys) != 1 || shop.Secret.Reveal() == "" || shop.OldSecret.Reveal() == "" || got.Carriers.UPS.ClientSecret.Reveal() == "" || got.Carriers.FedEx.ClientSecret.Reveal() == "" || got.Carriers.USPS.ClientSecret.Reveal() == "" {
		t.Error("a secret that it shows was not read")
	}
	if shop := got.Shops["main"]; len(got.Shops) != 1 || shop.ClientSecret.Reveal() == "" || shop.OldSecret.Reveal() == "" || len(shop.Locations) != 1 || shop.Services["Express"].Carrier != "ups" {
		t.Errorf("the shop that it shows is read as %+v", got.Shops)
	}
	if erp := got.ERPs["main"]; len(got.ERPs) != 1 || erp.Password.Reveal() == "" || erp.Numbers == "" {
		t.Errorf("the ERP that it shows is read as %+v", got.ERPs)
	}
	if len(got.AS2.Certificates) != 1 || len(spoken.AS2.Certificates) != 1 || spoken.AS2.Password.Reveal() == "" || spoken.AS2.CA.Reveal() == "" {
		t.Error("a certificate that it shows was not read")
	}
	if door, client := spoken.AS2.Door, spoken.AS2.TLS; door.Password.Reveal() == "" || door.CA.Reveal() == "" || client.Certificate.Reveal() == "" || client.PrivateKey.Reveal() == "" {
		t.Error("a secret of a door that it shows was not read")
	}
	spoken.AS2.Door, spoken.AS2.TLS = AS2DoorConfig{}, AS2ClientTLSConfig{}
	if len(got.PGP.Keys) != 1 || got.PGP.Keys[0].Passphrase.Reveal() == "" || len(spoken.PGP.Keys) != 1 || spoken.FTPS.Password.Reveal() == "" || spoken.FTPS.CA.Reveal() == "" {
		t.Error("a key of OpenPGP or for an FTP server that it shows was not read")
	}
	got.PGP.Keys, spoken.PGP.Keys, spoken.FTPS.Password, spoken.FTPS.CA = nil, nil, configs.Secret{}, configs.Secret{}
	got.AS2.Certificates, spoken.AS2.Certificates, spoken.AS2.Password, spoken.AS2.CA = nil, nil, configs.Secret{}, configs.Secret{}
	spoken.SFTP.Key, spoken.SFTP.Password, spoken.Login.Password, got.SFTP.Key = configs.Secret{}, configs.Secret{}, configs.Secret{}, configs.Secret{}
	spoken.Batches = nil
	got.EDI.Partners["ACME"] = spoken
	if kim := got.HTTP.Users["kim"]; kim.PasswordHash.Reveal() == "" {
		t.Error("the hash of a password that it shows was not read")
	}
	got.HTTP.Users = nil
	got.HTTP.Keys, got.Webhooks, got.Shops, got.ERPs, got.Warehouse.Waves, got.Warehouse.Shifts, got.Printers, got.Notifications = nil, nil, nil, nil, nil, nil, nil, NotificationsConfig{}
	if got.Kafka.SASL.Password.Reveal() == "" {
		t.Error("the password for Kafka that it shows was not read")
	}
	if web := got.Kafka.Flows["web"]; len(got.Kafka.Flows) != 1 || web.To["store"] != "store-lines" || web.Fields["lot"] != ".lot?" {
		t.Errorf("the flow that it shows is read as %+v", got.Kafka.Flows)
	}
	got.Kafka.Flows = nil
	if got.S3.SecretKey.Reveal() == "" {
		t.Error("the key of a bucket that it shows was not read")
	}
	if got.RabbitMQ.URL.Reveal() == "" {
		t.Error("the URL of RabbitMQ that it shows was not read")
	}
	got.RabbitMQ.URL = configs.Secret{}
	got.Postgres.URL, got.Kafka.SASL.Password, got.S3.SecretKey = configs.Secret{}, configs.Secret{}, configs.Secret{}
	got.Carriers.UPS.ClientSecret, got.Carriers.FedEx.ClientSecret, got.Carriers.USPS.ClientSecret = configs.Secret{}, configs.Secret{}, configs.Secret{}
	if text, other := explained(t, got), explained(t, want); text != other {
		t.Errorf("it shows\n%s\nthe defaults are\n%s", text, other)
	}

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var shown yaml.Node
	if err := yaml.Unmarshal(text, &shown); err != nil {
		t.Fatal(err)
	}
	for _, key := range missing(shown.Content[0], reflect.TypeFor[Config](), "") {
		t.Errorf("%s does not stand in it", key)
	}
}

// TestReferenceConfigurationRuns starts a hub on it, in a folder of its own.
func TestReferenceConfigurationRuns(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	text = append([]byte("data: "+s.data+"\n"), text...)
	text = bytes.Replace(text, []byte("http:\n"), []byte("http:\n  listen: 127.0.0.1:0\n"), 1)
	if err := os.WriteFile(s.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("config", "check")
	stop := s.serve()
	if out := s.must("routes"); !strings.Contains(lineOf(out, "out.edi.ACME"), "running") {
		t.Errorf("routes:\n%s", out)
	}
	stop()
	if _, err := os.Stat(filepath.Join(s.data, "partners", "ACME", "inbox")); err != nil {
		t.Error(err)
	}
}

var marked = regexp.MustCompile(`(?m)^( *)#([a-z0-9_]+:|- )`)

// uncommented is the reference with its settings switched on, beside the secrets it names.
func uncommented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, folder := range []string{"secrets", "certs"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	own := validPair(t, "reference")
	ownPGP, _ := pgpPair(t, "paklog")
	_, theirPGP := pgpPair(t, "acme")
	for _, m := range regexp.MustCompile(`_file: (.+)`).FindAllSubmatch(text, -1) {
		name, secret := string(m[1]), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
		switch filepath.Ext(name) {
		case ".url":
			secret = "amqp://hub:secret@rabbit.example/\n"
		case ".crt":
			secret = own.Certificate
		case ".key":
			secret = own.Key
		case ".asc":
			if secret = theirPGP; strings.Contains(name, "paklog") {
				secret = ownPGP
			}
		}
		if strings.HasSuffix(name, ".hash") {
			secret = phraseHash(t)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "paklog.yaml")
	if err := os.WriteFile(path, marked.ReplaceAll(text, []byte("$1$2")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// explained is a configuration as config explain prints it, without where it came from.
func explained(t *testing.T, c *Config) string {
	t.Helper()
	applied, err := configs.Loader{}.Load("", c)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, s := range applied.Settings() {
		out.WriteString(s.Key + " = " + s.Value + "\n")
	}
	return out.String()
}

// missing are the keys of a struct that a YAML mapping does not have. Of a map or a list the
// first entry is looked into.
func missing(n *yaml.Node, typ reflect.Type, at string) (keys []string) {
	entries := map[string]*yaml.Node{}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		entries[n.Content[i].Value] = n.Content[i+1]
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("config"), ",")
		if key == "" {
			continue
		}
		v, there := entries[key]
		if f.Type == reflect.TypeFor[configs.Secret]() {
			v, there = entries[key+"_file"]
		}
		if !there {
			keys = append(keys, at+key)
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Map || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
			if v.Kind == yaml.MappingNode && len(v.Content) > 1 {
				v = v.Content[1]
			} else if v.Kind == yaml.SequenceNode && len(v.Content) > 0 {
				v = v.Content[0]
			}
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[configs.Secret]() {
			keys = append(keys, missing(v, inner, at+key+".")...)
		}
	}
	return keys
}
