package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"image/color"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/spf13/cobra"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/device"
	"github.com/paklog/hub/core/view"
)

func newDevice(g *global) *cobra.Command {
	cmd := newDeviceList(g)
	cmd.Use, cmd.Short = "device", "List handhelds; enrol and revoke them, and make a certificate for the page that they use"
	cmd.Example = `  paklog device
  paklog device certificate wms.example.com
  paklog device enrol HH-1
  paklog device revoke HH-1`
	cmd.AddCommand(newDeviceList(g), newDeviceEnrol(g), newDeviceRevoke(g), newDeviceCertificate())
	return cmd
}

func newDeviceList(g *global) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "list", Short: "List handhelds by name",
		Example: `  paklog device list
  paklog device list --status enrolled --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.list(cmd, g, "/v1/devices", []string{"DEVICE", "STATUS", "SINCE", "CODE UNTIL"}, func(d view.Doc) ([]any, error) {
				var x device.Device
				if err := json.Unmarshal(d.State, &x); err != nil {
					return nil, err
				}
				return []any{d.ID, d.Status, instant(x.Since), instant(x.Until)}, nil
			})
		},
	}
	l.flags(cmd, rest.Statuses(view.Device)...)
	return cmd
}

func newDeviceEnrol(g *global) *cobra.Command {
	var b rest.InviteBody
	var address string
	cmd := &cobra.Command{
		Use: "enrol NAME", Short: "Let a handheld enrol: prints a code that is good once, for 15 minutes",
		Long: `Print a code, and as a QR code the page that takes it. The handheld exchanges it for a token of its own,
over TLS alone (or on this machine), and keeps that until it is revoked. Enrolled again it gets another.`,
		Example: `  paklog device enrol HH-1
  paklog device enrol HH-1 --url https://wms.example.com:8443`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b.Device = args[0]
			return withHub(cmd, g, func(ctx context.Context, c *caller) error {
				var raw json.RawMessage
				if err := c.do(ctx, http.MethodPost, "/v1/devices", b, &raw); err != nil {
					return err
				}
				if address == "" {
					address = c.cfg.pageAddress()
				}
				return tellAnswer(cmd, g, raw, func(i rest.Invitation) {
					page := strings.TrimSuffix(address, "/") + "/scan#" + url.PathEscape(i.Code)
					drawQR(cmd, page)
					fmt.Fprintf(cmd.OutOrStdout(), "open %s on the handheld,\nor type the code there: %s\nIt is good once, until %s.\n", clean(page), clean(i.Code), instant(i.Until))
				})
			})
		},
	}
	cmd.Flags().StringVar(&b.Facility, "facility", "", "the building that it works in; the configured one where it is left out")
	cmd.Flags().StringVar(&address, "url", "", "where handhelds reach the hub; by the configuration where it is left out")
	return cmd
}

// pageAddress is where handhelds find the hub, as far as the configuration says it.
func (c *Config) pageAddress() string {
	scheme := "http"
	if c.HTTP.TLS.Certificate != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(c.HTTP.Listen)
	if err != nil {
		return scheme + "://" + c.HTTP.Listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if host, err = os.Hostname(); err != nil {
			host = "localhost"
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// drawQR draws two rows of the code in one line of text. What is light is drawn, for terminals are
// dark; readers take the other way round too.
func drawQR(cmd *cobra.Command, text string) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return // too long for one: the address below says the same
	}
	out, size := cmd.OutOrStdout(), code.Bounds().Dx()
	dark := func(x, y int) bool {
		return x >= 0 && y >= 0 && x < size && y < size && code.At(x, y) == color.Black
	}
	const quiet = 2
	for y := -quiet; y < size+quiet; y += 2 {
		var b strings.Builder
		for x := -quiet; x < size+quiet; x++ {
			top, bottom := dark(x, y), dark(x, y+1)
			switch {
			case top && bottom:
				b.WriteRune(' ')
			case top:
				b.WriteRune('▄')
			case bottom:
				b.WriteRune('▀')
			default:
				b.WriteRune('█')
			}
		}
		fmt.Fprintln(out, b.String())
	}
}

func newDeviceRevoke(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "Take a handheld's token away; what it sends from now on is refused",
		Example: `  paklog device revoke HH-1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, g, "/v1/devices/"+url.PathEscape(args[0])+"/revoke", nil, func(d device.Device) {
				fmt.Fprintf(cmd.OutOrStdout(), "device %s is %s\n", clean(d.Device), d.Status)
			})
		},
	}
}

func newDeviceCertificate() *cobra.Command {
	var dir string
	var days int
	cmd := &cobra.Command{
		Use: "certificate HOST...", Short: "Make a self-signed certificate for the names that handhelds reach the hub by",
		Long: `Make hub.crt and hub.key. Handhelds must trust hub.crt: install it on each, as a browser gives no page
off line whose certificate it doubts. Files that are there are left alone.`,
		Example: `  paklog device certificate wms.example.com 192.168.1.20 --out /etc/paklog`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if days < 1 || days > 3650 {
				return usagef(cmd, "--days is between 1 and 3650")
			}
			cert, key, err := selfSigned(args, time.Now(), days)
			if err != nil {
				return err
			}
			crt, secret := filepath.Join(dir, "hub.crt"), filepath.Join(dir, "hub.key")
			for _, f := range []struct {
				path string
				data []byte
				mode os.FileMode
			}{{secret, key, 0o600}, {crt, cert, 0o644}} {
				w, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
				if err != nil {
					return err
				}
				_, err = w.Write(f.data)
				if end := w.Close(); err == nil {
					err = end
				}
				if err != nil {
					return err
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s and %s, for %s, good for %d days. In the configuration:\n\nhttp:\n  tls:\n    certificate: %s\n    private_key: %s\n",
				clean(crt), clean(secret), clean(strings.Join(args, ", ")), days, clean(crt), clean(secret))
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "out", ".", "folder that the files are written to")
	cmd.Flags().IntVar(&days, "days", 825, "how long it is good for")
	return cmd
}

// selfSigned makes a certificate for host names and addresses, and its key, both as PEM.
func selfSigned(hosts []string, now time.Time, days int) (cert, key []byte, err error) {
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	t := &x509.Certificate{
		Subject:   pkix.Name{CommonName: hosts[0], Organization: []string{"PakLog"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, days),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return signedByItself(t, pair)
}

// signedByItself finishes a certificate for a key, which signs it; both as PEM.
func signedByItself(t *x509.Certificate, pair crypto.Signer) (cert, key []byte, err error) {
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, fmt.Errorf("making a serial number: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, pair.Public(), pair)
	if err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// secured listens with TLS where the configuration has a certificate. The files are read for each
// connection, so that a renewed one is taken without a restart.
func (c TLSConfig) secured(l net.Listener, clients tls.ClientAuthType) net.Listener {
	if c.Certificate == "" {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, ClientAuth: clients,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.load() },
	})
}

func (c TLSConfig) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.PrivateKey)
	return &pair, err
}
