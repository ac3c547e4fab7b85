package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/carton"
)

// levels are the heights at which boxes stand, from the floor up.
func levels(placed []carton.Placement) []int {
	var out []int
	for _, b := range placed {
		out = append(out, b.At[2])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// drawSVG shows a loading from above, one picture a level: in colour the boxes that stand
// at that height, with their type, in grey those that reach through it.
func drawSVG(p carton.Problem, placed []carton.Placement) []byte {
	const across, wide, gap, head = 4, 320, 16, 18
	scale := float64(wide) / float64(p.Container[0])
	tall := int(float64(p.Container[1])*scale) + 1
	all := levels(placed)
	rows := max(1, (len(all)+across-1)/across)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		across*(wide+gap)+gap, rows*(tall+head+gap)+gap)
	for i, z := range all {
		fmt.Fprintf(&b, `<g transform="translate(%d,%d)"><text y="12">height %d</text><g transform="translate(0,%d)">`+"\n",
			gap+i%across*(wide+gap), gap+i/across*(tall+head+gap), z, head)
		fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white" stroke="black"/>`+"\n", wide, tall)
		for _, x := range placed {
			if x.At[2] > z || x.At[2]+x.Size[2] <= z {
				continue
			}
			fill := "#ddd"
			if x.At[2] == z {
				fill = fmt.Sprintf("hsl(%d,60%%,75%%)", x.Type*137%360)
			}
			left, top := float64(x.At[0])*scale, float64(x.At[1])*scale
			w, h := float64(x.Size[0])*scale, float64(x.Size[1])*scale
			fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" stroke="#555"/>`, left, top, w, h, fill)
			if x.At[2] == z {
				fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">%d</text>`, left+w/2, top+h/2+4, p.Types[x.Type].ID)
			}
			b.WriteByte('\n')
		}
		b.WriteString("</g></g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// typeMarks name box types in a text drawing, again from the first where they do not suffice.
const typeMarks = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// drawLayers shows a loading from above as text of so many columns, one picture a level: the
// boxes that stand at that height, outlined, with a mark for their type; : is a box that
// reaches through it, . is air. Types are named in their order.
func drawLayers(columns int, container carton.Size, types []string, placed []carton.Placement) string {
	// A character is about twice as high as wide.
	lines := max(2, container[1]*columns/container[0]/2)
	var b strings.Builder
	fmt.Fprintf(&b, "%d boxes in %d x %d x %d, length to the right, width downwards\n", len(placed), container[0], container[1], container[2])
	for i, name := range types {
		fmt.Fprintf(&b, "  %c %s\n", typeMarks[i%len(typeMarks)], name)
	}
	across := func(x int) int { return (2*x*columns + container[0]) / (2 * container[0]) }
	down := func(y int) int { return (2*y*lines + container[1]) / (2 * container[1]) }
	for _, z := range levels(placed) {
		picture := make([][]byte, lines)
		for i := range picture {
			picture[i] = bytes.Repeat([]byte{'.'}, columns)
		}
		for _, x := range placed {
			if z < x.At[2] || z >= x.At[2]+x.Size[2] {
				continue
			}
			left, right := across(x.At[0]), across(x.At[0]+x.Size[0])
			top, bottom := down(x.At[1]), down(x.At[1]+x.Size[1])
			for i := top; i < bottom; i++ {
				for j := left; j < right; j++ {
					switch {
					case x.At[2] < z:
						picture[i][j] = ':'
					case i == (top+bottom)/2 && j == (left+right)/2:
						picture[i][j] = typeMarks[x.Type%len(typeMarks)]
					case j == left:
						picture[i][j] = '|'
					case i == top:
						picture[i][j] = '-'
					default:
						picture[i][j] = ' '
					}
				}
			}
		}
		fmt.Fprintf(&b, "height %d\n", z)
		for _, line := range picture {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}
