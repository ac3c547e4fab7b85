package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/edi/peer"
)

// An xmlStation is OpenAS2, or phax as2-server that came from it: driven by folders, told by XML files that
// differ in names.
type xmlStation struct {
	home string // of its jars
	dir  string

	main       []string // class, and what the JVM is told
	processors string   // package of the modules
	parts      map[string]string
	sign       string
	encrypt    string
}

func newOpenAS2(home string) *xmlStation {
	return &xmlStation{
		home: home, main: []string{"-Dorg.apache.commons.logging.Log=org.openas2.logging.Log", "org.openas2.app.OpenAS2Server"}, processors: "org.openas2.processor.", sign: "SHA256", encrypt: "AES256",
		parts: map[string]string{
			"certificates": "org.openas2.cert.PKCS12CertificateFactory", "partnerships": "org.openas2.partner.XMLPartnershipFactory",
			"processor": "org.openas2.processor.DefaultProcessor", "mdn sender": "sender.MDNSenderModule",
		},
	}
}

func newPhax(home string) *xmlStation {
	return &xmlStation{
		home: home, main: []string{"com.helger.as2.app.MainOpenAS2Server"}, processors: "com.helger.as2lib.processor.", sign: "sha-256", encrypt: "aes256-cbc",
		parts: map[string]string{
			"certificates": "com.helger.as2lib.cert.CertificateFactory", "partnerships": "com.helger.as2lib.partner.xml.XMLPartnershipFactory",
			"processor": "com.helger.as2lib.processor.DefaultMessageProcessor", "mdn sender": "sender.AsynchMDNSenderModule",
		},
	}
}

// element is XML in words.
func element(name string, attributes ...string) string {
	var b strings.Builder
	b.WriteString("<" + name)
	for i := 0; i < len(attributes); i += 2 {
		b.WriteString(" " + attributes[i] + `="`)
		_ = xml.EscapeText(&b, []byte(attributes[i+1])) // into memory
		b.WriteString(`"`)
	}
	return b.String()
}

func (o *xmlStation) config(f *foreign) string {
	_, port, _ := net.SplitHostPort(f.listen)
	_, mdnPort, _ := net.SplitHostPort(f.mdn)
	in := func(name string) string { return filepath.Join(o.dir, name) }
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\n") }
	line("<openas2>")
	line(element("certificates", "classname", o.parts["certificates"], "type", "pkcs12", "filename", in("keys.p12"), "password", "secret", "interval", "300") + "/>")
	line(element("partnerships", "classname", o.parts["partnerships"], "disablebackup", "true", "filename", in("partnerships.xml")) + "/>")
	if o.processors == "org.openas2.processor." {
		line("<loggers>" + element("logger", "classname", "org.openas2.logging.ConsoleLogger") + "/></loggers>")
	}
	line(element("processor", "classname", o.parts["processor"], "pendingMDN", in("pending"), "pendingMDNinfo", in("pendinginfo")) + ">")
	module := func(class string, attributes ...string) {
		line(element("module", append([]string{"classname", o.processors + class}, attributes...)...) + "/>")
	}
	module("sender.AS2SenderModule", "retries", "0", "connecttimeout", "20000", "readtimeout", "20000")
	module(o.parts["mdn sender"], "retries", "0", "connecttimeout", "20000", "readtimeout", "20000")
	module("receiver.AS2DirectoryPollingModule", "outboxdir", in("outbox"), "errordir", in("error"), "interval", "1", "delimiters", "-", "mergeextratokens", "true",
		"format", "sender.as2_id,receiver.as2_id,attributes.filename", "mimetype", "application/EDI-X12", "sendfilename", "true")
	module("storage.MDNFileModule", "filename", in("mdn")+"/$mdn.msg.sender.as2_id$-$mdn.msg.receiver.as2_id$-$mdn.msg.headers.message-id$", "protocol", "as2", "tempdir", in("temp"))
	module("storage.MessageFileModule", "filename", in("inbox")+"/$msg.sender.as2_id$-$msg.receiver.as2_id$-$msg.headers.message-id$", "protocol", "as2", "tempdir", in("temp"))
	module("receiver.AS2ReceiverModule", "address", "127.0.0.1", "port", port, "errordir", in("error"), "errorformat", "sender.as2_id,receiver.as2_id,headers.message-id")
	module("receiver.AS2MDNReceiverModule", "address", "127.0.0.1", "port", mdnPort)
	line("</processor></openas2>")
	return b.String()
}

func (o *xmlStation) partnerships(f *foreign) string {
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\n") }
	line("<partnerships>")
	line(element("partner", "name", ourStation, "as2_id", ourStation, "x509_alias", "ours", "email", "ours@example.org") + "/>")
	for _, c := range f.cells {
		line(element("partner", "name", c.name(), "as2_id", c.name(), "x509_alias", "theirs", "email", "theirs@example.org") + "/>")
	}
	for _, c := range f.cells {
		for _, way := range [][2]string{{c.name(), ourStation}, {ourStation, c.name()}} {
			line(element("partnership", "name", way[0]+"-"+way[1]) + ">")
			line(element("sender", "name", way[0]) + "/>" + element("receiver", "name", way[1]) + "/>")
			attribute := func(name, value string) { line(element("attribute", "name", name, "value", value) + "/>") }
			attribute("protocol", "as2")
			attribute("content_transfer_encoding", "binary")
			attribute("subject", "a document")
			attribute("resend_max_retries", "0")
			// phax takes the form of what it receives from here too: whether a MIC is over the headers.
			if c.Sign {
				attribute("sign", o.sign)
			}
			if c.Encrypt {
				attribute("encrypt", o.encrypt)
			}
			if c.Compress != "none" {
				attribute("compression_type", "ZLIB")
			}
			if c.Compress == "after" {
				attribute("compression_mode", "compress-after-signing")
			}
			if way[1] == ourStation {
				attribute("as2_url", "http://"+f.ours+"/as2")
				if c.Receipt != "none" {
					attribute("as2_mdn_to", "theirs@example.org")
				}
				options := "none" // OpenAS2 asks for no signature then
				if c.Receipt == "signed" {
					options = "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha256"
				}
				attribute("as2_mdn_options", options)
				if c.Async {
					attribute("as2_receipt_option", "http://"+f.mdn)
				}
			}
			line("</partnership>")
		}
	}
	line("</partnerships>")
	return b.String()
}

func (o *xmlStation) start(t *testing.T, f *foreign) {
	o.dir = filepath.Join(f.dir, "station")
	for _, name := range []string{"outbox", "inbox", "error", "mdn", "temp", "pending", "pendinginfo"} {
		if err := os.MkdirAll(filepath.Join(o.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	keyStore(t, filepath.Join(o.dir, "keys.p12"), f)
	// What it answers without a signature is written by a handler that its many jars do not agree on.
	const mailcap = "multipart/*;;x-java-content-handler=com.sun.mail.handlers.multipart_mixed\ntext/plain;;x-java-content-handler=com.sun.mail.handlers.text_plain\n"
	for name, text := range map[string]string{".mailcap": mailcap, "config.xml": o.config(f), "partnerships.xml": o.partnerships(f)} {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := append([]string{"java", "-Xmx256m", "-XX:+UseSerialGC", "-Duser.home=" + o.dir, "-cp", filepath.Join(o.home, "*")}, o.main...)
	serving(t, f, filepath.Join(o.dir, "log"), append(command, filepath.Join(o.dir, "config.xml"))...)
}

// serving starts a station and waits until it listens.
func serving(t *testing.T, f *foreign, log string, command ...string) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, filepath.Dir(log)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		out.Close()
		if t.Failed() {
			said, _ := os.ReadFile(log)
			t.Logf("it said:\n%s", said[max(0, len(said)-6000):])
		}
	})
	if !everySoOften(t, time.Minute, func() bool {
		c, err := net.DialTimeout("tcp", f.listen, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	}) {
		t.Fatal("the station does not listen")
	}
}

// keyStore writes both certificates as PKCS #12, in the form that old stations read: theirs with its key.
func keyStore(t *testing.T, file string, f *foreign) {
	t.Helper()
	dir := filepath.Dir(file)
	for name, text := range map[string]string{"theirs.pem": f.their.Certificate + f.their.Key, "ours.crt": f.own.Certificate} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, said)
		}
	}
	run("openssl", "pkcs12", "-export", "-legacy", "-in", "theirs.pem", "-name", "theirs", "-passout", "pass:secret", "-out", file)
	run("keytool", "-J-Dkeystore.pkcs12.legacy", "-importcert", "-noprompt", "-keystore", file, "-storetype", "PKCS12", "-storepass", "secret", "-alias", "ours", "-file", "ours.crt")
}

func (o *xmlStation) send(c cell, name string, document []byte) error {
	tmp := filepath.Join(o.dir, "temp", name)
	if err := os.WriteFile(tmp, document, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(o.dir, "outbox", fmt.Sprintf("%s-%s-%s", c.name(), ourStation, name)))
}

func (o *xmlStation) mailbox() (out [][]byte, err error) {
	err = eachFile(filepath.Join(o.dir, "inbox"), func(_ string, data []byte) { out = append(out, data) })
	return out, err
}

// eachFile calls f for every file of a folder.
func eachFile(dir string, f func(name string, data []byte)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		f(e.Name(), data)
	}
	return nil
}

// receipts are kept in files that are named after who sent the message.
func (o *xmlStation) receipts() (map[string]string, error) {
	out := map[string]string{}
	err := eachFile(filepath.Join(o.dir, "mdn"), func(name string, data []byte) {
		if from, _, ok := strings.Cut(name, "-"+ourStation+"-"); ok {
			out[from] = string(data)
		}
	})
	return out, err
}

// notMatched is what each says of a MIC that is not its own, with the id of the message.
var notMatched = regexp.MustCompile(`(?i)MIC (?:is )?not matched.*@(\w+)_` + ourStation + `>`)

// complaints are told by phax in its log; OpenAS2 lays the message aside.
func (o *xmlStation) complaints() (map[string]bool, error) {
	log, err := os.ReadFile(filepath.Join(o.dir, "log"))
	out := map[string]bool{}
	for _, m := range notMatched.FindAllSubmatch(log, -1) {
		out[string(m[1])] = true
	}
	return out, errors.Join(err, eachFile(filepath.Join(o.dir, "error"), func(name string, _ []byte) {
		if _, id, ok := strings.Cut(name, "@"); ok {
			out[strings.TrimSuffix(id, "_"+ourStation)] = true
		}
	}))
}

// station fetches the jars of one and skips where they cannot be had.
func stationJars(t *testing.T, name string, artifacts ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	cache, err := peer.Cache()
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"openssl", "keytool"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	home, err := peer.Jars(t.Context(), filepath.Join(cache, "as2-stations"), name, artifacts...)
	if err != nil {
		t.Skip(err)
	}
	return home
}

// OpenAS2 makes the MIC of a message that is compressed and no more than that of the content alone. RFC 5402
// 4.3 says with its MIME headers; so does what it does when it receives one.
func TestOpenAS2(t *testing.T) {
	speak(t, "OpenAS2 2.10.1", newOpenAS2(stationJars(t, "openas2-2.10.1", "net.sf.openas2:openas2-server:2.10.1")), known{differs: func(c cell) bool {
		return !c.Sign && !c.Encrypt && c.Compress != "none" && c.Receipt == "signed"
	}, loses: func(cell) bool { return false }})
}

// phax makes the MIC of what was compressed and not signed of the compressed bytes. RFC 5402 4.2 and 4.3 say of
// what they hold. That of what is signed behind its compression it takes of what was compressed; 4.1 says of what
// was signed. We sign by that and take either.
// It knows no partner of a receipt that comes by itself, for it looks for one without a certificate.
func TestPhax(t *testing.T) {
	speak(t, "phax as2-server 4.6.3", newPhax(stationJars(t, "phax-4.6.3", "com.helger.as2:as2-server:4.6.3")), known{differs: func(c cell) bool {
		return !c.Sign && c.Compress != "none" && c.Receipt != "none" && !c.Async
	}, loses: func(c cell) bool { return c.Async }})
}
