package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schemas say what the data of messages of others must be, by their type.
type Schemas struct{ by map[string]*jsonschema.Schema }

// LoadSchemas reads a folder of JSON Schemas, TYPE.json each. None of them may name another file.
func LoadSchemas(dir string) (*Schemas, error) {
	s := &Schemas{by: map[string]*jsonschema.Schema{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no schema, TYPE.json: %w", dir, fs.ErrNotExist)
	}
	var errs []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			c := jsonschema.NewCompiler()
			c.UseLoader(jsonschema.SchemeURLLoader{})
			if err = c.AddResource("schema.json", doc); err == nil {
				s.by[strings.TrimSuffix(filepath.Base(file), ".json")], err = c.Compile("schema.json")
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("schema %s: %w", file, err))
		}
	}
	return s, errors.Join(errs...)
}

// Check refuses data that is not what its type promises, and types that nothing is known of.
func (s *Schemas) Check(typ string, data []byte) error {
	schema := s.by[typ]
	if schema == nil {
		return fmt.Errorf("no schema is known for type %q", typ)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("type %q: %s", typ, strings.Join(strings.Fields(err.Error()), " "))
	}
	return nil
}
