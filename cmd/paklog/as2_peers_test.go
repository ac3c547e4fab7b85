package main

import (
	"path/filepath"
	"testing"

	"github.com/paklog/hub/edi/peer"
)

// peerStation is a station of package peer.
type peerStation struct {
	folders
	peer.Station
}

// newPeerStation fetches one, and skips where it cannot be had.
func newPeerStation(t *testing.T, name string) *peerStation {
	t.Helper()
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	cache, err := peer.Cache()
	if err != nil {
		t.Fatal(err)
	}
	s := &peerStation{Station: peer.Station{Name: name}}
	if err := s.Install(t.Context(), cache); err != nil {
		t.Skip(err)
	}
	return s
}

func (s *peerStation) start(t *testing.T, f *foreign) {
	s.dir = filepath.Join(f.dir, "station")
	s.Dir, s.Listen, s.Receipts, s.Us, s.Ours = s.dir, f.listen, f.mdn, ourStation, f.ours
	for _, c := range f.cells {
		s.Partnerships = append(s.Partnerships, peer.Partnership{Name: c.name(), Sign: c.Sign, Encrypt: c.Encrypt, Compress: c.Compress, Receipt: c.Receipt, Async: c.Async, GCM: c.Special == "gcm"})
	}
	if err := s.Prepare(t.Context(), f.own.Certificate, f.their.Certificate, f.their.Key); err != nil {
		t.Fatal(err)
	}
	cmd, ready := s.Command(t.Context())
	serving(t, f, filepath.Join(s.Dir, "log"), ready, cmd)
}

// OpenAS2 makes the MIC of a message that is compressed and no more than that of the content alone. RFC 5402
// 4.3 says with its MIME headers; so does what it does when it receives one.
func TestOpenAS2(t *testing.T) {
	s := newPeerStation(t, "openas2")
	speak(t, s.Title(), s, known{differs: func(c cell) bool {
		return !c.Sign && !c.Encrypt && c.Compress != "none" && c.Receipt == "signed"
	}, loses: func(cell) bool { return false }, speaks: everything, proves: everything, special: map[string]way{"pss": {takes: true}, "long": {sends: true, takes: true}}})
}

// phax makes the MIC of what was compressed and not signed of the compressed bytes. RFC 5402 4.2 and 4.3 say of
// what they hold. That of what is signed behind its compression it takes of what was compressed; 4.1 says of what
// was signed. We sign by that and take either.
// It knows no partner of a receipt that comes by itself, for it looks for one without a certificate.
func TestPhax(t *testing.T) {
	s := newPeerStation(t, "phax")
	speak(t, s.Title(), s, known{differs: func(c cell) bool {
		return !c.Sign && c.Compress != "none" && c.Receipt != "none" && !c.Async
	}, loses: func(c cell) bool { return c.Async }, speaks: everything, proves: everything, special: map[string]way{"gcm": {sends: true}, "oaep": {takes: true}, "pss": {takes: true}, "long": {sends: true, takes: true}}})
}

// Camel holds no receipt of ours against its message, and takes a message twice that is sent twice: when several come
// at once it now and then answers 500 to one that it has taken, and ours goes again. Its receipts that come by
// themselves name neither side (RFC 4130 6.2 wants both names): they are taken for the message that waits for one.
func TestCamel(t *testing.T) {
	s := newPeerStation(t, "camel")
	never := func(cell) bool { return false }
	speak(t, s.Title(), s, known{
		differs: never, loses: never, speaks: everything, proves: everything, forgets: true,
		path:    func(c cell) string { return s.Path(c.Sign, c.Encrypt) },
		special: map[string]way{"gcm": {sends: true, fails: true}, "oaep": {takes: true}, "pss": {takes: true}, "long": {sends: true}},
	})
}

func everything(cell) bool { return true }
