// Package s3 keeps payloads as objects of an S3-compatible store, under the names that adapters/blob gives
// their files: a folder of payloads that is copied into the bucket is what this package reads.
//
// A payload is written to a file first, for it is named by its hash, and is whole in the bucket before Put
// returns: the store takes an object at once or not at all. What was put before the bucket was configured is
// read from the folder still.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/paklog/hub/adapters/internal/payload"
	"github.com/paklog/hub/core/fault"
)

// Config of a store. The zero value of a field is the default named beside it.
type Config struct {
	Endpoint  string // https://HOST[:PORT]; no default
	Region    string // us-east-1
	Bucket    string // it is there already; no default
	Prefix    string // of every key
	AccessKey string
	SecretKey string
	PathStyle bool              // the bucket in the path, not in the host's name
	Spool     string            // folder that payloads are written to first; "" is that of the system
	Older     Older             // where payloads were kept before; nil is nowhere
	Max       int64             // longest payload in bytes: 4 GiB
	Transport http.RoundTripper // minio-go's own
}

// Older is a store of payloads that is read and swept, and written no more.
type Older interface {
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	Sweep(ctx context.Context, before time.Time, referred func(ctx context.Context, name string) (bool, error)) (int, error)
}

// Store is a bucket of payloads, or a part of one. Several processes may use it.
type Store struct {
	c      Config
	client *minio.Core
	grace  time.Duration // longest time from a sweeper's mark to the end of what it removes
}

const (
	// parts are what is sent at once of a long payload, and held in memory: the least that S3 takes.
	parts = 5 << 20
	// sweeping begins the names of marks: an object of that name is being removed.
	sweeping = "sweeping/"
	// fresh is how old an object is at most that nobody removes: sweepers leave what is younger than a day.
	fresh = 12 * time.Hour
)

// New makes a store; it asks the server for nothing yet.
func New(c Config) (*Store, error) {
	const op = "opening an S3 store"
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.User != nil:
		return nil, fmt.Errorf("%q is none, as https://HOST[:PORT]", c.Endpoint)
	case c.Bucket == "":
		return nil, fmt.Errorf("%s: it needs a bucket", op)
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Max == 0 {
		c.Max = 4 << 30
	}
	how := minio.BucketLookupDNS
	if c.PathStyle {
		how = minio.BucketLookupPath
	}
	client, err := minio.NewCore(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Secure: u.Scheme == "https", Region: c.Region,
		BucketLookup: how, Transport: c.Transport, TrailingHeaders: true, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return &Store{c: c, client: client, grace: time.Minute}, nil
}

// key is where an object lies: PREFIX + the first two digits + / + the others + suffix.
func (s *Store) key(name, suffix string) string {
	return s.c.Prefix + name[:2] + "/" + name[2:] + suffix
}

func (s *Store) mark(name, suffix string) string { return s.c.Prefix + sweeping + name + suffix }

// Put keeps what r yields and returns its SHA-256. When it returns, the object is whole. It may be repeated.
func (s *Store) Put(ctx context.Context, r io.Reader) (string, error) {
	d, err := s.draft(ctx, "")
	if err != nil {
		return "", err
	}
	defer d.Drop()
	if _, err := io.Copy(d, r); err != nil {
		if _, ours := errors.AsType[*fault.Error](err); ours {
			return "", err
		}
		return "", fault.E("s3.Put", fault.Transient, fmt.Errorf("writing a payload: %w", err))
	}
	return d.Keep()
}

// upload makes sure that the object is there, and that no sweeper removes it: one that has lain for long may be
// found to be named by nothing at the moment at which it is put again.
func (s *Store) upload(ctx context.Context, d *Draft, name, suffix string, size int64) error {
	const op = "s3.Put"
	key := s.key(name, suffix)
	there, err := s.stat(ctx, key)
	if err != nil {
		return fault.E(op, kindOf(err), s.told("asking for", key, err))
	}
	// A sweeper's clock may differ from the server's by hours.
	if there != nil && there.Size == size && time.Since(there.LastModified) < fresh {
		return nil
	}
	for {
		// Of what can be read anywhere minio-go 7.4.1 sends wrong checksums of parts without TLS, so that is hidden.
		// Without TLS each chunk is signed with its SHA-256; with it a CRC32C goes behind the content.
		o := minio.PutObjectOptions{ContentType: "application/octet-stream", PartSize: parts}
		if there == nil {
			o.SetMatchETagExcept("*")
		}
		_, err := s.client.Client.PutObject(ctx, s.c.Bucket, key, struct{ io.Reader }{d.Content()}, size, o)
		if there == nil && code(err) == minio.PreconditionFailed {
			err = nil // another has put it just now, or we did, and the answer was lost
		}
		if err != nil {
			return fault.E(op, kindOf(err), s.told("writing", key, err))
		}
		if there == nil {
			return nil
		}
		stays, err := s.stays(ctx, name, suffix)
		if err != nil {
			return fault.E(op, kindOf(err), s.told("asking for", key, err))
		}
		if stays {
			return nil
		}
	}
}

// stays waits until nobody is about to remove an object that was put again, and reports whether it is still there.
// A sweeper marks the object, looks once more whether it is old, removes it and then the mark: where there
// is no mark, what it removed is seen to be gone.
func (s *Store) stays(ctx context.Context, name, suffix string) (bool, error) {
	until := time.NewTimer(s.grace)
	defer until.Stop()
	tick := time.NewTicker(max(s.grace/60, time.Millisecond))
	defer tick.Stop()
	for waiting := true; waiting; {
		mark, err := s.stat(ctx, s.mark(name, suffix))
		if err != nil {
			return false, err
		}
		if mark == nil {
			break
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-until.C:
			waiting = false // it died
		case <-tick.C:
		}
	}
	there, err := s.stat(ctx, s.key(name, suffix))
	return there != nil, err
}

// stat is what an object is; nil where there is none.
func (s *Store) stat(ctx context.Context, key string) (*minio.ObjectInfo, error) {
	i, err := s.client.StatObject(ctx, s.c.Bucket, key, minio.StatObjectOptions{})
	switch {
	case code(err) == minio.NoSuchKey:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &i, nil
}

// Open reads a payload. The last Read is an error where the content is not that of the name: until then nothing
// of it is to be trusted.
func (s *Store) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	const op = "s3.Open"
	if err := payload.Check(name); err != nil {
		return nil, err
	}
	for _, suffix := range []string{"", payload.Fast} {
		key := s.key(name, suffix)
		r, _, _, err := s.client.GetObject(ctx, s.c.Bucket, key, minio.GetObjectOptions{})
		if err == nil {
			return payload.Held(r, "the object", name, payload.Hash(suffix)), nil
		}
		if code(err) != minio.NoSuchKey {
			return nil, fault.E(op, kindOf(err), s.told("reading", key, err))
		}
	}
	none := fault.E(op, fault.Rejected, fmt.Errorf("no payload %s in bucket %s, nor among older ones: bring it back from a backup, then replay", name, s.c.Bucket))
	if s.c.Older == nil {
		return nil, none
	}
	r, err := s.c.Older.Open(ctx, name)
	if fault.KindOf(err) == fault.Rejected {
		return nil, none
	}
	return r, err
}

// Verify holds the payload of a name against it. The error is a plain sentence's end.
func (s *Store) Verify(ctx context.Context, name string) error {
	r, err := s.Open(ctx, name)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

// Sweep removes the objects written before a time that nothing refers to, and uploads that never became whole,
// and does the same among the older ones. The time lies a day back at least. It returns how many went.
func (s *Store) Sweep(ctx context.Context, before time.Time, referred func(ctx context.Context, name string) (bool, error)) (int, error) {
	gone := 0
	if s.c.Older != nil {
		n, err := s.c.Older.Sweep(ctx, before, referred)
		if gone += n; err != nil {
			return gone, err
		}
	}
	for i := range s.client.Client.ListObjects(ctx, s.c.Bucket, minio.ListObjectsOptions{Prefix: s.c.Prefix, Recursive: true}) {
		if i.Err != nil {
			return gone, s.told("listing", s.c.Prefix, i.Err)
		}
		if !i.LastModified.Before(before) {
			continue
		}
		key := strings.TrimPrefix(i.Key, s.c.Prefix)
		if strings.HasPrefix(key, sweeping) {
			// Whoever made it has died.
			if err := s.remove(ctx, i.Key); err != nil {
				return gone, err
			}
			continue
		}
		suffix := ""
		if strings.HasSuffix(key, payload.Fast) {
			suffix = payload.Fast
		}
		name := strings.Replace(strings.TrimSuffix(key, suffix), "/", "", 1)
		if payload.Check(name) != nil || s.key(name, suffix) != i.Key {
			continue // not ours
		}
		if used, err := referred(ctx, name); err != nil {
			return gone, err
		} else if used {
			continue
		}
		removed, err := s.removeOld(ctx, name, suffix, before)
		if err != nil {
			return gone, err
		}
		if removed {
			gone++
		}
	}
	return gone, s.abandon(ctx, before)
}

// removeOld removes an object unless somebody has put it again, or another sweeper is at it.
func (s *Store) removeOld(ctx context.Context, name, suffix string, before time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.grace/3)
	defer cancel()
	mark := s.mark(name, suffix)
	o := minio.PutObjectOptions{}
	o.SetMatchETagExcept("*")
	switch _, err := s.client.Client.PutObject(ctx, s.c.Bucket, mark, strings.NewReader(""), 0, o); {
	case code(err) == minio.PreconditionFailed:
		return false, nil
	case err != nil:
		return false, s.told("marking", mark, err)
	}
	key := s.key(name, suffix)
	there, err := s.stat(ctx, key)
	if err != nil {
		return false, s.told("asking for", key, err)
	}
	old := there != nil && there.LastModified.Before(before)
	if old {
		if err := s.remove(ctx, key); err != nil {
			return false, err
		}
	}
	return old, s.remove(ctx, mark)
}

func (s *Store) remove(ctx context.Context, key string) error {
	if err := s.client.RemoveObject(ctx, s.c.Bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return s.told("removing", key, err)
	}
	return nil
}

// abandon ends the uploads in parts that began before a time.
func (s *Store) abandon(ctx context.Context, before time.Time) error {
	for i := range s.client.ListIncompleteUploads(ctx, s.c.Bucket, s.c.Prefix, true) {
		if i.Err != nil {
			return s.told("listing uploads to", s.c.Prefix, i.Err)
		}
		if i.Initiated.Before(before) {
			if err := s.client.AbortMultipartUpload(ctx, s.c.Bucket, i.Key, i.UploadID); err != nil && code(err) != "NoSuchUpload" {
				return s.told("ending an upload to", i.Key, err)
			}
		}
	}
	return nil
}

// told says what was done, and where.
func (s *Store) told(did, key string, err error) error {
	return fmt.Errorf("%s %s of bucket %s at %s: %w", did, key, s.c.Bucket, s.c.Endpoint, err)
}

// code is S3's of an error, "" where the server gave none.
func code(err error) string {
	if e, ok := errors.AsType[minio.ErrorResponse](err); ok {
		return e.Code
	}
	return ""
}

// kindOf says what may be done about an error: all but ours wait until the store answers again, for none of them is
// the message's fault.
func kindOf(err error) fault.Kind {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Kind // of the draft that is read
	}
	if errors.Is(err, context.Canceled) {
		return fault.Transient
	}
	return fault.Unavailable
}

// Check tries whether the bucket is there and may be written, read and listed, and whether the store refuses to write
// over what must not be there yet. It leaves nothing behind.
func (s *Store) Check(ctx context.Context) error {
	key := s.c.Prefix + "check"
	there, err := s.client.BucketExists(ctx, s.c.Bucket)
	if err != nil {
		return s.told("asking for", key, err)
	}
	if !there {
		return fmt.Errorf("there is no bucket %s at %s", s.c.Bucket, s.c.Endpoint)
	}
	o := minio.PutObjectOptions{}
	write := func() error {
		_, err := s.client.Client.PutObject(ctx, s.c.Bucket, key, strings.NewReader("paklog"), 6, o)
		return err
	}
	if err := write(); err != nil {
		return s.told("writing", key, err)
	}
	o.SetMatchETagExcept("*")
	if err := write(); code(err) != minio.PreconditionFailed {
		return errors.Join(fmt.Errorf("the store at %s writes over an object although If-None-Match forbids it", s.c.Endpoint), err, s.remove(ctx, key))
	}
	r, _, _, err := s.client.GetObject(ctx, s.c.Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return errors.Join(s.told("reading", key, err), s.remove(ctx, key))
	}
	for i := range s.client.Client.ListObjects(ctx, s.c.Bucket, minio.ListObjectsOptions{Prefix: key, MaxKeys: 1}) {
		if i.Err != nil {
			return errors.Join(s.told("listing", key, i.Err), r.Close(), s.remove(ctx, key))
		}
	}
	return errors.Join(r.Close(), s.remove(ctx, key))
}
