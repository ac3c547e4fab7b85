package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/paklog/hub/adapters/pgp"
	"github.com/paklog/hub/adapters/sftp"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// pgpPair makes a key of OpenPGP; one that was given days ends then.
func pgpPair(t *testing.T, name string, days ...uint32) (private, public string) {
	t.Helper()
	c := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	for _, d := range days {
		c.KeyLifetimeSecs = d * 24 * 3600
	}
	e, err := openpgp.NewEntity(name, "", name+"@example.com", c)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, write func(io.Writer) error) string {
		var b bytes.Buffer
		w, err := armor.Encode(&b, kind, nil)
		if err == nil {
			err = errors.Join(write(w), w.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	return text("PGP PRIVATE KEY BLOCK", func(w io.Writer) error { return e.SerializePrivateWithoutSigning(w, nil) }), text("PGP PUBLIC KEY BLOCK", e.Serialize)
}

// files puts files beside the configuration.
func (s *shell) files(of map[string]string) {
	s.t.Helper()
	for name, text := range of {
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), name), []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// A partner's files are encrypted and signed both ways; one that is not stays out and says why, and the
// same document is taken once though each file of it differs.
func TestFilesOfAPartnerAreSealed(t *testing.T) {
	t.Parallel()
	ours, ourPublic := pgpPair(t, "paklog")
	his, hisPublic := pgpPair(t, "acme", 10)
	addr := freeAddr(t)
	s := newShell(t)
	s.files(map[string]string{"ours.asc": ours, "acme.asc": hisPublic})
	s.configured(fmt.Sprintf(`edi: {poll: 20ms, partners: {ACME: {id: ACME, owner: ACME, login: {password_file: password}, pgp: {keys: [{key_file: acme.asc}]}}}}
pgp: {keys: [{key_file: ours.asc}]}
sftp: {listen: %q}
`, addr))
	if out := s.must("partner", "check", "ACME"); !strings.Contains(out, "the last key of ACME that can sign ends on") || !strings.Contains(out, "login.from") || !strings.Contains(out, "fingerprint") {
		t.Errorf("%s", out)
	}
	s.serve()
	c := s.clientOf(addr, "ACME")
	him, err := pgp.New(pgp.Config{Own: []pgp.OwnKey{{Key: his}}, Partners: map[string]pgp.Partner{"US": {Keys: []string{ourPublic}, Encrypt: true, Sign: true}}})
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, write func(io.Writer) error) {
		t.Helper()
		f, err := c.Create("/inbox/" + name)
		if err == nil {
			err = errors.Join(write(f), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	plain := func(w io.Writer) error { _, err := x12gen.Write(w, orders940(1)); return err }
	sealed := func(w io.Writer) error {
		in, err := him.Seal("US", "940.edi", w)
		if err != nil {
			return err
		}
		return errors.Join(plain(in), in.Close())
	}
	put("plain.edi", plain)
	put("a.pgp", sealed)
	put("b.pgp", sealed)
	s.until("all are taken", func() bool { list, err := c.ReadDir("/inbox"); return err == nil && len(list) == 0 })
	s.until("a 997 in his outbox", func() bool { list, err := c.ReadDir("/outbox"); return err == nil && len(list) == 1 })
	list, err := c.ReadDir("/outbox")
	if err != nil || len(list) != 1 || !strings.HasSuffix(list[0].Name(), ".pgp") {
		t.Fatalf("%v %v", list, err)
	}
	f, err := c.Open("/outbox/" + list[0].Name())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := him.Open("US", f)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(opened); err != nil || !bytes.Contains(text, []byte("AK1*OW*")) {
		t.Errorf("%q %v", text, err)
	}
	refused, err := os.ReadDir(filepath.Join(s.data, "partners", "ACME", "refused"))
	if err != nil || len(refused) != 1 || refused[0].Name() != "plain.edi" {
		t.Errorf("refused: %v %v", refused, err)
	}
}

// check and test say what is wrong with a partner's keys and server before a file fails by it.
func TestPartnersServersAreTried(t *testing.T) {
	t.Parallel()
	st := newPartnerServer(t)
	line, fingerprint, err := sftp.PublicHostKey(st.key)
	if err != nil {
		t.Fatal(err)
	}
	st.offers(1)
	_, over := pgpPair(t, "over")
	s := newShell(t)
	s.files(map[string]string{"over.asc": over})
	s.configured(fmt.Sprintf(`edi:
  partners:
    ACME: {id: ACME, sftp: {addr: %q, user: US, password_file: password, host_keys: [%q], pickup: /outbox, drop: /inbox, timeout: 5s}}
    WRONG: {id: WRONG, sftp: {addr: %[1]q, user: THEM, password_file: password, host_keys: [%[2]q], pickup: /outbox}}
    PLAIN: {id: PLAIN, ftps: {addr: "127.0.0.1:1", tls: none, user: us, password_file: password, drop: in}, pgp: {keys: [{key_file: over.asc}]}}
    FOLDER: {id: FOLDER}
`, st.addr, line))
	if out := s.must("partner", "test", "ACME"); !strings.Contains(out, "lets us in, 1 files wait for us (940-1.edi), and takes files of ours") {
		t.Errorf("%s", out)
	}
	if got := st.got(); len(got) != 0 {
		t.Errorf("%d files stay there", len(got))
	}
	for args, want := range map[string]string{
		"partner test WRONG":   "the server refuses user THEM",
		"partner test PLAIN":   "connection refused",
		"partner test FOLDER":  "does not speak AS2",
		"partner test NOBODY":  "no partner is named",
		"partner check NOBODY": "no partner is named",
	} {
		if out, said, code := s.run(strings.Fields(args)...); code == 0 || !strings.Contains(out+said, want) {
			t.Errorf("%s: %d %s%s", args, code, out, said)
		}
	}
	if out := s.must("partner", "check", "FOLDER"); !strings.Contains(out, "FOLDER exchanges files through") {
		t.Errorf("%s", out)
	}
	if out := s.must("partner", "check", "ACME"); !strings.Contains(out, fingerprint) || !strings.Contains(out, "a key is safer than a password") {
		t.Errorf("%s", out)
	}
	out, _, code := s.run("partner", "check", "PLAIN")
	if code != 3 || !strings.Contains(out, "note  ftps.tls: plain FTP") || !strings.Contains(out, "fails (ours) pgp.keys: no key of ours can sign now") {
		t.Errorf("%d %s", code, out)
	}
}
