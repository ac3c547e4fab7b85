package main

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/as2"
	"github.com/paklog/hub/configs"
	protocol "github.com/paklog/hub/edi/as2"
	"github.com/paklog/hub/edi/cms"
)

// AS2Config is our station.
type AS2Config struct {
	Listen       string                 `config:"listen" doc:"Address of the door of AS2 partners; \"\" is none: then nothing comes in, and receipts come as answers alone."`
	TLS          TLSConfig              `config:"tls" doc:"Serve https."`
	ID           string                 `config:"id" doc:"Our AS2 name, where a partner knows us by no other."`
	URL          string                 `config:"url" doc:"Where partners reach that door: what receipts that come by themselves are sent to."`
	Host         string                 `config:"host" doc:"What stands behind the @ of our message ids; \"\" is paklog."`
	Certificates []OwnCertificateConfig `config:"certificates" doc:"Ours, by which we sign and decrypt; several while one takes the place of another."`
	MaxMessage   int64                  `config:"max_message,bytes" doc:"Largest message, and what it may become without its compression."`
	AtOnce       int                    `config:"at_once" doc:"Messages that are taken at the same time; more are asked to come again."`
	Receipt      time.Duration          `config:"receipt_within" doc:"How long a receipt may take that comes by itself; then the message goes again, three times at most."`
}

// OwnCertificateConfig is a certificate of ours.
type OwnCertificateConfig struct {
	TheirCertificateConfig

	PrivateKey configs.Secret `config:"private_key" doc:"Its key, PEM: give private_key_file."`
}

// TheirCertificateConfig is a certificate of a partner.
type TheirCertificateConfig struct {
	Certificate configs.Secret `config:"certificate" doc:"PEM: give certificate_file."`
	Use         string         `config:"use" doc:"sign, encrypt or both."`
	From        string         `config:"from" doc:"When it takes the place of the one before: 2026-12-01, or with a time in RFC 3339; \"\" is from its own beginning."`
}

// SetDefaults is for both uses.
func (c *TheirCertificateConfig) SetDefaults() { c.Use = string(as2.ForBoth) }

// AS2PartnerConfig is what is agreed with a partner who speaks AS2.
type AS2PartnerConfig struct {
	ID           string                   `config:"id" doc:"His AS2 name; \"\" does not speak AS2 with him."`
	OurID        string                   `config:"our_id" doc:"The AS2 name he knows us by; \"\" is as2.id."`
	URL          string                   `config:"url" doc:"His station. \"\" takes what he sends and leaves ours in his folder."`
	Preset       string                   `config:"preset" doc:"The program that he runs: openas2, phax, camel, pyas2, mendelson. \"\" is not known. It changes nothing: paklog partner check says what of the agreement that program cannot do."`
	Version      string                   `config:"version" doc:"AS2-Version of what we send him: 1.1, 1.2, or 1.3 of the draft that takes the place of RFC 4130, which forbids 3des-cbc."`
	Certificates []TheirCertificateConfig `config:"certificates" doc:"His, to verify by and to encrypt for."`
	Sign         string                   `config:"sign" doc:"Digest that we sign under: sha256, sha384, sha512, or none."`
	PSS          bool                     `config:"pss" doc:"Sign by RSASSA-PSS instead of PKCS #1 v1.5."`
	Encrypt      string                   `config:"encrypt" doc:"aes128-cbc to aes256-cbc, aes128-gcm to aes256-gcm, 3des-cbc, or none."`
	OAEP         bool                     `config:"oaep" doc:"Transport keys by RSAES-OAEP (SHA-256) instead of PKCS #1 v1.5."`
	Compress     string                   `config:"compress" doc:"none, before the signature, or after it."`
	Base64       bool                     `config:"base64" doc:"Send base64 instead of bytes."`
	Receipt      string                   `config:"receipt" doc:"signed, unsigned or none."`
	Async        bool                     `config:"receipt_async" doc:"Have receipts sent to as2.url instead of in the answer."`
	Hosts        []string                 `config:"receipt_hosts" doc:"Hosts that his receipts may be sent to, beside that of url."`
	Exchange     string                   `config:"certificate_exchange" doc:"What becomes of certificates that he offers over AS2: manual waits for paklog partner certs, auto takes what one that is trusted already has signed."`
	Restart      bool                     `config:"restart" doc:"Go on with messages of more than 64 KiB where they broke off (AS2 Restart), both ways. Only where he does so, too."`
	NeedSigned   bool                     `config:"require_signed" doc:"Refuse messages without a signature."`
	NeedSecret   bool                     `config:"require_encrypted" doc:"Refuse messages that are not encrypted."`
	User         string                   `config:"user" doc:"HTTP basic authentication at his station."`
	Password     configs.Secret           `config:"password" doc:"Give password_file, or ${NAME}."`
	TLS          AS2ClientTLSConfig       `config:"tls" doc:"Ours towards his station, where it asks for one."`
	Door         AS2DoorConfig            `config:"door" doc:"What he must bring to our door, and how much of it is taken."`
	CA           configs.Secret           `config:"ca" doc:"Certificates that his TLS certificate is trusted by, PEM: give ca_file. None is those of the system."`
}

// AS2ClientTLSConfig is our TLS certificate at a partner's station.
type AS2ClientTLSConfig struct {
	Certificate configs.Secret `config:"certificate" doc:"PEM: give certificate_file."`
	PrivateKey  configs.Secret `config:"private_key" doc:"Its key, PEM: give private_key_file."`
}

// AS2DoorConfig is what a partner must bring to our door.
type AS2DoorConfig struct {
	User       string         `config:"user" doc:"HTTP basic authentication; \"\" asks for none."`
	Password   configs.Secret `config:"password" doc:"Give password_file, or ${NAME}."`
	CA         configs.Secret `config:"ca" doc:"His TLS certificates or who issues them, PEM: give ca_file. Needs as2.tls; \"\" asks for none."`
	From       []string       `config:"from" doc:"Addresses and networks that he may come from; none is from anywhere."`
	MaxMessage int64          `config:"max_message,bytes" doc:"Largest message of his; 0 is as2.max_message."`
	AtOnce     int            `config:"at_once" doc:"Messages of his that are taken at the same time; 0 is as2.at_once."`
}

// door is what the station goes by.
func (c AS2DoorConfig) door() (d as2.Door, err error) {
	d = as2.Door{User: c.User, Password: c.Password.Reveal(), MaxBytes: c.MaxMessage, AtOnce: c.AtOnce}
	errs := []error{atLeast("max_message", c.MaxMessage, 0), atLeast("at_once", c.AtOnce, 0)}
	if c.User != "" && d.Password == "" {
		errs = append(errs, errors.New("user: without a password he would not be asked for one: give password_file"))
	}
	if ca := c.CA.Reveal(); ca != "" {
		if d.Clients = x509.NewCertPool(); !d.Clients.AppendCertsFromPEM([]byte(ca)) {
			errs = append(errs, errors.New("ca: no certificate in PEM"))
		}
	}
	for _, text := range c.From {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var at netip.Addr
			at, err = netip.ParseAddr(text)
			p = netip.PrefixFrom(at, at.BitLen())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("from: %q is neither an address nor a network as 192.0.2.0/24", text))
		}
		d.From = append(d.From, p)
	}
	return d, errors.Join(errs...)
}

// Validate reports what does not fit.
func (c AS2DoorConfig) Validate() error {
	_, err := c.door()
	return err
}

// certificate is nil where there is none.
func (c AS2ClientTLSConfig) certificate() (*tls.Certificate, error) {
	if c.Certificate.Reveal() == "" && c.PrivateKey.Reveal() == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(c.Certificate.Reveal()), []byte(c.PrivateKey.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("certificate and private_key: %w", err)
	}
	return &pair, nil
}

// Validate reports what does not fit.
func (c AS2ClientTLSConfig) Validate() error {
	_, err := c.certificate()
	return err
}

// setDefaults are what most stations take.
func (c *AS2PartnerConfig) setDefaults() {
	c.Sign, c.Encrypt, c.Compress, c.Receipt = "sha256", cms.AES256CBC.String(), "none", as2.ReceiptSigned
	c.NeedSigned, c.NeedSecret, c.Exchange, c.Version = true, true, as2.ExchangeManual, as2.Version12
}

// Validate reports what does not fit.
func (c AS2Config) Validate() error {
	var errs []error
	if c.Listen != "" {
		errs = append(errs, listenAddress("listen", c.Listen))
	}
	if c.ID != "" {
		errs = append(errs, as2Name("id", c.ID))
	}
	if c.URL != "" {
		errs = append(errs, stationURL("url", c.URL))
	}
	if strings.ContainsFunc(c.Host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>@"`, r) }) {
		errs = append(errs, fmt.Errorf("host: %q cannot stand in a message id", c.Host))
	}
	return errors.Join(append(errs, atLeast("max_message", c.MaxMessage, 1<<10), atLeast("at_once", c.AtOnce, 1), positive("receipt_within", c.Receipt))...)
}

// Validate reports what does not fit.
func (c OwnCertificateConfig) Validate() error {
	_, err := c.certificate()
	return err
}

// Validate reports what does not fit.
func (c TheirCertificateConfig) Validate() error {
	_, err := c.certificate()
	return err
}

// Validate reports what does not fit.
func (c AS2PartnerConfig) Validate() error {
	if c.ID == "" {
		return nil
	}
	_, err := c.profile(AS2Config{ID: cmp.Or(c.OurID, "x")})
	errs := []error{err, as2Name("id", c.ID)}
	if c.OurID != "" {
		errs = append(errs, as2Name("our_id", c.OurID))
	}
	if c.URL != "" {
		errs = append(errs, stationURL("url", c.URL))
	}
	return errors.Join(errs...)
}

func as2Name(key, name string) error {
	if _, err := protocol.ParseName(protocol.QuoteName(name)); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func stationURL(key, text string) error {
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fmt.Errorf("%s: %q is no URL of a station, as https://as2.example.com/receive", key, text)
	}
	return nil
}

// as2Rules are what the parts of the configuration say together.
func (c *Config) as2Rules() (errs []error) {
	for _, name := range slices.Sorted(maps.Keys(c.EDI.Partners)) {
		p := c.EDI.Partners[name].AS2
		if p.ID == "" {
			continue
		}
		at := "edi.partners." + name + ".as2"
		if cmp.Or(p.OurID, c.AS2.ID) == "" {
			errs = append(errs, fmt.Errorf("%s.our_id: give our AS2 name, here or in as2.id", at))
		}
		if p.Async && (c.AS2.URL == "" || c.AS2.Listen == "") {
			errs = append(errs, fmt.Errorf("%s.receipt_async: receipts that come by themselves need as2.url and as2.listen", at))
		}
		if p.Door.CA.Reveal() != "" && c.AS2.TLS.Certificate == "" {
			errs = append(errs, fmt.Errorf("%s.door.ca: TLS certificates of partners need as2.tls", at))
		}
		if c.AS2.Listen == "" && p.URL == "" {
			errs = append(errs, fmt.Errorf("%s.url: without it and without as2.listen nothing goes either way", at))
		}
	}
	return errs
}

// certificate reads one of ours with its key.
func (c OwnCertificateConfig) certificate() (as2.Certificate, error) {
	out, err := c.TheirCertificateConfig.certificate()
	pair, ownErr := tls.X509KeyPair([]byte(c.Certificate.Reveal()), []byte(c.PrivateKey.Reveal()))
	switch {
	case ownErr == nil:
		out.Key, _ = pair.PrivateKey.(crypto.Signer) // as every key that X509KeyPair reads
	case out.Certificate != nil, c.PrivateKey.Reveal() == "": // otherwise it is the certificate that cannot be read
		err = errors.Join(err, fmt.Errorf("private_key: %w", ownErr))
	}
	return out, err
}

// certificate reads one of a partner.
func (c TheirCertificateConfig) certificate() (out as2.Certificate, err error) {
	var errs []error
	block, _ := pem.Decode([]byte(c.Certificate.Reveal()))
	if block == nil || block.Type != "CERTIFICATE" {
		errs = append(errs, errors.New("certificate: no certificate in PEM (openssl x509 -inform der -in FILE makes one of a .cer or .der)"))
	} else if out.Certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
		errs = append(errs, fmt.Errorf("certificate: %w", err))
	}
	if out.Use = as2.Use(c.Use); !slices.Contains([]as2.Use{as2.ForBoth, as2.ForSigning, as2.ForSecrecy}, out.Use) {
		errs = append(errs, fmt.Errorf("use: %q is none of sign, encrypt, both", c.Use))
	}
	if c.From != "" {
		if out.From, err = time.Parse(time.RFC3339, c.From); err != nil {
			if out.From, err = time.Parse(time.DateOnly, c.From); err != nil {
				errs = append(errs, fmt.Errorf("from: %q is neither a day as 2026-12-01 nor a time as 2026-12-01T06:00:00Z", c.From))
			}
		}
	}
	return out, errors.Join(errs...)
}

// profile is what the station goes by.
func (c AS2PartnerConfig) profile(own AS2Config) (as2.Profile, error) {
	p := as2.Profile{
		ID: c.ID, OurID: cmp.Or(c.OurID, own.ID), Version: c.Version, URL: c.URL, PSS: c.PSS, Base64: c.Base64, Receipt: c.Receipt, ReceiptHosts: c.Hosts, Exchange: c.Exchange, Restart: c.Restart, ReceivedAt: own.URL,
		RequireSigned: c.NeedSigned, RequireEncrypted: c.NeedSecret, User: c.User, Password: c.Password.Reveal(),
	}
	var errs []error
	var err error
	if p.Preset, err = as2.ParsePreset(c.Preset); err != nil {
		errs = append(errs, fmt.Errorf("preset: %w", err))
	}
	for _, theirs := range c.Certificates {
		x, err := theirs.certificate()
		if err != nil {
			continue // told where it stands
		}
		p.Certificates = append(p.Certificates, x)
	}
	if c.Sign != "none" {
		d, ok := protocol.ParseDigest(c.Sign)
		if !ok || d.Hash == crypto.SHA1 || d.Hash == crypto.SHA224 {
			errs = append(errs, fmt.Errorf("sign: %q is none of sha256, sha384, sha512, none", c.Sign))
		}
		p.Sign = d.Hash
	}
	if c.Encrypt != "none" {
		if p.Encrypt, err = cms.ParseCipher(c.Encrypt); err != nil {
			errs = append(errs, fmt.Errorf("encrypt: %q is no cipher that is written, as aes256-cbc", c.Encrypt))
		}
	}
	if !slices.Contains([]string{as2.Version11, as2.Version12, as2.Version13}, c.Version) {
		errs = append(errs, fmt.Errorf("version: %q is none of 1.1, 1.2, 1.3", c.Version))
	}
	if c.Version == as2.Version13 && p.Encrypt == cms.TripleDESCBC {
		errs = append(errs, errors.New("encrypt: AS2-Version 1.3 forbids 3des-cbc: take aes128-cbc or better, or version \"1.2\""))
	}
	if c.OAEP {
		p.OAEP = crypto.SHA256
	}
	if p.Compress, err = as2.ParseCompress(c.Compress); err != nil {
		errs = append(errs, fmt.Errorf("compress: %w", err))
	}
	if !slices.Contains([]string{as2.ReceiptSigned, as2.ReceiptUnsigned, as2.ReceiptNone}, c.Receipt) {
		errs = append(errs, fmt.Errorf("receipt: %q is none of signed, unsigned, none", c.Receipt))
	}
	if !slices.Contains([]string{as2.ExchangeManual, as2.ExchangeAuto}, c.Exchange) {
		errs = append(errs, fmt.Errorf("certificate_exchange: %q is none of manual, auto", c.Exchange))
	}
	if c.Async {
		p.ReceiptTo = own.URL
	}
	p.Door, _ = c.Door.door()      // told where it stands
	p.TLS, _ = c.TLS.certificate() // as well
	if ca := c.CA.Reveal(); ca != "" {
		if p.Roots = x509.NewCertPool(); !p.Roots.AppendCertsFromPEM([]byte(ca)) {
			errs = append(errs, errors.New("ca: no certificate in PEM"))
		}
	}
	return p, errors.Join(errs...)
}

// station is the station of a configuration.
func (c *Config) station() (as2.Config, error) {
	out := as2.Config{
		Partners: map[string]as2.Profile{}, Agent: "PakLog " + version(), Host: c.AS2.Host,
		MaxBytes: c.AS2.MaxMessage, AtOnce: c.AS2.AtOnce, Now: time.Now,
	}
	var errs []error
	for i, own := range c.AS2.Certificates {
		x, err := own.certificate()
		if err != nil {
			errs = append(errs, fmt.Errorf("as2.certificates[%d].%w", i, err))
		}
		out.Own = append(out.Own, x)
	}
	for name, p := range c.EDI.Partners {
		if p.AS2.ID == "" {
			continue
		}
		profile, err := p.AS2.profile(c.AS2)
		if err != nil {
			errs = append(errs, fmt.Errorf("edi.partners.%s.as2.%w", name, err))
		}
		out.Partners[name] = profile
	}
	return out, errors.Join(errs...)
}
