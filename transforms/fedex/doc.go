// Package fedex turns parcels into FedEx's documents and its answers back: Rates
// and Transit Times v1, Ship v1 with cancel, Track v1 by number and by reference.
// It is pure.
//
// What it writes is strict: a length FedEx does not take is an error with its
// place. What it reads is lenient: amounts come as numbers or as texts, and
// members come and go.
package fedex
