package sftp

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/paklog/hub/adapters/internal/dropped"
	"github.com/paklog/hub/adapters/internal/remote"
)

// Config is one partner's server. Folders are of the server, "/"-separated.
type Config struct {
	Partner  string
	Addr     string // host:port; port 22 where it is left out
	User     string
	HostKeys []string // as in authorized_keys or known_hosts; several while a server changes its own
	Key      string   // private key in PEM, "" for none
	Password string   // "" for none

	Pickup  string        // files of the partner's are here; "" is none
	Match   string        // pattern of their names (path.Match); "" is all
	Archive string        // where a file goes that the hub holds; "" removes it
	Keep    bool          // or leave it where it lies: for a folder that we may only read
	Drop    string        // ours go here; "" is none
	Poll    time.Duration // between two looks: 30 s
	Timeout time.Duration // of one step on the connection: 30 s
	Max     int64         // bytes of a file that is taken: 64 MiB

	Spool string        // folder here for what is on its way; "" is that of temporary files
	Store dropped.Store // of long documents; nil keeps them in memory
	Open  dropped.Open  // takes what protects a file off it; nil is nothing
}

const (
	defaultTimeout = 30 * time.Second
	defaultMax     = 64 << 20
)

// prepared is a Config that was read.
type prepared struct {
	Config
	ssh     ssh.ClientConfig
	pins    [][]byte
	folders remote.Folders
}

func (c Config) prepare() (*prepared, error) {
	var errs []error
	bad := func(place string, err error) { errs = append(errs, fmt.Errorf("%s: %w", place, err)) }
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		c.Addr = net.JoinHostPort(strings.Trim(c.Addr, "[]"), "22")
	}
	if host, _, err := net.SplitHostPort(c.Addr); err != nil || host == "" {
		bad("addr", errors.New("names no host"))
	}
	if c.User == "" {
		bad("user", errors.New("is missing"))
	}
	folders := remote.Folders{
		Partner: c.Partner, Server: c.Addr, Pickup: c.Pickup, Match: c.Match, Archive: c.Archive, Keep: c.Keep, Drop: c.Drop, Poll: c.Poll, Max: c.Max,
		Spool: c.Spool, Store: c.Store, Open: c.Open,
	}
	errs = append(errs, folders.Prepare()...)
	p := &prepared{Config: c, folders: folders}
	p.ssh = ssh.ClientConfig{User: c.User, Timeout: c.Timeout, HostKeyCallback: p.pinned}
	if c.Key != "" {
		signer, err := ssh.ParsePrivateKey([]byte(c.Key))
		if err != nil {
			bad("key", err)
		} else {
			p.ssh.Auth = append(p.ssh.Auth, ssh.PublicKeys(signer))
		}
	}
	if c.Password != "" {
		p.ssh.Auth = append(p.ssh.Auth, ssh.Password(c.Password), ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range questions {
				if !echos[i] {
					answers[i] = c.Password
				}
			}
			return answers, nil
		}))
	}
	if c.Key == "" && c.Password == "" {
		bad("key", errors.New("neither a key nor a password is given"))
	}
	if err := p.pin(); err != nil {
		bad("host_keys", err)
	}
	return p, errors.Join(errs...)
}

// pin reads the host keys: a server that shows another one is not talked to.
func (p *prepared) pin() error {
	if len(p.HostKeys) == 0 {
		return fmt.Errorf("name the server's key, as ssh-keyscan %s prints it and as the partner confirms it", p.Addr)
	}
	for i, line := range p.HostKeys {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil { // with the host before it
			_, _, key, _, _, err = ssh.ParseKnownHosts([]byte(line))
		}
		if err != nil {
			return fmt.Errorf("key %d is none: want \"ssh-ed25519 AAAA...\"", i+1)
		}
		p.pins = append(p.pins, key.Marshal())
		algorithms := []string{key.Type()}
		if key.Type() == ssh.KeyAlgoRSA {
			algorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
		}
		p.ssh.HostKeyAlgorithms = append(p.ssh.HostKeyAlgorithms, algorithms...)
	}
	p.ssh.HostKeyAlgorithms = slices.Compact(p.ssh.HostKeyAlgorithms)
	return nil
}

// errHostKey is a server that is not the one that was agreed on.
var errHostKey = errors.New("the server shows another key than was agreed on")

func (p *prepared) pinned(_ string, _ net.Addr, key ssh.PublicKey) error {
	for _, pin := range p.pins {
		if bytes.Equal(pin, key.Marshal()) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s %s; if the partner confirms it, add it to host_keys", errHostKey, key.Type(), ssh.FingerprintSHA256(key))
}

// Validate says what is wrong with a configuration, each at its place.
func (c Config) Validate() error {
	_, err := c.prepare()
	return err
}

// Fingerprints are those of the agreed host keys, as people compare them.
func (c Config) Fingerprints() (out []string, err error) {
	p, err := c.prepare()
	if err != nil {
		return nil, err
	}
	for _, pin := range p.pins {
		key, err := ssh.ParsePublicKey(pin)
		if err != nil {
			return nil, err
		}
		out = append(out, key.Type()+" "+ssh.FingerprintSHA256(key))
	}
	return out, nil
}
