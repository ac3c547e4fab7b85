package journal

// Member is a process that opened a shared journal and shows that it lives.
type Member struct {
	ID int64
	// Beat moves while the member breathes. No clock is compared with another: who watches
	// sees that it has not moved for a time of his own clock.
	Beat int64
	// Gone says that the store sees no session of the member any more.
	Gone   bool
	Who    string
	Offers []string // what it can run
}

// Lease says which member runs what is named, 0 for none. Epoch moves whenever it changes hands.
type Lease struct {
	Name   string
	Holder int64
	Epoch  int64
}

// Roll is all members of a shared journal and all leases, as of one moment.
type Roll struct {
	Members []Member
	Leases  []Lease
}
