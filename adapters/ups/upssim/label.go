package upssim

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"strings"
)

// number makes a tracking number: 1Z, account, service, serial, check digit.
func number(account, service string, serial int) string {
	s := fmt.Sprintf("%s%s%07d", account, service, serial%10_000_000)
	return "1Z" + s + string(rune('0'+checkDigit(s)))
}

// checkDigit weighs the fifteen characters after 1Z by 1 and 2 in turn; a letter
// counts as its place after '?', modulo ten.
func checkDigit(s string) int {
	sum := 0
	for i, c := range s {
		v := int(c - '0')
		if c >= 'A' {
			v = int(c-'?') % 10
		}
		if i%2 == 1 {
			v *= 2
		}
		sum += v
	}
	return (10 - sum%10) % 10
}

// draw makes a label's printable bytes, base64 as on the wire; "" for a format
// that the simulator does not draw.
func draw(l Label) string {
	var b bytes.Buffer
	switch l.Format {
	case "ZPL":
		b.WriteString(zpl(l))
	case "GIF":
		if gif.Encode(&b, bars(l), nil) != nil {
			return ""
		}
	case "PNG":
		if png.Encode(&b, bars(l)) != nil {
			return ""
		}
	default:
		return ""
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func zpl(l Label) string {
	clean := strings.NewReplacer("^", " ", "~", " ").Replace
	var b strings.Builder
	b.WriteString("^XA^PW812^LL1218^CI28\n")
	fmt.Fprintf(&b, "^FO40,40^A0N,36,36^FB732,4^FDSHIP TO: %s^FS\n", clean(l.To))
	fmt.Fprintf(&b, "^FO40,300^A0N,60,60^FDUPS %s^FS\n", clean(l.Service))
	fmt.Fprintf(&b, "^FO40,380^A0N,36,36^FDTRACKING #: %s^FS\n", l.TrackingNumber)
	fmt.Fprintf(&b, "^FO60,440^BY3^BCN,200,N,N,N,A^FD%s^FS\n", l.TrackingNumber)
	for i, r := range l.References[:min(len(l.References), 2)] {
		fmt.Fprintf(&b, "^FO40,%d^A0N,28,28^FDREF %d: %s^FS\n", 700+40*i, i+1, clean(r))
	}
	b.WriteString("^FO40,1150^A0N,24,24^FDSIMULATED, NOT FOR SHIPPING^FS\n^XZ\n")
	return b.String()
}

// bars stands for a picture of a label: the tracking number's bits in black and white.
func bars(l Label) image.Image {
	img := image.NewPaletted(image.Rect(0, 0, 8*len(l.TrackingNumber), 24), color.Palette{color.White, color.Black})
	for i, c := range []byte(l.TrackingNumber) {
		for bit := range 8 {
			if c>>(7-bit)&1 == 1 {
				for y := range 24 {
					img.SetColorIndex(8*i+bit, y, 1)
				}
			}
		}
	}
	return img
}
