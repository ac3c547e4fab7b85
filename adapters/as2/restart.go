package as2

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/as2"
)

// Bounds of what is kept of messages that broke off (AS2 Restart).
const (
	// partialAge is how long the beginning of a message waits for its rest.
	partialAge = 24 * time.Hour
	// partialsEach is how many a partner may have beside those that are coming now: then his oldest goes.
	partialsEach = 8
	// partialStep is how much of a message comes between two syncs of its beginning.
	partialStep = 16 << 20
)

// partials are the beginnings of messages whose sender may go on where he was cut off. One is a file whose name
// holds how much of it was synced: whatever else stands in it is cut off, so that neither a process that is killed
// nor a power cut leaves more than there is.
type partials struct {
	dir   string
	now   func() time.Time
	mu    sync.Mutex
	under map[string]transfer // that are coming now, by key
}

// A transfer is a request that has a partial for itself.
type transfer struct {
	body *paced
	done chan struct{} // closed once it is given back
}

// partialKey names a transfer of a partner. Without - it is a beginning of its file's name.
func partialKey(partner, tag string) string {
	short := func(s string, n int) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:n])
	}
	return short(partner, 8) + "." + short(tag, 16)
}

// claim waits until nobody else reads that transfer. Who still does is cut off: his sender has come by another
// connection, and what he waits for never comes.
func (p *partials) claim(ctx context.Context, key string, body *paced) (release func(), err error) {
	own := transfer{body, make(chan struct{})}
	for {
		p.mu.Lock()
		other, taken := p.under[key]
		if !taken {
			p.under[key] = own
		}
		p.mu.Unlock()
		if !taken {
			return func() {
				p.mu.Lock()
				delete(p.under, key)
				p.mu.Unlock()
				close(own.done)
			}, nil
		}
		other.body.stop()
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A partial is the beginning of one message. Its transfer is claimed.
type partial struct {
	f     *os.File
	base  string // its path up to the length
	named int64  // that length
	size  int64
}

func (p *partial) path() string { return p.base + strconv.FormatInt(p.named, 10) }

// find says how long a beginning is, and by its name; both are negative where there is none.
func (p *partials) find(key string) (size, named int64, err error) {
	entries, err := p.list()
	for _, e := range entries {
		length, ok := strings.CutPrefix(e.Name(), key+"-")
		n, bad := strconv.ParseInt(length, 10, 64)
		if !ok || bad != nil {
			continue
		}
		i, err := e.Info()
		if err != nil {
			return 0, 0, err
		}
		return min(n, i.Size()), n, nil
	}
	return -1, -1, err
}

func (p *partials) list() ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// open has a partial for more bytes behind the first of it. It is at fault where those did not come.
func (p *partials) open(key string, first int64) (*partial, error) {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, err
	}
	out := &partial{base: filepath.Join(p.dir, key+"-")}
	var err error
	if out.size, out.named, err = p.find(key); err != nil {
		return nil, err
	}
	if first > max(out.size, 0) {
		return nil, fault.E("as2.restart", fault.Rejected, fmt.Errorf("from byte %d, and %d are here", first, max(out.size, 0)))
	}
	if out.named < 0 {
		if err := p.prune(key); err != nil {
			return nil, err
		}
		out.named = 0
	}
	if out.f, err = os.OpenFile(out.path(), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err = out.cut(first); err == nil {
		_, err = out.f.Seek(first, io.SeekStart)
	}
	if err != nil {
		out.f.Close()
		return nil, err
	}
	return out, nil
}

// prune removes what is too old, and the oldest of the partner of key who has too many; "" is of none.
func (p *partials) prune(key string) error {
	entries, err := p.list()
	if err != nil {
		return err
	}
	type old struct {
		path string
		at   time.Time
	}
	var his []old
	partner, _, _ := strings.Cut(key, ".")
	for _, e := range entries {
		i, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // done meanwhile
		}
		if err != nil {
			return err
		}
		path := filepath.Join(p.dir, e.Name())
		name, _, _ := strings.Cut(e.Name(), "-")
		p.mu.Lock()
		_, coming := p.under[name]
		p.mu.Unlock()
		switch {
		case coming:
		case p.now().Sub(i.ModTime()) > partialAge:
			if err := gone(path); err != nil {
				return err
			}
		case strings.HasPrefix(name, partner+"."):
			his = append(his, old{path, i.ModTime()})
		}
	}
	slices.SortFunc(his, func(a, b old) int { return a.at.Compare(b.at) })
	for len(his) >= partialsEach {
		if err := gone(his[0].path); err != nil {
			return err
		}
		his = his[1:]
	}
	return nil
}

func gone(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// save makes durable what has come, then says so in the name. A name that a power cut takes back says less.
func (p *partial) save() error {
	if err := p.f.Sync(); err != nil {
		return err
	}
	return p.name(p.size)
}

// name gives it the name of a length.
func (p *partial) name(size int64) error {
	to := partial{base: p.base, named: size}
	if size == p.named {
		return nil
	}
	if err := os.Rename(p.path(), to.path()); err != nil {
		return err
	}
	p.named = size
	return nil
}

// cut leaves the first bytes. Their number stands in the name, for good, before others are written over the rest.
func (p *partial) cut(size int64) error {
	if size < p.named {
		if err := p.name(size); err != nil {
			return err
		}
		dir, err := os.Open(filepath.Dir(p.base))
		if err != nil {
			return err
		}
		if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
			return err
		}
	}
	p.size = size
	return p.f.Truncate(size)
}

// readFrom adds what r yields, at most so many bytes, and makes what came durable where it breaks off. An error of
// ours is at fault.
func (p *partial) readFrom(r io.Reader, most int64) error {
	for most > 0 {
		from := &noting{r: r}
		n, err := io.CopyN(p.f, from, min(most, partialStep))
		p.size += n
		most -= n
		if err != nil && !errors.Is(err, from.err) {
			return fault.E("as2.restart", fault.Transient, err)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if own := p.save(); own != nil {
			return fault.E("as2.restart", fault.Transient, own)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noting keeps the error of a reader apart from that of whom it is copied to.
type noting struct {
	r   io.Reader
	err error
}

func (n *noting) Read(b []byte) (int, error) {
	c, err := n.r.Read(b)
	n.err = err
	return c, err
}

// shorten leaves a message that came whole, but was not answered, without its end: then its sender has something to
// go on with.
func (p *partial) shorten() error {
	if err := p.cut(p.size - 1); err != nil {
		return err
	}
	return p.save()
}

// restartable says that a request may be the rest of a message, or go on later.
func (in *incoming) restartable(r *http.Request) error {
	if !in.profile.Restart {
		if in.header.Get("Content-Range") != "" {
			return errors.New("Content-Range: a rest of a message is not agreed")
		}
		return nil
	}
	part, err := as2.ParsePart(in.header)
	if err != nil {
		return err
	}
	if part.Total > 0 && r.ContentLength >= 0 && r.ContentLength != part.Total-part.First {
		return fmt.Errorf("Content-Range: %d bytes come, and %d are missing", r.ContentLength, part.Total-part.First)
	}
	if part.Total > 0 || r.ContentLength < 0 || r.ContentLength > inline {
		in.part = part // a short one is sent whole again as fast
	}
	return nil
}

// resume spools a message of which a beginning may be here, and keeps what comes of it where it breaks off.
func (in *incoming) resume() (status int, err error) {
	most := in.cfg.MaxBytes
	if own := in.profile.Door.MaxBytes; own > 0 {
		most = min(most, own)
	}
	if in.part.Total > most {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("%d bytes, %d at most", in.part.Total, most)
	}
	p, err := in.partials.open(partialKey(in.partner, in.part.Tag), in.part.First)
	if fault.KindOf(err) == fault.Rejected {
		return http.StatusRequestedRangeNotSatisfiable, err
	}
	if err != nil {
		return http.StatusServiceUnavailable, err
	}
	in.begun = p
	end := cmp.Or(in.part.Total, most)
	if err := p.readFrom(in.slow, end-p.size+1); err != nil {
		if _, ours := errors.AsType[*fault.Error](err); ours {
			return http.StatusServiceUnavailable, err
		}
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return http.StatusRequestEntityTooLarge, errors.Join(err, p.drop())
		}
		return http.StatusRequestTimeout, err
	}
	switch {
	case p.size > most:
		return http.StatusRequestEntityTooLarge, errors.Join(fmt.Errorf("more than %d bytes", most), p.drop())
	case p.size > end:
		return http.StatusBadRequest, errors.Join(fmt.Errorf("more than the %d bytes of Content-Range", end), p.drop())
	case p.size < in.part.Total:
		return http.StatusRequestTimeout, errors.Join(fmt.Errorf("%d of %d bytes", p.size, in.part.Total), p.save())
	}
	if _, err := p.f.Seek(0, io.SeekStart); err != nil {
		return http.StatusServiceUnavailable, err
	}
	if _, err = in.body.ReadFrom(io.LimitReader(p.f, p.size)); err == nil {
		_, err = in.body.keep()
	}
	if err != nil {
		return http.StatusServiceUnavailable, errors.Join(err, p.shorten())
	}
	return 0, nil
}

// drop removes a partial.
func (p *partial) drop() error { return gone(p.path()) }

// ended closes what was kept of a message; of one that was answered nothing is kept.
func (in *incoming) ended(whole bool) {
	p := in.begun
	if p == nil {
		return
	}
	var err error
	switch {
	case in.answered:
		err = p.drop()
	case whole:
		err = p.shorten()
	case p.size == 0:
		err = p.drop()
	}
	if err = errors.Join(err, p.f.Close()); err != nil {
		in.cfg.Log.Warn("what came of a message is not kept as it should be", "partner", in.partner, "msg_id", in.req.MessageID, "err", err)
	}
}

// arrived tells a partner how much of a message is here: the answer to HEAD has no body, and its Content-Length is
// that number. Who does not restart is not answered, and not told more than before.
func (s *Station) arrived(w http.ResponseWriter, r *http.Request) bool {
	in := &incoming{Station: s, header: map[string][]string(r.Header), now: s.cfg.Now().UTC()}
	in.req, _ = as2.ParseRequest(in.header) // a Message-ID is not needed
	var known bool
	in.partner, known = s.partners[[2]string{in.req.From, in.req.To}]
	in.profile = s.cfg.Partners[in.partner]
	if !known || !in.profile.Restart {
		return false
	}
	if !in.admitted(w, r) {
		return true
	}
	part, err := as2.ParsePart(in.header)
	if err != nil || part.Tag == "" {
		refuse(w, http.StatusBadRequest, "HEAD asks for an ETag")
		return true
	}
	key := partialKey(in.partner, part.Tag)
	release, err := s.partials.claim(r.Context(), key, &paced{over: true})
	if err != nil {
		busy(w)
		return true
	}
	defer release()
	size, _, err := s.partials.find(key)
	if err != nil {
		in.cfg.Log.Error("what came of a message cannot be looked for", "partner", in.partner, "err", err)
		busy(w)
		return true
	}
	w.Header().Set("Etag", part.Tag)
	w.Header().Set("Content-Length", strconv.FormatInt(max(size, 0), 10))
	w.WriteHeader(http.StatusOK)
	return true
}

// askWithin is how long a partner may take to say how much he has.
const askWithin = 30 * time.Second

// has asks a partner how much of a message is at his station. Who does not say gets all of it; one whose line breaks is
// asked twice, for all of a long message is much.
func (s *Station) has(ctx context.Context, partner string, p Profile, m door.Sent) int64 {
	if !p.Restart || len(m.Headers["Etag"]) == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, p.URL, nil)
		if err != nil {
			return 0
		}
		for _, name := range []string{"As2-Version", "As2-From", "As2-To", "Message-Id", "Etag"} {
			req.Header[name] = m.Headers[name]
		}
		s.identify(req, p)
		res, err := s.clients[partner].Do(req)
		if err != nil {
			continue
		}
		_ = res.Body.Close() // HEAD has none
		if n := res.ContentLength; res.StatusCode == http.StatusOK && n > 0 && n < m.Bytes {
			return n
		}
		return 0
	}
	return 0
}
