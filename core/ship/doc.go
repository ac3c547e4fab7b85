// Package ship gets cartons out of the door: which parcel goes to whom, which
// label carries it, and what left. The carrier port ([Carrier], [Tracker]) is
// here too, beside the types it speaks; everything else is pure.
package ship
