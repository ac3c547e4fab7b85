package rabbitmq

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/paklog/hub/core/journal"
)

func TestWhatNamesNoBrokerIsRefusedAndItsPasswordIsNotTold(t *testing.T) {
	for _, bad := range []string{"", "host:5672", "http://u:hush@h/", "amqp://", "amqp://u:hush@h:port/", "amqp://u:hush@h:5672/%zz"} {
		if err := CheckURL(bad); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", bad, err)
		}
		if got := Host(bad); strings.Contains(got, "hush") {
			t.Errorf("%q is at %q", bad, got)
		}
	}
	for good, at := range map[string]string{
		"amqp://u:hush@h/": "h:5672/", "amqps://u:hush@h/dc1": "h:5671/dc1", "amqp://u:hush@h:5673/%2f": "h:5673/",
	} {
		if err := CheckURL(good); err != nil || Host(good) != at {
			t.Errorf("%q: %v, at %q", good, err, Host(good))
		}
	}
	_, err := Check(Options{URL: func() string { return "amqp://u:hush@127.0.0.1:1/" }}, nil)
	if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "127.0.0.1:1/") {
		t.Errorf("nobody there: %v", err)
	}
	_, err = Check(Options{URL: func() string { return "amqps://u:hush@127.0.0.1:1/" }, CA: "nowhere.pem"}, nil)
	if err == nil || !strings.Contains(err.Error(), "nowhere.pem") {
		t.Errorf("no authorities: %v", err)
	}
}

func TestNamesThatNoQueueMayHaveAreRefused(t *testing.T) {
	for _, bad := range []string{"amq.x", "a b", "a\x00", "a\xff", strings.Repeat("x", 101)} {
		if CheckPrefix(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range []string{"", "paklog.", "dc1/", "лагер."} {
		if err := CheckPrefix(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestAMessageNamesItsRecordAndKeepsPersonalDataBack(t *testing.T) {
	r := journal.Record{
		ID: journal.ID{}.Child("test", "r", 1), Pos: 4711, Type: "erp.Issue", Key: "order", Data: []byte(`{"delivery":"80000001"}`), Time: time.Unix(1_700_000_000, 0),
		Correlation: strings.Repeat("c", 300), Subject: "somebody", Personal: []byte("Jo Personal"), Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	p := publishing(&r)
	if p.DeliveryMode != amqp.Persistent || p.CorrelationId != "" || p.Headers[headerTrace] != r.Trace || string(p.Body) != string(r.Data) {
		t.Errorf("%+v", p)
	}
	d := amqp.Delivery{MessageId: p.MessageId, Headers: p.Headers, Body: p.Body, Type: p.Type}
	if id, pos := reference(&d); id != r.ID || pos != r.Pos {
		t.Errorf("it says %s at %d", id, pos)
	}
}

func TestWhatIsNoReferenceIsNone(t *testing.T) {
	good := journal.ID{}.Child("test", "r", 1).String()
	for what, d := range map[string]amqp.Delivery{
		"nothing":             {},
		"no position":         {MessageId: good},
		"a position of words": {MessageId: good, Headers: amqp.Table{headerPosition: "7"}},
		"one before the log":  {MessageId: good, Headers: amqp.Table{headerPosition: int64(-7)}},
		"no id":               {MessageId: "7", Headers: amqp.Table{headerPosition: int64(7)}},
	} {
		if id, pos := reference(&d); !id.IsZero() || pos != 0 {
			t.Errorf("%s: %s at %d", what, id, pos)
		}
	}
}

// Strangers write what they like; what is kept of it is bounded and can be shown, and the same giving up
// has the same id.
func TestWhatIsGivenUpIsBoundedAndKnownAgain(t *testing.T) {
	l := NewLink(LinkOptions{Options: Options{Prefix: "p."}})
	xdeath := []any{amqp.Table{"queue": "p.erp.main", "reason": "rejected", "count": int64(1)}, amqp.Table{"queue": "p.other", "reason": "expired"}}
	d := amqp.Delivery{
		MessageId: "a\x00\xff" + strings.Repeat("x", 1000), Type: "erp.Issue", Body: make([]byte, 1<<20), Timestamp: time.Time{},
		Headers: amqp.Table{"x-death": xdeath, headerKey: int64(7), headerTrace: strings.Repeat("t", 5000)},
	}
	make1 := func(d amqp.Delivery) journal.Record { q, r, n := death(&d); return l.givenUp(&d, q, r, n) }
	r := make1(d)
	if r.Headers["queue"] != "erp.main" || r.Headers["reason"] != "rejected" || r.Headers["position"] != "0" || len(r.Personal) != mostOfBody || r.Subject == "" || r.Trace != "" || r.Key != "" {
		t.Errorf("%+v", r.Headers)
	}
	for k, v := range r.Headers {
		if len(v) > mostOfName || strings.Contains(v, "\x00") || !utf8.ValidString(v) {
			t.Errorf("%s is %d bytes: %q", k, len(v), v)
		}
	}
	if again := make1(d); again.ID != r.ID {
		t.Error("the same has another id")
	}
	xdeath[0].(amqp.Table)["count"] = int64(2)
	if other := make1(d); other.ID == r.ID {
		t.Error("given up once more it is the same")
	}
	if queue, reason, _ := death(&amqp.Delivery{Headers: amqp.Table{"x-death": "nonsense"}}); queue != "" || reason == "" {
		t.Errorf("%q, %q", queue, reason)
	}
	for n, want := range map[any]int64{int64(3): 3, int32(4): 4, "5": 0, nil: 0} {
		if got := back(&amqp.Delivery{Headers: amqp.Table{"x-delivery-count": n}}); got != want {
			t.Errorf("%v counts %d", n, got)
		}
	}
}
