package wave

import "time"

// Previewed tells which waves would come of the orders that wait.
type Previewed struct {
	Templates []PreviewedTemplate `json:"templates" nullable:"false"`
	Order     *PreviewedOrder     `json:"order,omitempty"`
}

// PreviewedTemplate is what waits under one template.
type PreviewedTemplate struct {
	Template string          `json:"template"`
	Due      time.Time       `json:"due,omitzero" doc:"when its waves are planned at the latest"`
	Waves    []PreviewedWave `json:"waves" nullable:"false"`
	Left     []Left          `json:"left,omitempty" nullable:"false" doc:"orders that none of the waves holds, and why"`
}

// PreviewedWave is a wave that would be planned.
type PreviewedWave struct {
	Orders []Order `json:"orders" nullable:"false"`
	Share  Limits  `json:"share"`
}

// PreviewedOrder says of one order which template it belongs to and why it is not in a wave.
type PreviewedOrder struct {
	Of
	Wave     string  `json:"wave,omitempty"`
	Template string  `json:"template,omitempty"`
	Because  string  `json:"because,omitempty" doc:"why it cannot go now"`
	NotOf    []NotOf `json:"not_of,omitempty" nullable:"false" doc:"templates that come before, and why it is not theirs"`
	Share    *Limits `json:"share,omitempty"`
}

// NotOf says why an order does not belong to a template.
type NotOf struct {
	Template string `json:"template"`
	Because  string `json:"because"`
}
