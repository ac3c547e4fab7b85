package notifier_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/paklog/hub/adapters/notifier"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/notify"
)

// fine is no failure.
const fine fault.Kind = 255

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

var one = notify.Notice{
	ID: "n-1", At: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC), Rule: "shipped", To: []string{"jo@example.com"},
	Subject: "Order SO-1 has left", Text: "order SO-1 has left\n",
	Items: []notify.Item{{What: notify.Shipped, Order: "SO-1", Owner: "acme", Cartons: []notify.Carton{{SSCC: "1", Tracking: "1Z1"}}}},
}

// postOffice is an SMTP server; what it took is the ground truth.
type postOffice struct {
	mu    sync.Mutex
	rcpt  error // the answer to a recipient
	data  error // the answer to a message
	hangs bool  // it takes the message, and the connection ends before it says so
	took  []string
}

func (p *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{p, c}, nil }

type session struct {
	p *postOffice
	c *smtp.Conn
}

func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(string, *smtp.RcptOptions) error { return s.p.rcpt }
func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.data != nil {
		return s.p.data
	}
	s.p.took = append(s.p.took, string(b))
	if s.p.hangs {
		_ = s.c.Conn().Close() // the test is about just that
	}
	return nil
}

func (p *postOffice) open(t *testing.T) *notifier.Mail {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(p)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = l.Close() // where it does not serve yet, closing it closes nothing
		if err := errors.Join(ignoreClosed(srv.Close()), ignoreClosed(<-done)); err != nil {
			t.Error(err)
		}
	})
	m, err := notifier.NewMail(notifier.MailConfig{URL: "smtp://" + l.Addr().String(), From: "PakLog <wh@example.com>", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ignoreClosed(err error) error {
	if errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func TestMailIsTakenOnceOrItIsSaidWhy(t *testing.T) {
	temp := &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "later"}
	never := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	for name, c := range map[string]struct {
		p    *postOffice
		n    func(notify.Notice) notify.Notice
		kind fault.Kind
		took int
	}{
		"taken":                             {took: 1, kind: fine},
		"a mailbox that is full for now":    {p: &postOffice{rcpt: temp}, kind: fault.Transient},
		"nobody's mailbox":                  {p: &postOffice{rcpt: never}, kind: fault.Rejected},
		"a message that is refused":         {p: &postOffice{data: never}, kind: fault.Rejected},
		"a message that is refused for now": {p: &postOffice{data: temp}, kind: fault.Transient},
		"taken, and the answer is lost":     {p: &postOffice{hangs: true}, took: 1, kind: fault.Unknown},
		"an address that is none":           {n: func(n notify.Notice) notify.Notice { n.To = []string{"jo at home"}; return n }, kind: fault.Rejected},
		"a subject that would be a header": {n: func(n notify.Notice) notify.Notice {
			n.Subject = "a\r\nBcc: all@example.com"
			return n
		}, took: 1, kind: fine},
	} {
		t.Run(name, func(t *testing.T) {
			if c.p == nil {
				c.p = &postOffice{}
			}
			m := c.p.open(t)
			n := one
			if c.n != nil {
				n = c.n(n)
			}
			err := m.Send(t.Context(), n)
			if (c.kind == fine) != (err == nil) || err != nil && fault.KindOf(err) != c.kind {
				t.Errorf("%v (%v)", err, fault.KindOf(err))
			}
			c.p.mu.Lock()
			defer c.p.mu.Unlock()
			if len(c.p.took) != c.took {
				t.Fatalf("%d mails were taken", len(c.p.took))
			}
			if c.took == 0 || c.kind != fine {
				return
			}
			got, err := mail.ReadMessage(strings.NewReader(c.p.took[0]))
			if err != nil {
				t.Fatal(err)
			}
			h := got.Header
			if h.Get("Message-Id") != "<n-1@127.0.0.1>" || h.Get("To") != "<jo@example.com>" || h.Get("Bcc") != "" || h.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("%v", h)
			}
		})
	}
	t.Run("nobody is there", func(t *testing.T) {
		m, err := notifier.NewMail(notifier.MailConfig{URL: "smtp://127.0.0.1:1", From: "wh@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Send(t.Context(), one); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%v (%v)", err, fault.KindOf(err))
		}
	})
}

func TestWhatIsNoMailServerIsRefused(t *testing.T) {
	for _, c := range []notifier.MailConfig{
		{URL: "", From: "wh@example.com"}, {URL: "http://mail.example", From: "wh@example.com"}, {URL: "smtp://mail.example:x", From: "wh@example.com"},
		{URL: "smtp://mail.example", From: "us"}, {URL: "smtp://mail.example", From: ""},
	} {
		if _, err := notifier.NewMail(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// answers serves one address of the web.
func answers(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/hook"
}

func TestAHookIsSignedAndKeepsItsID(t *testing.T) {
	verify, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	var ids, bodies []string
	at := answers(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if err := verify.Verify(b, r.Header); err != nil {
			t.Errorf("the signature: %v", err)
		}
		ids, bodies = append(ids, r.Header.Get("webhook-id")), append(bodies, string(b))
		w.WriteHeader(http.StatusNoContent)
	})
	h, err := notifier.NewHook("hook", at, secret, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for range 2 {
		if err := h.Send(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 || ids[0] != "n-1" || ids[1] != ids[0] || !strings.Contains(bodies[0], `"type":"order.shipped"`) || !strings.Contains(bodies[0], `"tracking":"1Z1"`) || strings.Contains(bodies[0], "jo@") {
		t.Errorf("%v %v", ids, bodies)
	}
}

func TestWhatTheWebAnswers(t *testing.T) {
	type sender interface {
		Send(context.Context, notify.Notice) error
		Close() error
	}
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		kind fault.Kind
	}{
		"ok, which is no JSON": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, fine},
		"too many":             {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, fault.Throttled},
		"gone":                 {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }, fault.Rejected},
		"a server's error":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, fault.Unknown},
		"a lost answer":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			at := answers(t, c.h)
			hook, err := notifier.NewHook("hook", at, secret, 0, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			chat, err := notifier.NewChat("chat", at, 0, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []sender{hook, chat} {
				err := s.Send(t.Context(), one)
				if (c.kind == fine) != (err == nil) || err != nil && fault.KindOf(err) != c.kind {
					t.Errorf("%T: %v (%v)", s, err, fault.KindOf(err))
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if _, err := notifier.NewHook("hook", "https://x.example", "not base64!", 0, time.Now); err == nil {
		t.Error("a secret that is none is taken")
	}
	for _, u := range []string{"", "ftp://x.example", "x.example/hook"} {
		if _, err := notifier.NewChat("chat", u, 0, time.Now); err == nil {
			t.Errorf("%q is taken", u)
		}
	}
}
