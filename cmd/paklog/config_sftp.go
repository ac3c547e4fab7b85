package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/paklog/hub/adapters/pgp"
	"github.com/paklog/hub/adapters/sftp"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/routes"
)

// SFTPConfig is a partner's SFTP server, where we take his files and leave ours.
type SFTPConfig struct {
	Addr     string         `config:"addr" doc:"His server, as sftp.acme.example:22; \"\" is none: his files come into his folder here."`
	User     string         `config:"user" doc:"Our name there."`
	HostKeys []string       `config:"host_keys" doc:"His server's public keys (ssh-ed25519 AAAA...), which he confirms; two while he changes it."`
	Key      configs.Secret `config:"key" doc:"Our private key in PEM: give key_file, or ${NAME}."`
	Password configs.Secret `config:"password" doc:"Give password_file, or ${NAME}."`
	Pickup   string         `config:"pickup" doc:"His folder that we take files from; \"\" is none."`
	Match    string         `config:"match" doc:"Pattern of their names, as *.edi; \"\" is all."`
	Archive  string         `config:"archive" doc:"His folder for what the hub holds; \"\" removes it."`
	Keep     bool           `config:"keep" doc:"Leave files where they lie, where we may not move them."`
	Drop     string         `config:"drop" doc:"His folder that ours go into; \"\" leaves them in his outbox here."`
	Poll     time.Duration  `config:"poll" doc:"Time between two looks."`
	Timeout  time.Duration  `config:"timeout" doc:"Longest time of one step, beside what a file's size needs."`
}

// Validate reports what does not fit.
func (c SFTPConfig) Validate() error {
	if c.Addr == "" {
		if c.User != "" || len(c.HostKeys) > 0 || c.Pickup != "" || c.Drop != "" {
			return errors.New("addr: is missing: where does his server listen?")
		}
		return nil
	}
	return c.connection("", 0).Validate()
}

func (c SFTPConfig) connection(partner string, most int64) sftp.Config {
	return sftp.Config{
		Partner: partner, Addr: c.Addr, User: c.User, HostKeys: c.HostKeys, Key: c.Key.Reveal(), Password: c.Password.Reveal(),
		Pickup: c.Pickup, Match: c.Match, Archive: c.Archive, Keep: c.Keep, Drop: c.Drop, Poll: c.Poll, Timeout: c.Timeout, Max: most,
	}
}

// SFTPServerConfig is our SFTP server, where partners leave their files and take ours.
type SFTPServerConfig struct {
	Listen string         `config:"listen" doc:"Address of our SFTP server, as 0.0.0.0:2222; \"\" is none."`
	Key    configs.Secret `config:"key" doc:"Its private host key in PEM: give key_file; without one it is made once and kept in the data folder."`
	Quota  int64          `config:"quota,bytes" doc:"What may lie in one partner's inbox."`
	Conns  int            `config:"connections" doc:"Connections at once; one address has a quarter of them at most."`
	Rate   int            `config:"rate" doc:"Connections that one address may make in a minute; 0 is any number."`
}

// Validate reports what does not fit.
func (c SFTPServerConfig) Validate() error {
	errs := []error{atLeast("connections", c.Conns, 1), atLeast("rate", c.Rate, 0)}
	if c.Quota < 1 {
		errs = append(errs, errors.New("quota: is less than a byte"))
	}
	if c.Listen != "" {
		errs = append(errs, listenAddress("listen", c.Listen))
	}
	if key := c.Key.Reveal(); key != "" && c.Listen != "" {
		if _, _, err := sftp.PublicHostKey(key); err != nil {
			errs = append(errs, fmt.Errorf("key: %w", err))
		}
	}
	return errors.Join(errs...)
}

// LoginConfig lets a partner into our SFTP server, by the name of his folder.
type LoginConfig struct {
	Keys     []string       `config:"keys" doc:"His public keys (ssh-ed25519 AAAA...); several while he changes his."`
	Password configs.Secret `config:"password" doc:"At least 12 characters: give password_file, or ${NAME}."`
	From     []string       `config:"from" doc:"Addresses and prefixes that he comes from (192.0.2.0/24); none is any."`
}

func (c LoginConfig) account() (sftp.Account, bool) {
	return sftp.Account{Keys: c.Keys, Password: c.Password.Reveal(), From: c.From}, len(c.Keys) > 0 || c.Password.Reveal() != ""
}

// Validate reports what does not fit.
func (c LoginConfig) Validate() error {
	a, in := c.account()
	if !in {
		if len(c.From) > 0 {
			return errors.New("keys: neither a public key nor a password lets him in")
		}
		return nil
	}
	return a.Validate()
}

// sftpServer prepares our SFTP server; nil where there is none.
func (a *app) sftpServer() (*sftp.Server, error) {
	c := a.cfg.SFTP
	if c.Listen == "" {
		return nil, nil
	}
	key := c.Key.Reveal()
	if key == "" {
		var err error
		if key, err = ownHostKey(filepath.Join(a.cfg.Data, hostKeyFile)); err != nil {
			return nil, fmt.Errorf("sftp.key: %w", err)
		}
	}
	accounts := map[string]sftp.Account{}
	for name, p := range a.cfg.EDI.Partners {
		if account, in := p.Login.account(); in {
			accounts[name] = account
		}
	}
	line, fingerprint, err := sftp.PublicHostKey(key)
	if err != nil {
		return nil, fmt.Errorf("sftp.key: %w", err)
	}
	a.log.Info("partners know our SFTP server by its key", "fingerprint", fingerprint, "key", line)
	return sftp.NewServer(sftp.ServerConfig{
		Root: a.partnersRoot(), Key: key, Partners: accounts, MaxBytes: a.cfg.Limits.MaxDocument, Quota: c.Quota, Conns: c.Conns, Rate: c.Rate,
		Log: a.log, Uploaded: a.inbox.Whole, Lock: a.inbox.Lock,
	})
}

// hostKeyFile holds the private key of our SFTP server within the data folder, where no other is named.
const hostKeyFile = "sftp_host_key"

// ownHostKey reads the key of a file, and makes it where there is none.
func ownHostKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return string(text), err
	}
	key, err := sftp.NewHostKey()
	if err != nil {
		return "", err
	}
	return key, os.WriteFile(path, []byte(key), 0o600)
}

// outboxes sends each partner's documents his way; without one they lie in his folder here.
type outboxes struct {
	routes.Outbox

	of map[string]routes.Outbox
}

func (o outboxes) to(partner string) routes.Outbox {
	if own, ok := o.of[partner]; ok {
		return own
	}
	return o.Outbox
}

// Stage implements [routes.Outbox].
func (o outboxes) Stage(ctx context.Context, partner, name string, data []byte) error {
	return o.to(partner).Stage(ctx, partner, name, data)
}

// Publish implements [routes.Outbox].
func (o outboxes) Publish(ctx context.Context, partner, name string) error {
	return o.to(partner).Publish(ctx, partner, name)
}

// Staged implements [routes.Outbox].
func (o outboxes) Staged(ctx context.Context, partner, name string) (bool, error) {
	return o.to(partner).Staged(ctx, partner, name)
}

// fileDoors is what doors at servers of partners are made with.
type fileDoors struct {
	spool string
	keys  *pgp.Keys
	hub   door.Caller
	out   map[string]routes.Outbox // by partner
}

// atPartners makes the doors at servers of partners: what fetches runs later, where ours go is returned.
func (a *app) atPartners(keys *pgp.Keys, hub door.Caller) (map[string]routes.Outbox, error) {
	d := fileDoors{filepath.Join(a.cfg.Data, "spool"), keys, hub, map[string]routes.Outbox{}}
	if err := os.MkdirAll(d.spool, 0o700); err != nil {
		return nil, err
	}
	return d.out, errors.Join(a.overSFTP(d), a.overFTPS(d))
}

// overSFTP are the doors of the partners who have an SFTP server: its outboxes are added to out.
func (a *app) overSFTP(d fileDoors) error {
	for name, p := range a.cfg.EDI.Partners {
		if p.SFTP.Addr == "" {
			continue
		}
		cfg := p.SFTP.connection(name, a.cfg.Limits.MaxDocument)
		cfg.Spool, cfg.Store, cfg.Open = d.spool, a.payloads, d.keys.Open
		for _, pickup := range []bool{true, false} {
			if pickup && cfg.Pickup == "" || !pickup && cfg.Drop == "" {
				continue
			}
			c, err := sftp.NewConn(cfg)
			if err != nil {
				return fmt.Errorf("edi.partners.%s.sftp.%w", name, err)
			}
			if pickup {
				a.pickups = append(a.pickups, sftp.NewPickup(c, d.hub, a.log).Run)
			} else {
				d.out[name] = sftp.NewOutbox(c)
			}
		}
	}
	return nil
}
