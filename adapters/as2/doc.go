// Package as2 is the station of the hub: it takes what partners send by AS2 over HTTP and answers
// with receipts (MDNs), and sends them what the hub has for them. What a message says is judged by
// edi/as2; what follows from it is decided by the hub, behind door.Stations.
//
// A message is spooled whole before it is judged: up to 64 KiB in memory, longer ones into the store of
// payloads. The bytes as they came of every message of a known partner are kept: those of a short one that
// is accepted by the hub with its exchange, others by the store. A receipt leaves
// once the hub holds reference, verdict, receipt and documents in one unit; without that the answer is
// 503 and the sender comes again. The same bytes under the same Message-ID get the receipt that was
// given before, without any use of a key.
package as2
