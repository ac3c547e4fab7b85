package ship

// Papers that a printer prints by itself.
const (
	PaperCarrier = "carrier" // the carrier's label of a carton, once it is bought
	PaperCarton  = "carton"  // the GS1 logistic label of a carton, once it is closed
	PaperSlip    = "slip"    // the packing slip of an order, once all of it is packed
)

// Papers are all of them.
func Papers() []string { return []string{PaperCarrier, PaperCarton, PaperSlip} }

// PrintJob is one paper as a printer takes it.
type PrintJob struct {
	Name   string // the same for the same job, whenever it is sent
	Format string // "zpl" or "pdf"
	Data   []byte
}

// PrintOn sends a paper of a carton or an order to a printer, once more where it was printed
// already. No printer named is the one that would print it by itself.
type PrintOn struct {
	Paper   string
	Printer string
}

// PrintCarrier asks for the bytes of the carrier's label of a carton. It changes nothing.
type PrintCarrier struct{}

// PrintSent says which printer a paper was sent to.
type PrintSent struct {
	Paper   string `json:"paper"`
	Printer string `json:"printer"`
}
