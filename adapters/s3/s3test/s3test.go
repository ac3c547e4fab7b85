// Package s3test gives tests an S3-compatible store: versitygw, which `make test` builds, over a folder, or the one
// that PAKLOG_TEST_S3 names.
package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Env names a store that is there already, as http[s]://ACCESS:SECRET@HOST:PORT.
const Env = "PAKLOG_TEST_S3"

// version of versitygw, as .ci/test builds it.
const version = "v1.8.0"

// Server is a store whose bucket is the test's own.
type Server struct {
	Endpoint, Access, Secret, Bucket string
	Client                           *minio.Client

	t    testing.TB
	dir  string
	port string
	cmd  *exec.Cmd // nil: it is down, or the user's
	log  *bytes.Buffer
}

// New is a store with a bucket; where there is none, the test is skipped.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, Access: "paklog", Secret: strings.ToLower(rand.Text()), Bucket: "t" + strings.ToLower(rand.Text())}
	if named := os.Getenv(Env); named != "" {
		u, err := url.Parse(named)
		if err != nil || u.User == nil {
			t.Fatalf("%s: it is http[s]://ACCESS:SECRET@HOST:PORT", Env)
		}
		s.Access = u.User.Username()
		s.Secret, _ = u.User.Password()
		s.Endpoint = u.Scheme + "://" + u.Host
	} else {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, s.port, _ = net.SplitHostPort(l.Addr().String())
		s.Endpoint, s.dir = "http://"+l.Addr().String(), t.TempDir()
		if err := errors.Join(l.Close(), os.Mkdir(filepath.Join(s.dir, "iam"), 0o700), os.Mkdir(filepath.Join(s.dir, "data"), 0o700)); err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(s.Stop)
	}
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if s.Client, err = minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(s.Access, s.Secret, ""), Secure: u.Scheme == "https", BucketLookup: minio.BucketLookupPath, Region: "us-east-1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Client.MakeBucket(t.Context(), s.Bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// Start starts the program again, where it was stopped.
func (s *Server) Start() {
	s.t.Helper()
	cache := os.Getenv("PAKLOG_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			s.t.Fatal(err)
		}
		cache = filepath.Join(dir, "paklog")
	}
	program := filepath.Join(cache, "tools", version, "versitygw")
	if _, err := os.Stat(program); err != nil {
		s.t.Skipf("versitygw is not built: make test builds it, or name a store in %s", Env)
	}
	s.log = &bytes.Buffer{}
	s.cmd = exec.Command(program, "--access", s.Access, "--secret", s.Secret, "--port", "127.0.0.1:"+s.port, "--iam-dir", filepath.Join(s.dir, "iam"), "posix", filepath.Join(s.dir, "data"))
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), time.Minute)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+s.port)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ctx.Done():
			s.Stop()
			s.t.Fatalf("versitygw does not listen: %s", s.log)
		case <-tick.C:
		}
	}
}

// Stop kills the program.
func (s *Server) Stop() {
	if s.cmd == nil {
		s.t.Skip("the store is the user's and is not stopped")
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Keys are those of the bucket.
func (s *Server) Keys() (keys []string) {
	s.t.Helper()
	for i := range s.Client.ListObjects(s.t.Context(), s.Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if i.Err != nil {
			s.t.Fatal(i.Err)
		}
		keys = append(keys, i.Key)
	}
	return keys
}
