package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/textproto"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

func newAS2(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "as2", Short: "Look into AS2 messages and receipts, and verify what the archive holds of them",
		Example: "  paklog as2 inspect --key ours.pem --cert partner.crt message.http\n  paklog as2 proof '<01a22bfe@WAREHOUSE>'",
	}
	cmd.AddCommand(newAS2Inspect(g), newAS2Proof(g))
	return cmd
}

func newAS2Inspect(g *global) *cobra.Command {
	var headers string
	var keys, certs []string
	cmd := &cobra.Command{
		Use: "inspect FILE|-", Short: "Decrypt, verify and show an AS2 message or receipt that was kept, and the verdict on it",
		Long: `Decrypt, verify and show an AS2 message or receipt that was kept: its names, layers from the outside,
documents with their SHA-256, MIC, and the verdict as a receipt would tell it, with the reason in words.

The file is an HTTP request or response: first line or none, headers, an empty line, the body without
chunks. With --headers the headers are in a file of their own. Ends with 3 when the verdict is not
"processed", or the receipt says so.`,
		Example: `  paklog as2 inspect --key ours.pem --cert partner.crt message.http
  paklog as2 inspect --headers m.headers --cert partner.crt m.body
  paklog as2 inspect --json receipt.http | jq .receipt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := opened(cmd, args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			reading, err := readingWith(keys, certs)
			if err != nil {
				return err
			}
			body := bufio.NewReader(in)
			h, err := headersOf(headers, body)
			if err != nil {
				return err
			}
			seen, err := inspect(h, body, reading)
			if err != nil {
				return err
			}
			if g.json {
				err = writeJSON(cmd.OutOrStdout(), seen)
			} else {
				err = seen.print(cmd.OutOrStdout())
			}
			if err == nil && !seen.good {
				return exitFindings
			}
			return err
		},
	}
	cmd.Flags().StringVar(&headers, "headers", "", "file of the HTTP headers, if FILE is the body alone")
	cmd.Flags().StringArrayVar(&keys, "key", nil, "PEM file with a certificate and its private key to decrypt with (repeatable)")
	cmd.Flags().StringArrayVar(&certs, "cert", nil, "PEM file with certificates of the partner to verify with (repeatable)")
	return cmd
}

func opened(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	return os.Open(name)
}

// readingWith loads keys and certificates.
func readingWith(keys, certs []string) (as2.Reading, error) {
	var r as2.Reading
	for _, name := range keys {
		pair, err := tls.LoadX509KeyPair(name, name)
		if err != nil {
			return r, fmt.Errorf("reading %s: %w", name, err)
		}
		decrypter, ok := pair.PrivateKey.(crypto.Decrypter)
		if !ok {
			return r, fmt.Errorf("reading %s: its key cannot decrypt", name)
		}
		r.Keys = append(r.Keys, cms.Key{Certificate: pair.Leaf, Decrypter: decrypter})
	}
	for _, name := range certs {
		raw, err := os.ReadFile(name)
		if err != nil {
			return r, err
		}
		found := false
		for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "CERTIFICATE" {
				continue
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return r, fmt.Errorf("reading %s: %w", name, err)
			}
			r.Certificates, found = append(r.Certificates, cert), true
		}
		if !found {
			return r, fmt.Errorf("reading %s: no certificate in PEM", name)
		}
	}
	return r, nil
}

// headersOf reads the headers from their own file, or from the front of body.
func headersOf(file string, body *bufio.Reader) (textproto.MIMEHeader, error) {
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		body = bufio.NewReader(io.MultiReader(bytes.NewReader(raw), strings.NewReader("\r\n\r\n")))
	}
	// A first line is that of a request or status: it has a blank before any colon.
	start, err := body.Peek(16)
	if first, _, _ := strings.Cut(string(start), ":"); err == nil && strings.Contains(first, " ") {
		if _, err := body.ReadString('\n'); err != nil {
			return nil, fmt.Errorf("reading the first line: %w", err)
		}
	}
	h, err := textproto.NewReader(body).ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("reading headers: %w", err)
	}
	return h, nil
}

// An inspected message, as --json shows it.
type inspected struct {
	From      string        `json:"from"`
	To        string        `json:"to"`
	MessageID string        `json:"message_id"`
	Headers   string        `json:"headers_error,omitempty"`
	Layers    []string      `json:"layers"`
	Documents []inspectDoc  `json:"documents,omitempty"`
	MIC       string        `json:"mic,omitempty"`
	Verdict   string        `json:"verdict"`
	Reason    string        `json:"reason,omitempty"`
	Receipt   *inspectedMDN `json:"receipt,omitempty"`

	good bool
}

type inspectDoc struct {
	Name   string `json:"name,omitempty"`
	Type   string `json:"content_type"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`

	hash hash.Hash
}

func (d *inspectDoc) Write(p []byte) (int, error) {
	d.Bytes += int64(len(p))
	return d.hash.Write(p)
}

type inspectedMDN struct {
	For         string `json:"original_message_id"`
	Disposition string `json:"disposition"`
	MIC         string `json:"mic,omitempty"`
	Text        string `json:"text,omitempty"`
}

// inspect reads the message. Its error is one of the file.
func inspect(h textproto.MIMEHeader, body io.Reader, reading as2.Reading) (*inspected, error) {
	req, headersErr := as2.ParseRequest(h)
	reading.Receipt = req.Receipt
	var docs []*inspectDoc
	reading.Open = func(d as2.Document) (io.Writer, error) {
		docs = append(docs, &inspectDoc{Name: as2.SafeName(d.FileName), Type: d.ContentType, hash: sha256.New()})
		return docs[len(docs)-1], nil
	}
	got, err := as2.Read(h, body, reading)
	var problem *as2.Problem
	if err != nil && !errors.As(err, &problem) {
		return nil, err
	}
	out := &inspected{From: req.From, To: req.To, MessageID: req.MessageID, Layers: []string{}, Verdict: as2.DispositionOf(err).String(), good: err == nil}
	if headersErr != nil {
		out.Headers = headersErr.Error()
	}
	if problem != nil {
		out.Reason = problem.Err.Error()
	}
	for _, l := range got.Layers {
		out.Layers = append(out.Layers, l.String())
	}
	for _, d := range docs {
		d.SHA256 = hex.EncodeToString(d.hash.Sum(nil))
		out.Documents = append(out.Documents, *d)
	}
	if len(got.MIC.Value) > 0 {
		out.MIC = got.MIC.String()
	}
	if m := got.MDN; m != nil {
		out.Receipt = &inspectedMDN{For: m.OriginalMessageID, Disposition: m.Disposition.String(), Text: m.Text}
		if len(m.MIC.Value) > 0 {
			out.Receipt.MIC = m.MIC.String()
		}
		out.good = out.good && m.Disposition.Accepted()
	}
	return out, nil
}

// print shows it to a person.
func (i *inspected) print(w io.Writer) error {
	t := newTable(w, "from", i.From)
	t.row("to", i.To)
	t.row("message id", i.MessageID)
	if i.Headers != "" {
		t.row("headers", i.Headers)
	}
	for _, l := range i.Layers {
		t.row("layer", l)
	}
	for _, d := range i.Documents {
		t.row("document", fmt.Sprintf("%s %s, %d bytes, sha256 %s", d.Name, d.Type, d.Bytes, d.SHA256))
	}
	if i.MIC != "" {
		t.row("MIC", i.MIC)
	}
	if r := i.Receipt; r != nil {
		t.row("receipt for", r.For)
		t.row("it says", r.Disposition)
		t.row("its MIC", r.MIC)
		t.row("its text", r.Text)
	}
	t.row("verdict", i.Verdict)
	if i.Reason != "" {
		t.row("reason", i.Reason)
	}
	return t.flush()
}
