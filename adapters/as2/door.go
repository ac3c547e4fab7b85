package as2

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/netip"
)

// A Door is what a partner must bring to send us anything, and how much of it is taken.
type Door struct {
	User, Password string         // of HTTP basic authentication; "" needs none
	Clients        *x509.CertPool // his TLS certificates, or who issues them; nil needs none
	From           []netip.Prefix // where he may come from; none is from anywhere
	MaxBytes       int64          // of one request; 0 is that of the station
	AtOnce         int            // messages at the same time; 0 is that of the station
}

// admitted reports whether the partner may send what he begins to, and tells him why not. Nothing of the body was
// read.
func (in *incoming) admitted(w http.ResponseWriter, r *http.Request) bool {
	d := in.profile.Door
	var status int
	var why string
	switch {
	case !d.comes(r.RemoteAddr):
		status, why = http.StatusForbidden, "not from this address"
	case d.Clients != nil && !d.known(in, r):
		status, why = http.StatusForbidden, "the TLS certificate that was agreed is missing"
	case d.User != "" && !d.passes(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="AS2"`)
		status, why = http.StatusUnauthorized, "user and password are not those that were agreed"
	case d.MaxBytes > 0 && r.ContentLength > d.MaxBytes:
		status, why = http.StatusRequestEntityTooLarge, fmt.Sprintf("%d bytes, %d at most", r.ContentLength, d.MaxBytes)
	default:
		if d.MaxBytes > 0 {
			r.Body = http.MaxBytesReader(w, r.Body, d.MaxBytes)
		}
		return true
	}
	in.cfg.Log.Warn("a message is not read", "partner", in.partner, "msg_id", in.req.MessageID, "remote", r.RemoteAddr, "why", why)
	refuse(w, status, why)
	return false
}

func (d Door) comes(from string) bool {
	if len(d.From) == 0 {
		return true
	}
	at, err := netip.ParseAddrPort(from)
	for _, p := range d.From {
		if err == nil && p.Contains(at.Addr().Unmap()) {
			return true
		}
	}
	return false
}

func (d Door) known(in *incoming, r *http.Request) bool {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return false
	}
	between := x509.NewCertPool()
	for _, c := range r.TLS.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := r.TLS.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: d.Clients, Intermediates: between, CurrentTime: in.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}

// passes compares digests, so that nobody learns a length from the time.
func (d Door) passes(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	same := func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(x[:], y[:])
	}
	return same(user, d.User)&same(password, d.Password) == 1
}
