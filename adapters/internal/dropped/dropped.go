// Package dropped says what files are that partners leave in folders, here or on a server.
package dropped

import (
	"strings"

	"github.com/paklog/hub/edi/sniff"
)

// Unfinished reports whether a name is that of a file that is being written.
func Unfinished(name string) bool {
	low := strings.ToLower(name)
	return strings.HasPrefix(low, ".") || strings.HasSuffix(low, ".tmp") || strings.HasSuffix(low, ".part") || strings.HasSuffix(low, ".filepart")
}

// Media is the type of a document by its first bytes (RFC 1767).
func Media(data []byte) string {
	if sniff.Of(data) == sniff.EDIFACT {
		return "application/edifact"
	}
	return "application/edi-x12"
}
