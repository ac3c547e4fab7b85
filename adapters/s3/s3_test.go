package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/paklog/hub/adapters/internal/payload"
	"github.com/paklog/hub/adapters/s3/s3test"
	"github.com/paklog/hub/core/fault"
)

func open(t *testing.T, server *s3test.Server, change ...func(*Config)) *Store {
	t.Helper()
	c := Config{Endpoint: server.Endpoint, Bucket: server.Bucket, Prefix: "hub/", AccessKey: server.Access, SecretKey: server.Secret, PathStyle: true, Spool: t.TempDir()}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.grace = 15 * time.Second
	return s
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(b)
	return b
}

func read(t *testing.T, s *Store, name string) ([]byte, error) {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

// put keeps b as a long payload is kept.
func put(t *testing.T, s *Store, b []byte) string {
	t.Helper()
	d, err := s.Draft(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Drop()
	if _, err := d.Write(b); err != nil {
		t.Fatal(err)
	}
	name, err := d.Keep()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(d.Content()); err != nil || !bytes.Equal(got, b) {
		t.Errorf("what was kept reads as %d bytes, %v", len(got), err)
	}
	return name
}

func TestPayloadsAreObjects(t *testing.T) {
	t.Parallel()
	server := s3test.New(t)
	s := open(t, server)
	for _, n := range []int{0, 1, 70_000, parts - 1, parts, 3*parts + 17} {
		b := noise(uint64(n), n)
		name, err := s.Put(t.Context(), bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{name, put(t, s, b), put(t, s, b)} {
			if got, err := read(t, s, name); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%d bytes come back as %d, %v", n, len(got), err)
			}
			if err := s.Verify(t.Context(), name); err != nil {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		if again, err := s.Put(t.Context(), bytes.NewReader(b)); err != nil || again != name {
			t.Errorf("put again it is %s, %v", again, err)
		}
	}
	if keys := server.Keys(); len(keys) != 12 {
		t.Errorf("objects: %q", keys)
	}
	// The files that they were written to first are gone.
	if left, err := os.ReadDir(s.c.Spool); len(left) > 0 || err != nil {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func never(context.Context, string) (bool, error) { return false, nil }

// older has one payload, and sweeps one away.
type older struct{ name, text string }

func (o older) Open(_ context.Context, name string) (io.ReadCloser, error) {
	if name != o.name {
		return nil, fault.E("older.Open", fault.Rejected, errors.New("none"))
	}
	return io.NopCloser(strings.NewReader(o.text)), nil
}

func (older) Sweep(context.Context, time.Time, func(context.Context, string) (bool, error)) (int, error) {
	return 1, nil
}

// What was put before there was a bucket is read and swept.
func TestWhatWasFilesIsRead(t *testing.T) {
	t.Parallel()
	server := s3test.New(t)
	sum := sha256.Sum256([]byte("before"))
	name := hex.EncodeToString(sum[:])
	s := open(t, server, func(c *Config) { c.Older = older{name, "before"} })
	if got, err := read(t, s, name); err != nil || string(got) != "before" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := read(t, s, strings.Repeat("0", 64)); fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "bring it back") {
		t.Errorf("none: %v", err)
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), never); n != 1 || err != nil {
		t.Errorf("%d go, %v", n, err)
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	server := s3test.New(t)
	s := open(t, server, func(c *Config) { c.Max = 10 })
	name, err := s.Put(t.Context(), strings.NewReader("whole"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = read(t, s, strings.Repeat("0", 64))
	if fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "nor among older ones") {
		t.Errorf("none: %v", err)
	}
	for _, bad := range []string{"", "..", name[:63], strings.ToUpper(name), name + "/"} {
		if _, err := read(t, s, bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := s.Put(t.Context(), strings.NewReader("more than ten")); fault.KindOf(err) != fault.Rejected {
		t.Errorf("too long: %v", err)
	}
	if _, err := s.Put(t.Context(), io.MultiReader(strings.NewReader("half"), broken{})); err == nil {
		t.Error("half a payload is taken")
	}
	for _, changed := range []string{"wholE", "whol", ""} {
		if _, err := server.Client.PutObject(t.Context(), server.Bucket, "hub/"+name[:2]+"/"+name[2:], strings.NewReader(changed), int64(len(changed)), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, s, name); fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "torn or changed") {
			t.Errorf("%q: %v", changed, err)
		}
		if err := s.Verify(t.Context(), name); err == nil {
			t.Errorf("%q is verified", changed)
		}
	}
	// One that was cut short is mended by what is put again, young as it is.
	if _, err := s.Put(t.Context(), strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t, s, name); err != nil || string(got) != "whole" {
		t.Errorf("put again: %q, %v", got, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the line broke") }

func TestAStoreThatIsAwayWaits(t *testing.T) {
	t.Parallel()
	server := s3test.New(t)
	s := open(t, server)
	name, err := s.Put(t.Context(), strings.NewReader("before"))
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Config){
		"a wrong key":    func(c *Config) { c.SecretKey = "wrong" },
		"another bucket": func(c *Config) { c.Bucket = "no-such-bucket" },
		"another user":   func(c *Config) { c.AccessKey = "nobody" },
	} {
		wrong := open(t, server, change)
		if _, err := wrong.Put(t.Context(), strings.NewReader("x")); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s, put: %v", what, err)
		}
		if _, err := read(t, wrong, name); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s, read: %v", what, err)
		}
		if _, err := wrong.Sweep(t.Context(), time.Now(), never); err == nil {
			t.Errorf("%s, sweep: no error", what)
		}
		if c := wrong.Check(t.Context()); c == nil {
			t.Errorf("%s: nothing is found", what)
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	server.Stop()
	if _, err := s.Put(t.Context(), strings.NewReader("during")); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), server.Endpoint) {
		t.Errorf("put while it is away: %v", err)
	}
	if _, err := read(t, s, name); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("read while it is away: %v", err)
	}
	server.Start()
	during, err := s.Put(t.Context(), strings.NewReader("during"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{name, during} {
		if err := s.Verify(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
}

func TestAnEndpointIsChecked(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]Config{
		"no endpoint":  {Bucket: "b"},
		"no scheme":    {Endpoint: "127.0.0.1:9000", Bucket: "b"},
		"a path":       {Endpoint: "https://h/b", Bucket: "b"},
		"a user in it": {Endpoint: "https://a:b@h", Bucket: "b"},
		"no bucket":    {Endpoint: "https://h"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestSweepRemovesWhatNothingNames(t *testing.T) {
	t.Parallel()
	server := s3test.New(t)
	s := open(t, server)
	var names []string
	for i := range 6 {
		b := noise(uint64(i), 1000)
		name, err := s.Put(t.Context(), bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name, put(t, s, b))
	}
	for _, key := range []string{"hub/readme.txt", "hub/" + names[0], "other/" + names[0][:2] + "/" + names[0][2:]} {
		if _, err := server.Client.PutObject(t.Context(), server.Bucket, key, strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	upload, err := s.client.NewMultipartUpload(t.Context(), server.Bucket, "hub/"+names[0][:2]+"/half", minio.PutObjectOptions{})
	if err != nil || upload == "" {
		t.Fatal(err)
	}
	used := func(_ context.Context, name string) (bool, error) { return name < names[0] || name == names[1], nil }
	if n, err := s.Sweep(t.Context(), time.Now().Add(-time.Hour), never); n != 0 || err != nil {
		t.Errorf("young ones: %d go, %v", n, err)
	}
	if _, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), func(context.Context, string) (bool, error) { return false, errors.New("the journal is away") }); err == nil || len(server.Keys()) != 15 {
		t.Errorf("without an answer: %v, %d are left", err, len(server.Keys()))
	}
	want := 0
	for _, name := range names {
		if u, _ := used(t.Context(), name); !u {
			want++
		}
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), used); n != want || err != nil {
		t.Errorf("%d go, %v; %d are named by nothing", n, err, want)
	}
	for _, name := range names {
		u, _ := used(t.Context(), name)
		if _, err := read(t, s, name); (err == nil) != u {
			t.Errorf("%s, used %t: %v", name, u, err)
		}
	}
	if keys := server.Keys(); len(keys) != 3+len(names)-want {
		t.Errorf("left: %q", keys)
	}
	for i := range server.Client.ListIncompleteUploads(t.Context(), server.Bucket, "", true) {
		t.Errorf("an upload is left: %v", i)
	}
}

// Whoever puts a payload again while it is swept away has it, in whatever order the two go: what is named by
// nothing is asked for, put again meanwhile, marked, looked at and removed.
func TestWhatIsPutAgainWhileItIsSweptStays(t *testing.T) {
	t.Parallel()
	server := s3test.New(t)
	s := open(t, server, func(c *Config) { c.Transport = &aging{puts: map[string]int{}} })
	for i := range 50 {
		b := noise(uint64(i), 5000)
		name := put(t, s, b)
		before := time.Now().Add(-time.Hour)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.removeOld(t.Context(), name, payload.Fast, before); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			// versitygw refuses now and then what is put while it removes the folder that it was alone in;
			// whoever puts tries again, as the hub does.
			for tries := 0; ; tries++ {
				d, err := s.Draft(t.Context())
				if err == nil {
					_, err = d.Write(b)
				}
				if err != nil {
					t.Error(err)
					return
				}
				again, err := d.Keep()
				d.Drop()
				if err == nil && again == name {
					return
				}
				if fault.KindOf(err) != fault.Unavailable || tries == 20 {
					t.Errorf("it is %s, %v", again, err)
					return
				}
			}
		})
		wg.Wait()
		if err := s.Verify(t.Context(), name); err != nil {
			t.Fatalf("round %d: what was put again is gone: %v", i, err)
		}
	}
	// A sweeper that died leaves its mark, and holds up nobody for ever.
	name := put(t, s, []byte("marked"))
	if _, err := server.Client.PutObject(t.Context(), server.Bucket, s.mark(name, payload.Fast), strings.NewReader(""), 0, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if put(t, s, []byte("marked")) != name || s.Verify(t.Context(), name) != nil {
		t.Error("a payload with a dead mark is not kept")
	}
	if removed, err := s.removeOld(t.Context(), name, payload.Fast, time.Now().Add(time.Hour)); removed || err != nil {
		t.Errorf("marked by another, it is removed: %t, %v", removed, err)
	}
	if _, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), func(context.Context, string) (bool, error) { return true, nil }); err != nil {
		t.Error(err)
	}
	for _, key := range server.Keys() {
		if strings.Contains(key, sweeping) {
			t.Errorf("mark %s is left", key)
		}
	}
}

// aging lets an object that was put once be years old, and one that was put again as young as it is.
type aging struct {
	mu   sync.Mutex
	puts map[string]int
}

func (a *aging) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusOK || strings.Contains(r.URL.Path, sweeping) {
		return res, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r.Method {
	case http.MethodPut:
		a.puts[r.URL.Path]++
	case http.MethodHead:
		if a.puts[r.URL.Path] < 2 {
			res.Header.Set("Last-Modified", time.Now().AddDate(-1, 0, 0).UTC().Format(http.TimeFormat))
		}
	}
	return res, nil
}
