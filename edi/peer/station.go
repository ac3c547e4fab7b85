package peer

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Station is another program that speaks AS2, in a folder of its own. It is driven by folders there: outbox
// for what it is to send, inbox for what came, mdn for receipts; log is what it says.
type Station struct {
	Name         string // of the program: openas2, phax or camel
	Dir          string // an absolute path, made where it is missing
	Listen       string // host and port that it listens at for messages
	Receipts     string // and for receipts that come by themselves
	Us           string // our AS2 name
	Ours         string // host and port that we listen at
	Partnerships []Partnership

	home string // of its jars
	kind *stationKind
}

// A Partnership is one form of message and receipt, under an AS2 name of the station of its own.
type Partnership struct {
	Name          string // phax and OpenAS2 take any; to Camel it is what the form is told by
	Sign, Encrypt bool
	Compress      string // none, before, after the signature
	Receipt       string // none, unsigned, signed
	Async         bool
	GCM           bool // encrypts by AES-256-GCM; what programs do not do, they are not told
}

// stationKind is what programs differ in. OpenAS2, and phax as2-server that came from it, are told by XML files
// that differ in names; Camel is a library behind a small program of ours.
type stationKind struct {
	title      string
	artifacts  []string
	main       []string // class, and what the JVM is told
	processors string   // package of the modules
	parts      map[string]string
	sign       string
	encrypt    string
	gcm        string // "" does not do it
}

var stationKinds = map[string]*stationKind{
	"openas2": {
		title: "OpenAS2 2.10.1", artifacts: []string{"net.sf.openas2:openas2-server:2.10.1"},
		main: []string{"-Dorg.apache.commons.logging.Log=org.openas2.logging.Log", "org.openas2.app.OpenAS2Server"}, processors: "org.openas2.processor.", sign: "SHA256", encrypt: "AES256",
		parts: map[string]string{
			"certificates": "org.openas2.cert.PKCS12CertificateFactory", "partnerships": "org.openas2.partner.XMLPartnershipFactory",
			"processor": "org.openas2.processor.DefaultProcessor", "mdn sender": "sender.MDNSenderModule",
		},
	},
	"phax": {
		title: "phax as2-server 4.6.3", artifacts: []string{"com.helger.as2:as2-server:4.6.3"},
		main: []string{"com.helger.as2.app.MainOpenAS2Server"}, processors: "com.helger.as2lib.processor.", sign: "sha-256", encrypt: "aes256-cbc", gcm: "aes256-gcm",
		parts: map[string]string{
			"certificates": "com.helger.as2lib.cert.CertificateFactory", "partnerships": "com.helger.as2lib.partner.xml.XMLPartnershipFactory",
			"processor": "com.helger.as2lib.processor.DefaultMessageProcessor", "mdn sender": "sender.AsynchMDNSenderModule",
		},
	},
	"camel": {title: "Camel AS2 4.17.0", artifacts: []string{"org.apache.camel:camel-as2:4.17.0", "org.apache.camel:camel-main:4.17.0", "org.slf4j:slf4j-simple:2.0.17"}},
}

const camelDriver = "CamelStation.java"

// Title is what the program is called, with its version.
func (s *Station) Title() string {
	if k := stationKinds[s.Name]; k != nil {
		return k.title
	}
	return s.Name
}

// Path is where the station listens for a form of message.
func (s *Station) Path(sign, encrypt bool) string {
	if s.Name != "camel" {
		return ""
	}
	return map[[2]bool]string{{}: "/p", {true, false}: "/s", {false, true}: "/e", {true, true}: "/se"}[[2]bool{sign, encrypt}]
}

// Install fetches the program below cache, where it is not yet; what cannot be had is an [Unavailable].
func (s *Station) Install(ctx context.Context, cache string) (err error) {
	if s.kind = stationKinds[s.Name]; s.kind == nil {
		return fmt.Errorf("no AS2 station is named %q", s.Name)
	}
	for _, tool := range []string{"openssl", "keytool"} {
		if _, err := exec.LookPath(tool); err != nil {
			return &Unavailable{s.Name, err.Error()}
		}
	}
	version := s.kind.artifacts[0][strings.LastIndexByte(s.kind.artifacts[0], ':')+1:]
	s.home, err = Jars(ctx, filepath.Join(cache, "as2-stations"), s.Name+"-"+version, s.kind.artifacts...)
	return err
}

// Prepare writes what the program is told. ours is our certificate, theirs its own and its key, PEM. It was
// installed before.
func (s *Station) Prepare(ctx context.Context, ours, theirs, key string) error {
	for _, name := range []string{"outbox", "inbox", "error", "mdn", "temp", "pending", "pendinginfo"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, name), 0o750); err != nil {
			return err
		}
	}
	files := map[string]string{"theirs.pem": theirs + key, "ours.crt": ours}
	if s.Name == "camel" {
		text, err := drivers.ReadFile("drivers/" + camelDriver)
		if err != nil {
			return err
		}
		files[camelDriver] = string(text)
	} else {
		// What it answers without a signature is written by a handler that its many jars do not agree on.
		files[".mailcap"] = "multipart/*;;x-java-content-handler=com.sun.mail.handlers.multipart_mixed\ntext/plain;;x-java-content-handler=com.sun.mail.handlers.text_plain\n"
		files["config.xml"], files["partnerships.xml"] = s.config(), s.partnerships()
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return s.keyStore(ctx)
}

// keyStore writes both certificates as PKCS #12, in the form that old stations read: theirs with its key.
func (s *Station) keyStore(ctx context.Context) error {
	run := func(name string, args ...string) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = s.Dir
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %v: %w: %s", name, args, err, said)
		}
		return nil
	}
	file := filepath.Join(s.Dir, "keys.p12")
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := run("openssl", "pkcs12", "-export", "-legacy", "-in", "theirs.pem", "-name", "theirs", "-passout", "pass:secret", "-out", file); err != nil {
		return err
	}
	return run("keytool", "-J-Dkeystore.pkcs12.legacy", "-importcert", "-noprompt", "-keystore", file, "-storetype", "PKCS12", "-storepass", "secret", "-alias", "ours", "-file", "ours.crt")
}

// Command starts the program. It is ready once it listens and, where ready is not "", has said that.
func (s *Station) Command(ctx context.Context) (cmd *exec.Cmd, ready string) {
	args := []string{"-Xmx256m", "-XX:+UseSerialGC", "-Duser.home=" + s.Dir, "-cp", filepath.Join(s.home, "*")}
	if s.Name == "camel" {
		// It listens before it knows what to do with what comes.
		ready = "station started"
		args = append(args, filepath.Join(s.Dir, camelDriver), s.Dir)
		for _, at := range []string{s.Listen, s.Receipts, s.Ours} {
			_, port, _ := net.SplitHostPort(at)
			args = append(args, port)
		}
	} else {
		args = append(append(args, s.kind.main...), filepath.Join(s.Dir, "config.xml"))
	}
	cmd = exec.CommandContext(ctx, "java", args...)
	cmd.Dir = s.Dir
	return cmd, ready
}

// element begins one of XML, with names and values of attributes.
func element(name string, attributes ...string) string {
	var b strings.Builder
	b.WriteString("<" + name)
	for pair := range slices.Chunk(attributes, 2) {
		b.WriteString(" " + pair[0] + `="`)
		_ = xml.EscapeText(&b, []byte(pair[1])) // into memory
		b.WriteString(`"`)
	}
	return b.String()
}

func (s *Station) config() string {
	_, port, _ := net.SplitHostPort(s.Listen)
	_, mdnPort, _ := net.SplitHostPort(s.Receipts)
	in := func(name string) string { return filepath.Join(s.Dir, name) }
	var b strings.Builder
	line := func(text string) { b.WriteString(text + "\n") }
	line("<openas2>")
	line(element("certificates", "classname", s.kind.parts["certificates"], "type", "pkcs12", "filename", in("keys.p12"), "password", "secret", "interval", "300") + "/>")
	line(element("partnerships", "classname", s.kind.parts["partnerships"], "disablebackup", "true", "filename", in("partnerships.xml")) + "/>")
	if s.kind.processors == "org.openas2.processor." {
		line("<loggers>" + element("logger", "classname", "org.openas2.logging.ConsoleLogger") + "/></loggers>")
	}
	line(element("processor", "classname", s.kind.parts["processor"], "pendingMDN", in("pending"), "pendingMDNinfo", in("pendinginfo")) + ">")
	module := func(class string, attributes ...string) {
		line(element("module", append([]string{"classname", s.kind.processors + class}, attributes...)...) + "/>")
	}
	module("sender.AS2SenderModule", "retries", "0", "connecttimeout", "20000", "readtimeout", "20000")
	module(s.kind.parts["mdn sender"], "retries", "0", "connecttimeout", "20000", "readtimeout", "20000")
	module("receiver.AS2DirectoryPollingModule", "outboxdir", in("outbox"), "errordir", in("error"), "interval", "1", "delimiters", "-", "mergeextratokens", "true",
		"format", "sender.as2_id,receiver.as2_id,attributes.filename", "mimetype", "application/EDI-X12", "sendfilename", "true")
	module("storage.MDNFileModule", "filename", in("mdn")+"/$mdn.msg.sender.as2_id$-$mdn.msg.receiver.as2_id$-$mdn.msg.headers.message-id$", "protocol", "as2", "tempdir", in("temp"))
	module("storage.MessageFileModule", "filename", in("inbox")+"/$msg.sender.as2_id$-$msg.receiver.as2_id$-$msg.headers.message-id$", "protocol", "as2", "tempdir", in("temp"))
	module("receiver.AS2ReceiverModule", "address", "127.0.0.1", "port", port, "errordir", in("error"), "errorformat", "sender.as2_id,receiver.as2_id,headers.message-id")
	module("receiver.AS2MDNReceiverModule", "address", "127.0.0.1", "port", mdnPort)
	line("</processor></openas2>")
	return b.String()
}

func (s *Station) partnerships() string {
	var b strings.Builder
	line := func(text string) { b.WriteString(text + "\n") }
	line("<partnerships>")
	line(element("partner", "name", s.Us, "as2_id", s.Us, "x509_alias", "ours", "email", "ours@example.org") + "/>")
	for _, c := range s.Partnerships {
		line(element("partner", "name", c.Name, "as2_id", c.Name, "x509_alias", "theirs", "email", "theirs@example.org") + "/>")
	}
	for _, c := range s.Partnerships {
		for _, way := range [][2]string{{c.Name, s.Us}, {s.Us, c.Name}} {
			line(element("partnership", "name", way[0]+"-"+way[1]) + ">")
			line(element("sender", "name", way[0]) + "/>" + element("receiver", "name", way[1]) + "/>")
			attribute := func(name, value string) { line(element("attribute", "name", name, "value", value) + "/>") }
			attribute("protocol", "as2")
			attribute("content_transfer_encoding", "binary")
			attribute("subject", "a document")
			attribute("resend_max_retries", "0")
			// phax takes the form of what it receives from here too: whether a MIC is over the headers.
			if c.Sign {
				attribute("sign", s.kind.sign)
			}
			if c.Encrypt && c.GCM && s.kind.gcm != "" {
				attribute("encrypt", s.kind.gcm)
			} else if c.Encrypt {
				attribute("encrypt", s.kind.encrypt)
			}
			if c.Compress != "none" {
				attribute("compression_type", "ZLIB")
			}
			if c.Compress == "after" {
				attribute("compression_mode", "compress-after-signing")
			}
			if way[1] == s.Us {
				attribute("as2_url", "http://"+s.Ours+"/as2")
				if c.Receipt != "none" {
					attribute("as2_mdn_to", "theirs@example.org")
				}
				options := "none" // OpenAS2 asks for no signature then
				if c.Receipt == "signed" {
					options = "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha256"
				}
				attribute("as2_mdn_options", options)
				if c.Async {
					attribute("as2_receipt_option", "http://"+s.Receipts)
				}
			}
			line("</partnership>")
		}
	}
	line("</partnerships>")
	return b.String()
}
