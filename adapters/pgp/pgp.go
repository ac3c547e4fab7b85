// Package pgp encrypts, signs, decrypts and verifies files for partners who ask for OpenPGP
// (RFC 9580, and RFC 4880 as GnuPG writes it). Files pass through as streams; what a file held
// counts once its signature and its integrity were proven at its end.
package pgp

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// OwnKey is a private key of ours.
type OwnKey struct {
	Key        string // armored, or as it is
	Passphrase string // "" where it has none
}

// Partner is what is agreed with one. It holds for both ways.
type Partner struct {
	Keys    []string // his public keys; several while one takes the place of another
	Encrypt bool     // files are encrypted
	Sign    bool     // files are signed
	Armor   bool     // ours are written as text
}

// Config of the keys.
type Config struct {
	Own      []OwnKey
	Partners map[string]Partner
	Max      int64 // bytes of what a file holds, unpacked; 0 is 64 MiB
	Now      func() time.Time
}

// Keys are those that were read.
type Keys struct {
	own      openpgp.EntityList
	partners map[string]agreed
	config   packet.Config
	max      int64
	now      func() time.Time
}

type agreed struct {
	Partner

	keys openpgp.EntityList
}

// New reads the keys. The error names each that cannot be used, at its place.
func New(c Config) (*Keys, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	most := cmp.Or(c.Max, 64<<20)
	unpacked := most + most/8 + 64<<10 // the packets around it too
	k := &Keys{partners: map[string]agreed{}, max: most, now: c.Now, config: packet.Config{
		Time: c.Now, MaxDecompressedMessageSize: &unpacked, DefaultCipher: packet.CipherAES256, DefaultCompressionAlgo: packet.CompressionZLIB,
	}}
	var errs []error
	for i, own := range c.Own {
		list, err := read(own.Key)
		for _, e := range list {
			if err = unlocked(e, own.Passphrase); err != nil {
				break
			}
			k.own = append(k.own, e)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("own[%d]: %w", i, err))
		}
	}
	for name, p := range c.Partners {
		a := agreed{Partner: p}
		for i, text := range p.Keys {
			list, err := read(text)
			if err == nil && slices.ContainsFunc(list, func(e *openpgp.Entity) bool { return e.PrivateKey != nil }) {
				err = errors.New("holds a private key: it is his, and nobody else may have it")
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s.keys[%d]: %w", name, i, err))
				continue
			}
			a.keys = append(a.keys, list...)
		}
		if len(p.Keys) == 0 {
			errs = append(errs, fmt.Errorf("%s.keys: none is given", name))
		}
		if !p.Encrypt && !p.Sign {
			errs = append(errs, fmt.Errorf("%s.encrypt: files are neither encrypted nor signed", name))
		}
		k.partners[name] = a
	}
	return k, errors.Join(errs...)
}

func read(text string) (list openpgp.EntityList, err error) {
	if strings.Contains(text, "-----BEGIN PGP") {
		list, err = openpgp.ReadArmoredKeyRing(strings.NewReader(text))
	} else {
		list, err = openpgp.ReadKeyRing(strings.NewReader(text))
	}
	if err != nil {
		return nil, fmt.Errorf("is no OpenPGP key, as gpg --armor --export writes it: %w", err)
	}
	return list, nil
}

func unlocked(e *openpgp.Entity, passphrase string) error {
	if e.PrivateKey == nil {
		return errors.New("is a public key: ours is the private one, as gpg --armor --export-secret-keys writes it")
	}
	if err := e.DecryptPrivateKeys([]byte(passphrase)); err != nil && locked(e) {
		return fmt.Errorf("its passphrase does not open it: %w", err)
	}
	return nil
}

func locked(e *openpgp.Entity) bool {
	return e.PrivateKey.Encrypted || slices.ContainsFunc(e.Subkeys, func(s openpgp.Subkey) bool { return s.PrivateKey != nil && s.PrivateKey.Encrypted })
}

// Seals reports whether files for a partner are sealed.
func (k *Keys) Seals(partner string) bool {
	_, ok := k.partners[partner]
	return ok
}

// Seal makes of what is written a file for a partner, encrypted for the newest of his keys that is
// valid and signed by the newest of ours. It is whole once it was closed.
func (k *Keys) Seal(partner, name string, w io.Writer) (io.WriteCloser, error) {
	p, ok := k.partners[partner]
	if !ok {
		return nil, fmt.Errorf("nothing is agreed with %s about OpenPGP", partner)
	}
	var signers []*openpgp.Entity
	if p.Sign {
		e := newest(k.own, func(e *openpgp.Entity) bool { _, ok := e.SigningKey(k.now(), &k.config); return ok })
		if e == nil {
			return nil, fmt.Errorf("none of our keys can sign: %s", k.state(k.own))
		}
		signers = append(signers, e)
	}
	var to *openpgp.Entity
	if p.Encrypt {
		if to = newest(p.keys, func(e *openpgp.Entity) bool { _, ok := e.EncryptionKey(k.now(), &k.config); return ok }); to == nil {
			return nil, fmt.Errorf("for none of %s's keys can be encrypted: %s", partner, k.state(p.keys))
		}
	}
	out := &sealed{}
	if p.Armor {
		a, err := armor.Encode(w, "PGP MESSAGE", nil)
		if err != nil {
			return nil, err
		}
		out.closers, w = append(out.closers, a), a
	}
	hints := &openpgp.FileHints{FileName: name, ModTime: k.now()}
	var err error
	if to == nil {
		out.WriteCloser, err = openpgp.Sign(w, signers, hints, &k.config)
	} else {
		out.WriteCloser, err = openpgp.Encrypt(w, []*openpgp.Entity{to}, nil, signers, hints, &k.config)
	}
	return out, err
}

// sealed closes from the inside out.
type sealed struct {
	io.WriteCloser

	closers []io.Closer
}

func (s *sealed) Close() error {
	err := s.WriteCloser.Close()
	for _, c := range s.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

func newest(list openpgp.EntityList, usable func(*openpgp.Entity) bool) (found *openpgp.Entity) {
	for _, e := range list {
		if usable(e) && (found == nil || e.PrimaryKey.CreationTime.After(found.PrimaryKey.CreationTime)) {
			found = e
		}
	}
	return found
}

// Open unwraps a file of a partner's. Its reader ends in an error where the file is not encrypted or
// signed as agreed, was changed, or is cut off: nothing of it counts before. Files of partners
// with whom nothing is agreed pass as they are.
func (k *Keys) Open(partner string, file io.Reader) (io.Reader, error) {
	p, ok := k.partners[partner]
	if !ok {
		return file, nil
	}
	in := bufio.NewReaderSize(file, 64<<10)
	head, err := in.Peek(1 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var r io.Reader = in
	if text := bytes.TrimLeft(head, "\r\n\t "); bytes.HasPrefix(text, []byte("-----BEGIN PGP ")) {
		block, err := armor.Decode(in)
		if err != nil {
			return nil, fmt.Errorf("reading the armor of the file: %w", err)
		}
		if block.Type != "PGP MESSAGE" {
			return nil, fmt.Errorf("is a %s and no message", block.Type)
		}
		r = block.Body
	} else if len(head) == 0 || head[0]&0x80 == 0 { // RFC 9580, section 4.2: the first bit of a packet is set
		return nil, errors.New("is no OpenPGP message, and one was agreed on: it is encrypted or signed before it is sent")
	}
	md, err := openpgp.ReadMessage(r, ring{k.own, p.keys}, nil, &k.config)
	switch {
	case errors.Is(err, pgperrors.ErrKeyIncorrect):
		return nil, fmt.Errorf("is encrypted for %s, and none of these is a key of ours (%s)", ids(md), k.state(k.own))
	case err != nil:
		return nil, fmt.Errorf("is no OpenPGP message that can be read: %w", err)
	case p.Encrypt && !md.IsEncrypted:
		return nil, errors.New("is signed, but not encrypted, as was agreed")
	case p.Sign && !md.IsSigned:
		return nil, errors.New("is encrypted, but not signed, as was agreed")
	}
	return &opened{k: k, p: p, md: md}, nil
}

func ids(md *openpgp.MessageDetails) string {
	if md == nil || len(md.EncryptedToKeyIds) == 0 {
		return "other keys"
	}
	var out []string
	for _, id := range md.EncryptedToKeyIds {
		out = append(out, fmt.Sprintf("%016X", id))
	}
	return strings.Join(out, ", ")
}

// ring decrypts by our keys and verifies by those of one partner: both are looked up by id.
type ring struct{ own, his openpgp.EntityList }

// KeysById implements [openpgp.KeyRing].
func (r ring) KeysById(id uint64) []openpgp.Key { //nolint:staticcheck // the interface names it so
	return append(r.his.KeysById(id), r.own.KeysById(id)...)
}

// EntitiesById implements [openpgp.KeyRing].
func (r ring) EntitiesById(id uint64) []*openpgp.Entity { //nolint:staticcheck // the interface names it so
	return append(r.his.EntitiesById(id), r.own.EntitiesById(id)...)
}

// opened is what a file holds, until it is known to be right.
type opened struct {
	k    *Keys
	p    agreed
	md   *openpgp.MessageDetails
	read int64
}

func (o *opened) Read(b []byte) (int, error) {
	n, err := o.md.UnverifiedBody.Read(b)
	if o.read += int64(n); o.read > o.k.max {
		return 0, fmt.Errorf("it holds more than %d bytes", o.k.max)
	}
	switch {
	case errors.Is(err, io.EOF):
		if err := o.verdict(); err != nil {
			return 0, err
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it is cut off")
	case err != nil:
		err = fmt.Errorf("it was changed on its way, or is cut off: %w", err)
	}
	return n, err
}

// verdict is who signed.
func (o *opened) verdict() error {
	if !o.p.Sign {
		return nil
	}
	md := o.md
	switch {
	case md.SignedBy == nil && errors.Is(md.SignatureError, pgperrors.ErrUnknownIssuer):
		return fmt.Errorf("it is signed by a key that is not his (%s)", o.k.state(o.p.keys))
	case md.SignatureError != nil:
		return fmt.Errorf("its signature does not hold: %w", md.SignatureError)
	case md.SignedBy == nil || !md.IsVerified:
		return errors.New("its signature was not verified")
	case !slices.Contains(o.p.keys, md.SignedBy.Entity):
		return errors.New("it is signed by a key that is not his")
	}
	if _, ok := md.SignedBy.Entity.SigningKey(o.k.now(), &o.k.config); !ok {
		return fmt.Errorf("it is signed by a key that may not sign any more: %s", o.k.state(openpgp.EntityList{md.SignedBy.Entity}))
	}
	return nil
}

// state names keys with what is wrong with them.
func (k *Keys) state(list openpgp.EntityList) string {
	if len(list) == 0 {
		return "there is none"
	}
	var out []string
	for _, e := range list {
		key := describe(e, k.now(), &k.config)
		text := key.ID
		switch {
		case key.Revoked:
			text += " was revoked"
		case !key.Expires.IsZero() && !key.Expires.After(k.now()):
			text += " expired on " + key.Expires.UTC().Format(time.DateOnly)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}
