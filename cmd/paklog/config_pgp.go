package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/paklog/hub/adapters/pgp"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/routes"
)

// PGPConfig are our keys.
type PGPConfig struct {
	Keys []OwnPGPKeyConfig `config:"keys" doc:"Our private keys, by which we sign and decrypt; several while one takes the place of another."`
}

// OwnPGPKeyConfig is a private key.
type OwnPGPKeyConfig struct {
	Key        configs.Secret `config:"key" doc:"As gpg --armor --export-secret-keys writes it: give key_file."`
	Passphrase configs.Secret `config:"passphrase" doc:"Give passphrase_file, or ${NAME}; \"\" where it has none."`
}

// PGPPartnerConfig says how a partner's files are protected, both ways.
type PGPPartnerConfig struct {
	Keys    []PGPKeyConfig `config:"keys" doc:"His public keys; several while one takes the place of another. None is no OpenPGP with him."`
	Encrypt bool           `config:"encrypt" doc:"Files are encrypted, his and ours."`
	Sign    bool           `config:"sign" doc:"Files are signed, his and ours."`
	Armor   bool           `config:"armor" doc:"Write ours as text."`
	Suffix  string         `config:"suffix" doc:"What names of ours end in then."`
}

// PGPKeyConfig is a public key.
type PGPKeyConfig struct {
	Key configs.Secret `config:"key" doc:"As gpg --armor --export writes it: give key_file."`
}

func (c *PGPPartnerConfig) setDefaults() { c.Encrypt, c.Sign, c.Suffix = true, true, ".pgp" }

// Validate reports what does not fit.
func (c PGPPartnerConfig) Validate() error {
	if len(c.Keys) == 0 {
		return nil
	}
	if strings.ContainsAny(c.Suffix, "/\\ ") {
		return fmt.Errorf("suffix: %q cannot end a file's name", c.Suffix)
	}
	_, err := pgp.New(pgp.Config{Partners: map[string]pgp.Partner{"": c.agreed()}})
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "."))
	}
	return nil
}

// Validate reports what does not fit.
func (c PGPConfig) Validate() error {
	_, err := pgp.New(pgp.Config{Own: c.own()})
	if err != nil {
		return errors.New(strings.Replace(err.Error(), "own[", "keys[", 1))
	}
	return nil
}

func (c PGPConfig) own() (out []pgp.OwnKey) {
	for _, k := range c.Keys {
		out = append(out, pgp.OwnKey{Key: k.Key.Reveal(), Passphrase: k.Passphrase.Reveal()})
	}
	return out
}

func (c PGPPartnerConfig) agreed() pgp.Partner {
	p := pgp.Partner{Encrypt: c.Encrypt, Sign: c.Sign, Armor: c.Armor}
	for _, k := range c.Keys {
		p.Keys = append(p.Keys, k.Key.Reveal())
	}
	return p
}

// pgpKeys are the keys of the configuration.
func (c *Config) pgpKeys() (*pgp.Keys, error) {
	cfg := pgp.Config{Own: c.PGP.own(), Partners: map[string]pgp.Partner{}, Max: c.Limits.MaxDocument}
	for name, p := range c.EDI.Partners {
		if len(p.PGP.Keys) > 0 {
			cfg.Partners[name] = p.PGP.agreed()
		}
	}
	return pgp.New(cfg)
}

// sealing protects files of ours for the partners who asked for it.
type sealing struct {
	routes.Outbox

	keys   *pgp.Keys
	suffix map[string]string // by partner
}

// Stage implements [routes.Outbox].
func (s sealing) Stage(ctx context.Context, partner, name string, data []byte) error {
	if !s.keys.Seals(partner) {
		return s.Outbox.Stage(ctx, partner, name, data)
	}
	var file bytes.Buffer
	w, err := s.keys.Seal(partner, name, &file)
	if err == nil {
		_, err = io.Copy(w, bytes.NewReader(data))
		err = errors.Join(err, w.Close())
	}
	if err != nil { // by a key: until one is added his route pauses, and nothing is lost
		return fault.E("pgp.Seal", fault.Unavailable, err)
	}
	return s.Outbox.Stage(ctx, partner, name+s.suffix[partner], file.Bytes())
}

// Publish implements [routes.Outbox].
func (s sealing) Publish(ctx context.Context, partner, name string) error {
	return s.Outbox.Publish(ctx, partner, name+s.suffix[partner])
}

// Staged implements [routes.Outbox].
func (s sealing) Staged(ctx context.Context, partner, name string) (bool, error) {
	return s.Outbox.Staged(ctx, partner, name+s.suffix[partner])
}
