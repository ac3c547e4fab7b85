package printer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

// Operations, tags and states of IPP/1.1 (RFC 8011 sections 4 and 5, RFC 8010 section 3.5).
const (
	opPrintJob = 0x0002

	tagOperation = 0x01
	tagEnd       = 0x03
	tagURI       = 0x45
	tagCharset   = 0x47
	tagLanguage  = 0x48
	tagMIME      = 0x49
	tagName      = 0x42

	statusBusy       = 0x0507 // server-error-busy
	statusNoJobsNow  = 0x0506 // server-error-not-accepting-jobs
	statusBadFormat  = 0x040A // client-error-document-format-not-supported
	statusErrorsFrom = 0x0400
	statusServerFrom = 0x0500
)

// user is who our jobs are of.
const user = "paklog"

type ipp struct {
	name   string
	uri    string // as the printer knows itself
	post   string
	client *http.Client
}

func newIPP(name string, u *url.URL, at string, timeout time.Duration) *ipp {
	post := *u
	post.Scheme = map[string]string{"ipp": "http", "ipps": "https"}[u.Scheme]
	post.Host = at
	return &ipp{name, u.String(), post.String(), &http.Client{Timeout: timeout, Transport: &http.Transport{
		DialContext:       (&net.Dialer{Timeout: timeout}).DialContext,
		DisableKeepAlives: true, // what is kept may be closed by the time it is needed, and then nobody knows
	}}}
}

// media are the formats as IPP names them. ZPL has no registered type of its own: a printer that
// speaks it takes it as it is.
var media = map[string]string{"pdf": "application/pdf", "zpl": "application/octet-stream"}

// Print implements [ship.Printer] by Print-Job.
func (p *ipp) Print(ctx context.Context, job ship.PrintJob) error {
	const op = "printer.IPP"
	m := p.request(opPrintJob)
	m.text(tagName, "job-name", job.Name)
	m.text(tagMIME, "document-format", media[job.Format])
	m.end()
	status, err := p.ask(ctx, op, append(m.b, job.Data...))
	if err != nil {
		return err
	}
	return p.judged(op, status)
}

// judged is what a status says (RFC 8011 appendix B): a printer that answers with an error has
// printed nothing.
func (p *ipp) judged(op string, status uint16) error {
	if status < statusErrorsFrom {
		return nil
	}
	kind := fault.Rejected
	switch {
	case status == statusBusy:
		kind = fault.Throttled
	case status >= statusServerFrom:
		kind = fault.Unavailable
	}
	return fault.E(op, kind, fmt.Errorf("%s answered status 0x%04x (RFC 8011 appendix B)%s", p.name, status, map[uint16]string{
		statusBadFormat: ": it does not print this format", statusNoJobsNow: ": it takes no jobs now",
	}[status]))
}

// message is an IPP request as it is written.
type message struct{ b []byte }

func (p *ipp) request(op uint16) *message {
	m := &message{binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16([]byte{1, 1}, op), 1)}
	m.b = append(m.b, tagOperation)
	m.text(tagCharset, "attributes-charset", "utf-8")
	m.text(tagLanguage, "attributes-natural-language", "en")
	m.text(tagURI, "printer-uri", p.uri)
	m.text(tagName, "requesting-user-name", user)
	return m
}

func (m *message) text(tag byte, name, value string) {
	m.b = binary.BigEndian.AppendUint16(append(m.b, tag), uint16(len(name)))
	m.b = binary.BigEndian.AppendUint16(append(m.b, name...), uint16(len(value)))
	m.b = append(m.b, value...)
}

func (m *message) end() { m.b = append(m.b, tagEnd) }

// ask sends a request and reads the status of its answer.
func (p *ipp) ask(ctx context.Context, op string, body []byte) (status uint16, err error) {
	// In chunks, as CUPS sends it: there are servers that read what has a length to the end of the connection.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.post, struct{ io.Reader }{bytes.NewReader(body)})
	if err != nil {
		return 0, fault.E(op, fault.Internal, err)
	}
	req.Header.Set("Content-Type", "application/ipp")
	res, err := p.client.Do(req)
	if err != nil {
		kind := fault.Unknown
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			kind = fault.Unavailable
		}
		return 0, fault.E(op, kind, fmt.Errorf("%s: %w", p.name, err))
	}
	defer res.Body.Close()
	head := make([]byte, 8) // version, status, number of the request
	_, err = io.ReadFull(res.Body, head)
	switch {
	case res.StatusCode >= http.StatusInternalServerError:
		return 0, fault.E(op, fault.Unknown, fmt.Errorf("%s answered %s", p.name, res.Status))
	case res.StatusCode != http.StatusOK:
		return 0, fault.E(op, fault.Rejected, fmt.Errorf("%s answered %s: is %s the path of its print queue?", p.name, res.Status, p.post))
	case err != nil:
		return 0, fault.E(op, fault.Unknown, fmt.Errorf("%s: reading its answer: %w", p.name, err))
	case head[0] < 1 || head[0] > 2:
		return 0, fault.E(op, fault.Unknown, fmt.Errorf("%s: its answer is no IPP", p.name))
	}
	return binary.BigEndian.Uint16(head[2:]), nil
}
