package simcarrier

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

// Draw makes a label's printable bytes, base64 as on the wire, in the format that
// the carrier calls l.Format; "" for one that is not drawn.
func Draw(carrier string, l Label) string {
	var b bytes.Buffer
	switch l.Format {
	case "ZPL", "ZPLII":
		b.WriteString(zpl(carrier, l))
	case "PDF":
		b.WriteString(pdf(carrier, l))
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

func zpl(carrier string, l Label) string {
	clean := strings.NewReplacer("^", " ", "~", " ").Replace
	var b strings.Builder
	b.WriteString("^XA^PW812^LL1218^CI28\n")
	fmt.Fprintf(&b, "^FO40,40^A0N,36,36^FB732,4^FDSHIP TO: %s^FS\n", clean(l.To))
	fmt.Fprintf(&b, "^FO40,300^A0N,60,60^FD%s %s^FS\n", carrier, clean(l.Service))
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

// pdf is a page of text with the label's numbers.
func pdf(carrier string, l Label) string {
	clean := strings.NewReplacer("(", " ", ")", " ", "\\", " ").Replace
	text := fmt.Sprintf("BT /F 12 Tf 20 400 Td (%s %s) Tj 0 -20 Td (%s) Tj 0 -20 Td (%s) Tj 0 -20 Td (SIMULATED, NOT FOR SHIPPING) Tj ET",
		carrier, clean(l.Service), l.TrackingNumber, clean(strings.Join(l.References, " ")))
	parts := []string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(text), text),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	}
	var b, xref strings.Builder
	b.WriteString("%PDF-1.4\n")
	for i, p := range parts {
		fmt.Fprintf(&xref, "%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj%s endobj\n", i+1, p)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(parts)+1, xref.String(), len(parts)+1, start)
	return b.String()
}
