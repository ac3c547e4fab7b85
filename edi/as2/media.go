package as2

import (
	"mime"
	"net/textproto"
	"net/url"
	"path"
	"strings"
	"unicode"
)

// media reads a value such as Content-Type: the type in lower case and its
// parameters by lower-case name. It takes what partners send and mime refuses:
// unquoted slashes, a parameter twice (the first counts), empty parameters.
func media(value string) (kind string, params map[string]string) {
	params = map[string]string{}
	kind, rest, _ := strings.Cut(value, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	for rest != "" {
		name, after, found := strings.Cut(rest, "=")
		if semi := strings.IndexByte(name, ';'); semi >= 0 {
			rest = rest[semi+1:]
			continue
		}
		if !found {
			break
		}
		var v string
		v, rest = parameter(after)
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := params[name]; !twice {
			params[name] = v
		}
	}
	return kind, params
}

// parameter reads a value up to its semicolon, quoted or not.
func parameter(s string) (value, rest string) {
	s = strings.TrimLeft(s, " \t\r\n")
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ";")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			_, rest, _ = strings.Cut(s[i+1:], ";")
			return b.String(), rest
		case '\\':
			// A path of Windows is not escaped by those who send one.
			if i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// fileName is the name that a part gives its file, as written: file names of
// RFC 2231 before the plain one, Content-Disposition before Content-Type.
func fileName(h textproto.MIMEHeader) string {
	_, disposition := media(h.Get("Content-Disposition"))
	_, kind := media(h.Get("Content-Type"))
	for _, p := range []struct {
		params map[string]string
		name   string
	}{{disposition, "filename"}, {kind, "name"}} {
		if v, ok := p.params[p.name+"*"]; ok {
			if parts := strings.SplitN(v, "'", 3); len(parts) == 3 {
				if name, err := url.PathUnescape(parts[2]); err == nil {
					return name
				}
			}
		}
		if v := p.params[p.name]; v != "" {
			if name, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
				return name
			}
			return v
		}
	}
	return ""
}

// SafeName makes a file name that stays in its folder on any system: the last
// element of a path, without control characters and what file systems reserve.
// It is empty where nothing is left.
func SafeName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == unicode.ReplacementChar, unicode.Is(unicode.Bidi_Control, r):
			return -1
		case strings.ContainsRune(`<>:"/|?*`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	for len(name) > 255 {
		name = name[:len(name)-1]
	}
	return strings.ToValidUTF8(name, "")
}

// quoted writes a parameter's value as a quoted-string.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// dispositionOf is a Content-Disposition for a file of this name.
func dispositionOf(name string) string {
	ascii := strings.IndexFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) < 0
	if ascii {
		return "attachment; filename=" + quoted(name)
	}
	return "attachment; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}
