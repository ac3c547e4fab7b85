// Package configs reads what the operator asked for: one strict YAML file and
// the environment, into structs that their packages own.
//
// A struct says its keys by tags and its defaults by the values it holds when
// it is handed to [Loader.Load]:
//
//	type Config struct {
//		Listen  string        `config:"listen" doc:"Address of the HTTP door."`
//		MaxBody int64         `config:"max_body,bytes" doc:"Largest request; 0 means 1 MiB."`
//		Timeout time.Duration `config:"timeout" doc:"How long a request may take."`
//		Token   Secret        `config:"token" doc:"Key of the partner's API."`
//	}
//
// Without a config tag the key is the field's name in snake case; a field
// tagged "-" is no setting; an embedded struct's keys stand beside the others.
// Fields may be bool, string, integers, float64, [time.Duration] (units as in
// 1m30s, and d for days), integers tagged ",bytes" (units as in 64 KiB), types
// with UnmarshalText, and structs, pointers, slices and string-keyed maps of
// these. A struct in a slice, in a map or behind a nil pointer begins as its
// SetDefaults method leaves it, where it has one.
//
// Nothing is guessed: an unknown or repeated key, a value of another type, an
// alias, a second document are errors with their line, and all of them are
// reported at once. Then the Validate() error of every struct is called; an
// error that begins with "key: " is placed at that key, and joined errors are
// reported one by one. What it says of a value that could not be read is left
// out: it is about the default, or about nothing.
//
// A secret is a field whose type has UnmarshalText and Reveal() string, such as
// [Secret]. It is never written in the file: key_file names a file that holds
// it, or the value is ${NAME}, a reference to the environment.
package configs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration and maxSecret a file that holds a secret.
const (
	maxFile   = 1 << 20
	maxSecret = 64 << 10
)

// A Loader reads configurations. Its zero value reads the file alone.
type Loader struct {
	// Env is the environment as [os.Environ] gives it; nil means none. The
	// setting http.listen is overridden by PAKLOG_HTTP_LISTEN, one in a list of
	// texts or numbers by its values separated by commas. A variable that is
	// set to nothing is taken as not set.
	Env []string
	// Prefix of the variables that override settings. Default PAKLOG.
	Prefix string
	// PlainSecrets lets the file hold secrets as they are: for the demo and
	// its throw-away keys.
	PlainSecrets bool
	// NoSecrets leaves secrets unread and asks no Validate: for who only looks for a program that
	// runs on this configuration and has read them.
	NoSecrets bool
}

// Load reads the file at path and the environment over the values that target,
// a pointer to a struct, already holds. An empty path means no file. The error
// is of type [Problems], holds everything that is wrong, and leaves target half
// filled: use it only when the error is nil. Applied is never nil; it tells
// what was understood even where something is wrong.
func (l Loader) Load(path string, target any) (*Applied, error) {
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("configs: loading into %T, want a pointer to a struct", target))
	}
	checkType(v.Type().Elem(), v.Type().Elem().String())

	d := &decoder{file: path, plain: l.PlainSecrets, blind: l.NoSecrets, env: environment(l.Env), sources: map[string]Source{}}
	if path != "" {
		d.dir = filepath.Dir(path)
		if root := d.read(path); root != nil {
			d.section(root, v.Elem(), "")
		}
	}
	unused := d.override(v.Elem(), defaultPrefix(l.Prefix))
	d.unread = len(d.problems)
	if !l.NoSecrets {
		d.validate(v.Elem(), "")
	}
	return &Applied{target: v.Elem(), sources: d.sources, unused: unused}, d.problems.err()
}

func defaultPrefix(prefix string) string { return cmp.Or(prefix, "PAKLOG") }

func environment(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, entry := range list {
		if name, value, ok := strings.Cut(entry, "="); ok && value != "" {
			env[name] = value
		}
	}
	return env
}

// read returns the file's one mapping, or nil where there is none or the text
// cannot be read as YAML.
func (d *decoder) read(path string) *yaml.Node {
	text, err := readBounded(path, maxFile)
	if err != nil {
		d.problem(Source{File: path}, "", "%v", err)
		return nil
	}
	if line, what := foreignByte(text); what != "" {
		d.problem(Source{File: path, Line: line}, "", "%s: the file must be plain UTF-8 text", what)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		d.syntax(err)
		return nil
	}
	if err := dec.Decode(&second); err == nil {
		d.problem(Source{File: path, Line: second.Line}, "", "a second document begins here: one file holds one")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	return doc.Content[0]
}

// readBounded reads a regular file of at most limit bytes. A folder, a device or
// a pipe is refused before it is read.
func readBounded(path string, limit int64) ([]byte, error) {
	// Stat first: opening a pipe waits for its other end.
	info, err := os.Stat(path)
	if err != nil {
		return nil, bare(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("this is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, bare(err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("larger than %s", formatBytes(limit))
	}
	return text, nil
}

// bare takes the operation and the path off: the problem names its place.
func bare(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// foreignByte finds what no text editor writes.
func foreignByte(text []byte) (line int, what string) {
	at := bytes.IndexByte(text, 0)
	what = "a NUL byte"
	if at < 0 {
		if utf8.Valid(text) {
			return 0, ""
		}
		for at = 0; ; {
			r, size := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		what = fmt.Sprintf("byte 0x%02X is not UTF-8", text[at])
	}
	return 1 + bytes.Count(text[:at], []byte("\n")), what
}
