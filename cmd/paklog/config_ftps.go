package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/paklog/hub/adapters/ftps"
	"github.com/paklog/hub/configs"
)

// FTPSConfig is a partner's FTP server, where we take his files and leave ours.
type FTPSConfig struct {
	Addr     string         `config:"addr" doc:"His server, as ftp.acme.example:21; \"\" is none."`
	TLS      string         `config:"tls" doc:"explicit, implicit, or none: then user, password and files can be read on their way."`
	CA       configs.Secret `config:"ca" doc:"Certificates that his is trusted by, PEM: give ca_file. None is those of the system."`
	Name     string         `config:"name" doc:"The name in his certificate; \"\" is the host of addr."`
	User     string         `config:"user" doc:"Our name there."`
	Password configs.Secret `config:"password" doc:"Give password_file, or ${NAME}."`
	Pickup   string         `config:"pickup" doc:"His folder that we take files from; \"\" is none."`
	Match    string         `config:"match" doc:"Pattern of their names, as *.edi; \"\" is all."`
	Archive  string         `config:"archive" doc:"His folder for what the hub holds; \"\" removes it."`
	Keep     bool           `config:"keep" doc:"Leave files where they lie, where we may not move them."`
	Drop     string         `config:"drop" doc:"His folder that ours go into; \"\" leaves them in his outbox here."`
	Poll     time.Duration  `config:"poll" doc:"Time between two looks."`
	Timeout  time.Duration  `config:"timeout" doc:"Longest time of one step, beside what a file's size needs."`
}

func (c *FTPSConfig) setDefaults() {
	c.TLS, c.Poll, c.Timeout = ftps.Explicit, 30*time.Second, 30*time.Second
}

// Validate reports what does not fit.
func (c FTPSConfig) Validate() error {
	if c.Addr == "" {
		if c.User != "" || c.Pickup != "" || c.Drop != "" {
			return errors.New("addr: is missing: where does his server listen?")
		}
		return nil
	}
	return c.connection("", 0).Validate()
}

func (c FTPSConfig) connection(partner string, most int64) ftps.Config {
	return ftps.Config{
		Partner: partner, Addr: c.Addr, TLS: c.TLS, CA: c.CA.Reveal(), Name: c.Name, User: c.User, Password: c.Password.Reveal(),
		Pickup: c.Pickup, Match: c.Match, Archive: c.Archive, Keep: c.Keep, Drop: c.Drop, Poll: c.Poll, Timeout: c.Timeout, Max: most,
	}
}

// overFTPS are the doors of the partners who have an FTP server: its outboxes are added to out.
func (a *app) overFTPS(d fileDoors) error {
	for name, p := range a.cfg.EDI.Partners {
		if p.FTPS.Addr == "" {
			continue
		}
		cfg := p.FTPS.connection(name, a.cfg.Limits.MaxDocument)
		cfg.Spool, cfg.Store, cfg.Open = d.spool, a.payloads, d.keys.Open
		for _, pickup := range []bool{true, false} {
			if pickup && cfg.Pickup == "" || !pickup && cfg.Drop == "" {
				continue
			}
			c, err := ftps.NewConn(cfg)
			if err != nil {
				return fmt.Errorf("edi.partners.%s.ftps.%w", name, err)
			}
			if pickup {
				a.pickups = append(a.pickups, ftps.NewPickup(c, d.hub, a.log).Run)
			} else {
				d.out[name] = ftps.NewOutbox(c, a.log)
			}
		}
	}
	return nil
}
