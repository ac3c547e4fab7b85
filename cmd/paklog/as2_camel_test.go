package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// camelStation is Apache Camel behind a small program of ours: it is a library.
type camelStation struct {
	folders
	home string // of its jars
}

func (s *camelStation) start(t *testing.T, f *foreign) {
	s.make(t, f)
	keyStore(t, filepath.Join(s.dir, "keys.p12"))
	var ports []string
	for _, at := range []string{f.listen, f.mdn, f.ours} {
		_, port, err := net.SplitHostPort(at)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	program, err := filepath.Abs(filepath.Join("testdata", "stations", "CamelStation.java"))
	if err != nil {
		t.Fatal(err)
	}
	command := []string{"java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", filepath.Join(s.home, "*"), program, s.dir}
	log := filepath.Join(s.dir, "log")
	serving(t, f, log, append(command, ports...)...)
	// It listens before it knows what to do with what comes.
	if !everySoOften(t, time.Minute, func() bool {
		said, err := os.ReadFile(log)
		return err == nil && bytes.Contains(said, []byte("station started"))
	}) {
		t.Fatal("the station does not start")
	}
}

// Camel holds no receipt of ours against its message, and takes a message twice that is sent twice: when several come
// at once it now and then answers 500 to one that it has taken, and ours goes again. Its receipts that come by
// themselves name neither side (RFC 4130 6.2 wants both names): they are taken for the message that waits for one.
func TestCamel(t *testing.T) {
	home := stationJars(t, "camel-4.17.0", "org.apache.camel:camel-as2:4.17.0", "org.apache.camel:camel-main:4.17.0", "org.slf4j:slf4j-simple:2.0.17")
	never := func(cell) bool { return false }
	speak(t, "Camel AS2 4.17.0", &camelStation{home: home}, known{
		differs: never, loses: never, speaks: everything, proves: everything, forgets: true,
		path: func(c cell) string {
			return map[[2]bool]string{{}: "/p", {true, false}: "/s", {false, true}: "/e", {true, true}: "/se"}[[2]bool{c.Sign, c.Encrypt}]
		},
	})
}
