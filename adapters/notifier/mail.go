package notifier

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/notify"
)

// Mail sends by SMTP (RFC 5321).
type Mail struct{ cfg MailConfig }

// MailConfig is a server that takes mail, and who it is from.
type MailConfig struct {
	// URL is smtp://host:587, over which TLS is asked for (and a host that offers none is refused,
	// but on this machine), or smtps://host:465.
	URL      string
	From     string
	User     string
	Password func() string
	Timeout  time.Duration
	TLS      *tls.Config // nil verifies by the system's roots

	host string
	port int
	tls  bool
	near bool
}

// NewMail checks a configuration. Nothing is connected.
func NewMail(c MailConfig) (*Mail, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("url: an address like smtp://mail.example:587 or smtps://mail.example:465 is needed")
	}
	c.host, c.tls = u.Hostname(), u.Scheme == "smtps"
	if c.port, err = strconv.Atoi(cmp.Or(u.Port(), map[bool]string{false: "587", true: "465"}[c.tls])); err != nil {
		return nil, fmt.Errorf("url: port %q is no number", u.Port())
	}
	ip := net.ParseIP(c.host)
	c.near = c.host == "localhost" || ip != nil && ip.IsLoopback()
	if err := mail.NewMsg().From(c.From); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	return &Mail{c}, nil
}

// Send implements [notify.Channel]. The Message-ID is made of the notice's.
func (m *Mail) Send(ctx context.Context, n notify.Notice) error {
	const op = "notify.Mail"
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(m.cfg.From), msg.To(n.To...)); err != nil {
		return fault.At(op, fault.Rejected, "to", err)
	}
	msg.Subject(n.Subject)
	msg.SetMessageIDWithValue(n.ID + "@" + m.cfg.host)
	msg.SetDateWithValue(n.At)
	// RFC 3834: whoever is away does not answer a machine.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, n.Text)

	opts := []mail.Option{mail.WithPort(m.cfg.port), mail.WithTimeout(m.cfg.Timeout)}
	switch {
	case m.cfg.tls:
		opts = append(opts, mail.WithSSL())
	case m.cfg.near:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.cfg.TLS != nil {
		opts = append(opts, mail.WithTLSConfig(m.cfg.TLS))
	}
	if m.cfg.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.cfg.User), mail.WithPassword(m.cfg.Password()))
	}
	c, err := mail.NewClient(m.cfg.host, opts...)
	if err != nil {
		return fault.E(op, fault.Internal, err)
	}
	// Until the message itself is sent nobody has heard of it.
	if err := c.DialWithContext(ctx); err != nil {
		return fault.E(op, fault.Unavailable, err)
	}
	err = c.Send(msg)
	_ = c.Close() // the server has said what it took
	return sent(op, err)
}

// sent says what an error of sending means. A server's own no is kept apart by its first digit
// (RFC 5321 section 4.2.1); whatever ended while the server was to say that it takes the message
// may have been taken.
func sent(op string, err error) error {
	if err == nil {
		return nil
	}
	if no, ok := errors.AsType[*mail.SendError](err); ok {
		unsaid := no.ErrorCode() == 0
		if unsaid && (no.Reason == mail.ErrSMTPDataClose || no.Reason == mail.ErrWriteContent) {
			return fault.E(op, fault.Unknown, err)
		}
		if unsaid || no.IsTemp() {
			return fault.E(op, fault.Transient, err)
		}
		return fault.E(op, fault.Rejected, err)
	}
	return fault.E(op, fault.Unknown, err)
}
