// Package edifolder exchanges EDI documents with partners through folders:
//
//	<root>/<partner>/inbox      the partner drops files here
//	<root>/<partner>/archive    where they are moved once the hub holds them
//	<root>/<partner>/refused    files that were never a document (too large, empty, not a file)
//	<root>/<partner>/outbox     the partner takes our files from here
//	<root>/<partner>/.staging   ours, written whole and synced before they are published
//
// A file is read when it was the same, by size and time of change, at two polls in a row,
// so that one still being written is left alone; what looks half written (empty, or an
// interchange without its end) is left alone for ten polls. Names that begin with "." or end
// in .tmp, .part or .filepart are never read. A file leaves the inbox only after the hub
// answered that it is durable, and as it was read: what was written meanwhile is read too. A
// crash in between reads it again, and the hub knows it by its content.
package edifolder
