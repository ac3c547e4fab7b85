package mapping

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Bounds of tables.
const (
	maxRows  = 100_000 // of a table
	maxTable = 8 << 20 // bytes of a file
)

// table is a lookup table: rows by their keys, which are joined by keySeparator.
type table struct {
	name     string
	keys     int
	rows     map[string]string
	fallback *string
}

const keySeparator = "\x1f"

// function is table.NAME(key...).
func (t *table) function() cel.EnvOption {
	args := slices.Repeat([]*cel.Type{cel.StringType}, t.keys)
	return cel.Function("table."+t.name, cel.Overload("table_"+t.name, args, cel.StringType, cel.FunctionBinding(func(a ...ref.Val) ref.Val {
		parts := make([]string, len(a))
		for i := range a {
			parts[i] = string(a[i].(types.String))
		}
		if v, ok := t.rows[strings.Join(parts, keySeparator)]; ok {
			return types.String(v)
		}
		if t.fallback != nil {
			return types.String(*t.fallback)
		}
		return types.NewErr("table %s has no row for %q", t.name, strings.Join(parts, " "))
	})))
}

// readCSV fills a table from comma-separated text whose first row names the columns.
func (t *table) readCSV(text []byte, keys []string, value string) error {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))))
	r.Comment, r.TrimLeadingSpace = '#', true
	head, err := r.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the file is empty")
		}
		return err
	}
	column := func(name string) (int, error) {
		if i := slices.Index(head, name); i >= 0 {
			return i, nil
		}
		if near := nearest(name, head); near != "" {
			return 0, fmt.Errorf("there is no column %q: did you mean %q?", name, near)
		}
		return 0, fmt.Errorf("there is no column %q: there are %s", name, strings.Join(head, ", "))
	}
	from := make([]int, len(keys))
	for i, k := range keys {
		if from[i], err = column(k); err != nil {
			return err
		}
	}
	to, err := column(value)
	if err != nil {
		return err
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		parts := make([]string, len(from))
		for i, c := range from {
			parts[i] = strings.TrimSpace(row[c])
		}
		key := strings.Join(parts, keySeparator)
		line, _ := r.FieldPos(0)
		if _, twice := t.rows[key]; twice {
			return fmt.Errorf("line %d: %q has a row already", line, strings.Join(parts, " "))
		}
		if len(t.rows) >= maxRows {
			return fmt.Errorf("there are more than %d rows", maxRows)
		}
		t.rows[key] = strings.TrimSpace(row[to])
	}
}
