package grammar

import "github.com/paklog/hub/edi/finding"

// Applied is an overlay that made a grammar what it is.
type Applied struct {
	Overlay string
	Layer   finding.Layer
}

// change is what an overlay may have set: a path or element, and an attribute.
type change struct{ at, attribute string }
