package partnerhttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// FileTokens keeps tokens as files in this folder, readable by us alone.
type FileTokens string

// Load implements [TokenStore].
func (d FileTokens) Load(connection string) (Token, error) {
	b, err := os.ReadFile(d.path(connection))
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, nil
	}
	if err != nil {
		return Token{}, fmt.Errorf("reading token: %w", err)
	}
	var t Token
	if err := json.Unmarshal(b, &t); err != nil {
		return Token{}, fmt.Errorf("reading token of %s: not a token file", connection)
	}
	return t, nil
}

// Save implements [TokenStore]. A reader sees the old token or the new one,
// never half of one.
func (d FileTokens) Save(connection string, t Token) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("storing token: %w", err)
	}
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("storing token: %w", err)
	}
	tmp, err := os.CreateTemp(string(d), ".token-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("storing token: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("storing token: %w", err)
	}
	if err := os.Rename(tmp.Name(), d.path(connection)); err != nil {
		return fmt.Errorf("storing token: %w", err)
	}
	return nil
}

func (d FileTokens) path(connection string) string {
	return filepath.Join(string(d), url.PathEscape(connection)+".json")
}
