package putaway

// Put ends a put-away: the goods lie where the worker has scanned. Location is the place that he
// scanned; another than was planned needs a Reason, and must take them. Qty is how many he brought
// of goods that are not whole: 0 is all, and the rest is directed anew. Serials name the units,
// where it matters which of those that lay there.
type Put struct {
	Worker   string
	Claim    int
	Location string
	Qty      int64
	Reason   string
	Serials  []string
}
