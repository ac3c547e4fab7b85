// Package as2 writes and reads AS2 messages and their receipts (MDNs): what an
// HTTP request with these headers and this body says, and whether it is right.
// It opens no connection, keeps no state and never looks at a clock.
//
// Messages of any size pass in flat memory. Content that [Read] hands out is
// the caller's quarantine until Read has returned without a problem: signature
// and padding stand at the end.
//
// What a receipt tells a sender about a failure is one of the few words of a
// [Disposition]; the reason in words is for the own operator and never leaves
// in a receipt, so that nobody can use the answers to decrypt.
//
// Written from RFC 4130 (AS2), 5402 (compression), 6362 (several documents),
// 3335 and 8098 (receipts), 1847 and 8551 (S/MIME), 2045 and 2046 (MIME), 2231
// (file names), the draft of AS2-Version 1.3 (rfc4130bis), and the expired one of
// certificate exchange (draft-meadors-certificate-exchange-14).
package as2
