package papers

import (
	"bytes"
	"fmt"

	"github.com/paklog/hub/core/ship"
)

// LabelZPL is the logistic label of a carton for a printer of 203 dpi, 4 by 6 inches.
func LabelZPL(c ship.CartonPaper) ([]byte, error) {
	s, err := layout(c)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	// UTF-8, and a hexadecimal escape in each text.
	fmt.Fprintf(&b, "^XA\n^CI28\n^PW%d\n^LL%d\n^LH0,0\n", width, height)
	for _, m := range s.marks {
		switch {
		case m.symbol != nil:
			m.symbol.runs(func(at, wide int) {
				fmt.Fprintf(&b, "^FO%d,%d^GB%d,%d,%d^FS\n", m.x+at*module, m.y, wide*module, bars, wide*module)
			})
		case m.rule > 0:
			fmt.Fprintf(&b, "^FO%d,%d^GB%d,2,2^FS\n", m.x, m.y, m.rule)
		default:
			fmt.Fprintf(&b, "^FO%d,%d^A0N,%d,%d^FH_^FD%s^FS\n", m.x, m.y, m.size, m.size, escaped(m.text))
		}
	}
	b.WriteString("^XZ\n")
	return b.Bytes(), nil
}

// escaped is a text between ^FD and ^FS: what ZPL would read as a command, and all that is
// not ASCII, byte by byte in hexadecimal.
func escaped(text string) string {
	var b bytes.Buffer
	for _, c := range []byte(text) {
		if c >= 0x80 || c == '^' || c == '~' || c == '_' || c == '\\' {
			fmt.Fprintf(&b, "_%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
