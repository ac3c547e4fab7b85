package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/adapters/blob"
	"github.com/paklog/hub/adapters/s3"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/fault"
)

// S3Config is the bucket of payloads.
type S3Config struct {
	Endpoint  string         `config:"endpoint" doc:"https://HOST[:PORT] of the store."`
	Region    string         `config:"region"`
	Bucket    string         `config:"bucket" doc:"Bucket of the payloads, which is there already; \"\" keeps them in the data folder."`
	Prefix    string         `config:"prefix" doc:"Begins every key: hub1/."`
	AccessKey string         `config:"access_key"`
	SecretKey configs.Secret `config:"secret_key" doc:"Give secret_key_file, or ${NAME}."`
	PathStyle bool           `config:"path_style" doc:"The bucket stands in the path and not in the host's name."`
	CA        string         `config:"ca" doc:"Path of the authorities' certificates, PEM; \"\" are the system's."`
}

// Validate refuses a bucket that cannot be asked.
func (c S3Config) Validate() error {
	if c.Bucket == "" {
		if c.Endpoint != "" {
			return errors.New("bucket: names none, and endpoint is set")
		}
		return nil
	}
	var errs []error
	if c.AccessKey == "" || c.SecretKey.Reveal() == "" {
		errs = append(errs, errors.New("bucket: needs access_key and secret_key_file"))
	}
	if _, err := c.open(nil, ""); err != nil {
		errs = append(errs, fmt.Errorf("endpoint: %w", err))
	}
	return errors.Join(errs...)
}

// open is the bucket as a store; older is what there was before it, and spool the folder that is written to first.
func (c S3Config) open(older s3.Older, spool string) (*s3.Store, error) {
	o := s3.Config{Endpoint: c.Endpoint, Region: c.Region, Bucket: c.Bucket, Prefix: c.Prefix, AccessKey: c.AccessKey, SecretKey: c.SecretKey.Reveal(), PathStyle: c.PathStyle, Older: older, Spool: spool}
	if c.CA != "" {
		text, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca: %s has no certificate", c.CA)
		}
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		o.Transport = t
	}
	return s3.New(o)
}

// payloadStore keeps what is too long for the journal.
type payloadStore interface {
	as2.Store
	Sweep(ctx context.Context, before time.Time, referred func(ctx context.Context, name string) (bool, error)) (int, error)
}

type fileStore struct{ *blob.Store }

func (s fileStore) Draft(ctx context.Context) (as2.Draft, error) { return s.Store.Draft(ctx) }

type objectStore struct{ *s3.Store }

func (s objectStore) Draft(ctx context.Context) (as2.Draft, error) { return s.Store.Draft(ctx) }

// openPayloads is where payloads are kept.
func (c *Config) openPayloads() (payloadStore, error) {
	files, err := blob.Open(blob.Config{Dir: c.payloadFolder()})
	if err != nil {
		return nil, err
	}
	if c.S3.Bucket == "" {
		return fileStore{files}, nil
	}
	objects, err := c.S3.open(files, filepath.Join(c.payloadFolder(), "incoming"))
	return objectStore{objects}, err
}

// payloadFolder is where payload files are.
func (c *Config) payloadFolder() string {
	if c.Store == inPostgres && c.Postgres.Payloads != "" {
		return c.Postgres.Payloads
	}
	return filepath.Join(c.Data, payloads)
}

// lookup reads payloads and changes nothing: those of a folder, and before them those of a bucket where there is one.
type lookup struct {
	dir     string
	objects *s3.Store
}

func lookIn(dir string, bucket S3Config) (l lookup, err error) {
	l.dir = dir
	if bucket.Bucket != "" {
		l.objects, err = bucket.open(nil, "")
	}
	return l, err
}

func (l lookup) open(ctx context.Context, name string) (io.ReadCloser, error) {
	if l.objects != nil {
		if r, err := l.objects.Open(ctx, name); fault.KindOf(err) != fault.Rejected {
			return r, err
		}
	}
	return blob.Look(ctx, l.dir, name)
}

// verify holds a payload against its name. The error is a plain sentence's end.
func (l lookup) verify(ctx context.Context, name string) error {
	if l.objects != nil {
		if err := l.objects.Verify(ctx, name); fault.KindOf(err) != fault.Rejected {
			return err
		}
	}
	return blob.Verify(ctx, l.dir, name)
}
