// Package carrierdoc is what the documents of all carriers have in common: what
// is written is held to the carrier's lengths, what is read is read leniently,
// and money and measures are exact. It is pure.
package carrierdoc
