package shopifysim

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

var (
	noField    = regexp.MustCompile(`^Cannot query field "(\w+)" on type "(\w+)"`)
	noArgument = regexp.MustCompile(`^Unknown argument "(\w+)" on field "(\w+)\.(\w+)"`)
	unused     = regexp.MustCompile(`^Variable "\$(\w+)" is never used(?: in operation "(\w+)")?`)
	wanting    = regexp.MustCompile(`^Field "(\w+)" argument "(\w+)" of type "([^"]+)" is required`)
	noLeaf     = regexp.MustCompile(`^Field "(\w+)" of type "([^"]+)" must have a selection of subfields`)
)

// schemaError is a breach of the schema in Shopify's words and codes.
func schemaError(e *gqlerror.Error) fail {
	m := e.Message
	if x := noField.FindStringSubmatch(m); x != nil {
		return fail{message: "Field '" + x[1] + "' doesn't exist on type '" + x[2] + "'", code: "undefinedField", more: obj{"typeName": x[2], "fieldName": x[1]}}
	}
	if x := noArgument.FindStringSubmatch(m); x != nil {
		return fail{message: "Field '" + x[3] + "' doesn't accept argument '" + x[1] + "'", code: "argumentNotAccepted", more: obj{"name": x[3], "typeName": "Field", "argumentName": x[1]}}
	}
	if x := unused.FindStringSubmatch(m); x != nil {
		by := x[2]
		if by == "" {
			by = "anonymous query"
		}
		return fail{message: "Variable $" + x[1] + " is declared by " + by + " but not used", code: "variableNotUsed", more: obj{"variableName": x[1]}}
	}
	if x := wanting.FindStringSubmatch(m); x != nil {
		return fail{message: "Field '" + x[1] + "' is missing required arguments: " + x[2], code: "missingRequiredArguments", more: obj{"className": "Field", "name": x[1], "arguments": x[2]}}
	}
	if x := noLeaf.FindStringSubmatch(m); x != nil {
		return fail{message: "Field must have selections (field '" + x[1] + "' returns " + strings.Trim(x[2], "!") + " but has no selections.)", code: "selectionMismatch", more: obj{"nodeName": "field '" + x[1] + "'", "typeName": strings.Trim(x[2], "!")}}
	}
	if e.Rule == "" {
		return fail{message: "syntax error, " + m, code: "SYNTAX"}
	}
	return fail{message: m, code: e.Rule}
}

// variableError is a variable whose value does not fit.
func variableError(op *ast.OperationDefinition, err error) fail {
	words := err.Error()
	for _, v := range op.VariableDefinitions {
		if strings.Contains(words, v.Variable) {
			return fail{message: "Variable $" + v.Variable + " of type " + v.Type.String() + " was provided invalid value", code: "INVALID_VARIABLE"}
		}
	}
	return fail{message: words, code: "INVALID_VARIABLE"}
}

// number is an argument that is a whole number.
func number(v any) (int, bool) {
	switch v := v.(type) {
	case int64:
		return int(v), true
	case int:
		return v, true
	case float64:
		return int(v), true
	case json.Number:
		n, err := v.Int64()
		return int(n), err == nil
	}
	return 0, false
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func flag(v any) bool {
	b, _ := v.(bool)
	return b
}

// object is an argument that is an input object.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
