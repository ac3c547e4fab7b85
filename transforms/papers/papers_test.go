package papers_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/papers"
)

func paper(change ...func(*ship.CartonPaper)) ship.CartonPaper {
	c := ship.CartonPaper{
		SSCC: "106141412345678908", Order: "SO-1001", PO: "PO-77/3", No: 1, Of: 3,
		From:    party.Address{Name: "PakLog DC1", Lines: []string{"1 Dock Street"}, City: "Louisville", Region: "KY", PostalCode: "40202", Country: "US"},
		To:      party.Address{Name: "Jürgen Müller^~_", Company: "Łódź & Söhne", Lines: []string{"5 Elm Street", "Apt 9"}, City: "Reno", Region: "NV", PostalCode: "89501", Country: "US"},
		Carrier: "ups", Service: "03", Tracking: "1Z999AA10123456784", Weight: 1480 * measure.Gram,
		Contents: []ship.PaperLine{{Line: 1, Item: "MUG", Description: "Blue mug", GTIN: "00614141000012", UOM: "each", Lot: "L-4", Qty: 6}},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// labels are papers of every kind, and what their symbols must say.
var labels = []struct {
	name   string
	change func(*ship.CartonPaper)
	says   []string // bracketed
}{
	{"one item of one lot", nil, []string{"(420)89501", "(02)00614141000012(37)6", "(00)106141412345678908"}},
	{"two lots", func(c *ship.CartonPaper) {
		c.Contents = append(c.Contents, c.Contents[0])
		c.Contents[1].Lot, c.Contents[1].Qty = "L-5", 1234
	}, []string{"(420)89501", "(02)00614141000012(37)1240", "(00)106141412345678908"}},
	{"two items", func(c *ship.CartonPaper) {
		c.Contents = append(c.Contents, ship.PaperLine{Line: 2, Item: "JAR", GTIN: "00614141000029", UOM: "each", Qty: 1})
	}, []string{"(420)89501", "(400)PO-77/3", "(00)106141412345678908"}},
	{"no GTIN and no PO", func(c *ship.CartonPaper) { c.PO, c.Contents[0].GTIN = "", "" },
		[]string{"(420)89501", "(400)SO-1001", "(00)106141412345678908"}},
	{"abroad", func(c *ship.CartonPaper) { c.To.Country, c.To.PostalCode = "DE", "D-10115" },
		[]string{"(421)276D10115", "(02)00614141000012(37)6", "(00)106141412345678908"}},
	{"no postal code", func(c *ship.CartonPaper) { c.To.PostalCode = "" },
		[]string{"(02)00614141000012(37)6", "(00)106141412345678908"}},
	{"a number in letters that GS1 has not", func(c *ship.CartonPaper) { c.PO, c.Contents[0].GTIN = "ПО 77", "" },
		[]string{"(420)89501", "(00)106141412345678908"}},
	{"a PO longer than an order number", func(c *ship.CartonPaper) { c.PO, c.Contents[0].GTIN = strings.Repeat("9", 31), "" },
		[]string{"(420)89501", "(00)106141412345678908"}},
}

// drawn renders the graphic boxes of a ZPL label: its symbols are nothing else.
func drawn(t *testing.T, zpl []byte) image.Image {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 812, 1219))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	for _, m := range regexp.MustCompile(`\^FO(\d+),(\d+)\^GB(\d+),(\d+),(\d+)\^FS`).FindAllStringSubmatch(string(zpl), -1) {
		var n [5]int
		for i := range n {
			n[i], _ = strconv.Atoi(m[i+1])
		}
		if n[0]+n[2] > 812 || n[1]+n[3] > 1219 {
			t.Errorf("%s lies outside the label", m[0])
		}
		for x := range n[2] {
			for y := range n[3] {
				img.SetGray(n[0]+x, n[1]+y, color.Gray{})
			}
		}
	}
	return img
}

// tool is the path of a program; a test that needs it skips where it is not.
func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: %s has it", name, pkg)
	}
	return path
}

// read is what a scanner reads off a picture, top to bottom, in brackets. zbar tells FNC1
// at the beginning by leaving it out, and as GS between.
func read(t *testing.T, picture string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, "zbarimg", "zbar-tools"), "-q", "--raw", "-Sdisable", "-Scode128.enable", picture).Output()
	if err != nil {
		t.Fatalf("reading %s: %v: %s", picture, err, out)
	}
	var got []string
	for _, said := range strings.Split(strings.TrimRight(string(out), "\n"), "\n") {
		c, err := gs1.Parse("]C1" + said)
		if err != nil {
			t.Fatalf("%q: %v", said, err)
		}
		text, err := gs1.Bracketed(c.Elements...)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, text)
	}
	slices.Sort(got)
	return got
}

// TestSymbolsAreRead: a scanner reads off both forms of a label what it should say.
func TestSymbolsAreRead(t *testing.T) {
	for _, l := range labels {
		t.Run(l.name, func(t *testing.T) {
			c := paper()
			if l.change != nil {
				l.change(&c)
			}
			want := slices.Sorted(slices.Values(l.says))
			dir := t.TempDir()
			zpl, err := papers.LabelZPL(c)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := png.Encode(&b, drawn(t, zpl)); err != nil {
				t.Fatal(err)
			}
			picture := filepath.Join(dir, "zpl.png")
			if err := os.WriteFile(picture, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := read(t, picture); !slices.Equal(got, want) {
				t.Errorf("ZPL says %q, expected %q", got, want)
			}
			pdf, err := papers.LabelPDF(c)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, raster(t, dir, "label", pdf)); !slices.Equal(got, want) {
				t.Errorf("PDF says %q, expected %q", got, want)
			}
		})
	}
}

// raster is the first page of a document as a picture.
func raster(t *testing.T, dir, name string, pdf []byte) string {
	t.Helper()
	pdftoppm := tool(t, "pdftoppm", "poppler-utils")
	file := filepath.Join(dir, name+".pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), pdftoppm, "-r", "203", "-png", "-singlefile", file, filepath.Join(dir, name)).CombinedOutput(); err != nil {
		t.Fatalf("drawing %s: %v: %s", file, err, out)
	}
	return filepath.Join(dir, name+".png")
}

// TestLabelsAreSafe: what stands in an order cannot become a command of the printer, and the
// same paper is the same bytes.
func TestLabelsAreSafe(t *testing.T) {
	c := paper(func(c *ship.CartonPaper) {
		c.To.Name = "^XZ^XA~JR_5E \x1b\n" + strings.Repeat("long ", 80)
		c.Contents[0].Description = "🎁 \\&"
		for range 40 {
			c.Contents = append(c.Contents, c.Contents[0])
		}
	})
	zpl, err := papers.LabelZPL(c)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(zpl, []byte("^XA")); n != 1 || bytes.Contains(zpl, []byte("~JR")) || !bytes.Contains(zpl, []byte("_5EXZ_5EXA_7EJR_5F5E")) {
		t.Errorf("commands got through:\n%s", zpl)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(zpl)), "\n") {
		if !strings.HasPrefix(line, "^") {
			t.Errorf("a line of its own: %q", line)
		}
	}
	for name, write := range map[string]func() ([]byte, error){
		"ZPL": func() ([]byte, error) { return papers.LabelZPL(c) }, "PDF": func() ([]byte, error) { return papers.LabelPDF(c) },
		"slip": func() ([]byte, error) { return papers.SlipPDF(order()) },
	} {
		a, err := write()
		b, again := write()
		if err != nil || again != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: the same paper is other bytes (%v, %v)", name, err, again)
		}
	}
	for name, sscc := range map[string]string{"none": "", "another check digit": "106141412345678907", "letters": "10614141234567890X"} {
		for _, write := range []func(ship.CartonPaper) ([]byte, error){papers.LabelZPL, papers.LabelPDF} {
			if b, err := write(paper(func(c *ship.CartonPaper) { c.SSCC = sscc })); b != nil || fault.PlaceOf(err) != "sscc" {
				t.Errorf("%s: %d bytes, %v", name, len(b), err)
			}
		}
	}
}

func order() ship.OrderPaper {
	c := paper()
	o := ship.OrderPaper{
		Order: c.Order, PO: c.PO, From: c.From, To: c.To, Notes: []string{"Thank you <b>very</b> much"},
		Lines: []ship.OrderedLine{
			{PaperLine: ship.PaperLine{Line: 1, Item: "MUG", Description: "Blue mug", UOM: "each"}, Ordered: 9, Packed: 6, Waits: 3},
			{PaperLine: ship.PaperLine{Line: 2, Item: "<script>", Description: "Jar", UOM: "each"}, Ordered: 2, Gone: 2},
		},
		Cartons: []ship.CartonPaper{c},
	}
	return o
}

func TestSlip(t *testing.T) {
	text := string(papers.SlipText(order()))
	for _, want := range []string{"ORDER SO-1001   PO PO-77/3", "Łódź & Söhne", "1     MUG", "9        6       3", "CARTON 1 OF 3   SSCC 106141412345678908   1.480 KG   TRACKING 1Z", "6 each  MUG  Blue mug  lot L-4"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	page, err := papers.SlipHTML(order())
	if err != nil || bytes.Contains(page, []byte("<script>")) || bytes.Contains(page, []byte("<b>very")) || !bytes.Contains(page, []byte("&lt;script&gt;")) {
		t.Errorf("%v\n%s", err, page)
	}
	long := order()
	for i := range 200 {
		long.Lines = append(long.Lines, ship.OrderedLine{PaperLine: ship.PaperLine{Line: i + 3, Item: strings.Repeat("W", 90), Description: strings.Repeat("长", 300)}})
	}
	pdf, err := papers.SlipPDF(long)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(pdf, []byte("/Type /Page\n")); n < 4 {
		t.Errorf("%d pages", n)
	}
}

func ExampleSlipText() {
	fmt.Printf("%.12s\n", papers.SlipText(ship.OrderPaper{Order: "SO-1"}))
	// Output: PACKING SLIP
}
