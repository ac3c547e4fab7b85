package main

import (
	"encoding/xml"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/peer"
)

// An xmlStation is OpenAS2, or phax as2-server that came from it: driven by folders, told by XML files that
// differ in names.
type xmlStation struct {
	folders
	home string // of its jars

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
	o.make(t, f)
	keyStore(t, filepath.Join(o.dir, "keys.p12"))
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

// keyStore writes both certificates as PKCS #12, in the form that old stations read: theirs with its key.
func keyStore(t *testing.T, file string) {
	t.Helper()
	dir := filepath.Dir(file)
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

// stationCache is where stations are kept.
func stationCache(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	cache, err := peer.Cache()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "as2-stations")
}

// stationJars fetches the jars of one and skips where they cannot be had.
func stationJars(t *testing.T, name string, artifacts ...string) string {
	t.Helper()
	cache := stationCache(t)
	for _, tool := range []string{"openssl", "keytool"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	home, err := peer.Jars(t.Context(), cache, name, artifacts...)
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
	}, loses: func(cell) bool { return false }, speaks: everything, proves: everything})
}

// phax makes the MIC of what was compressed and not signed of the compressed bytes. RFC 5402 4.2 and 4.3 say of
// what they hold. That of what is signed behind its compression it takes of what was compressed; 4.1 says of what
// was signed. We sign by that and take either.
// It knows no partner of a receipt that comes by itself, for it looks for one without a certificate.
func TestPhax(t *testing.T) {
	speak(t, "phax as2-server 4.6.3", newPhax(stationJars(t, "phax-4.6.3", "com.helger.as2:as2-server:4.6.3")), known{differs: func(c cell) bool {
		return !c.Sign && c.Compress != "none" && c.Receipt != "none" && !c.Async
	}, loses: func(c cell) bool { return c.Async }, speaks: everything, proves: everything})
}

func everything(cell) bool { return true }
