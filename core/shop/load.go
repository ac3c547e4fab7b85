package shop

import "time"

// Load asks for the first load of a shop: all orders that changed since a moment are read and decided on,
// page by page. One that is under way goes on, unless Restart begins it anew.
type Load struct {
	Shop    string
	Since   time.Time
	Restart bool
}

// LoadReport is how far a first load is.
type LoadReport struct {
	Shop  string    `json:"shop"`
	Since time.Time `json:"since"`
	Begun time.Time `json:"begun"`
	Done  time.Time `json:"done,omitzero"`   // zero while it is under way
	Total int       `json:"total,omitempty"` // orders that there are, where the shop can say; more may come meanwhile
	Pages int       `json:"pages"`
	Read  int       `json:"read"`             // orders that were looked at
	Past  int       `json:"past"`             // of them, those of which nothing is left to do
	Bad   int       `json:"unread,omitempty"` // that could not be read: each is a letter
}
