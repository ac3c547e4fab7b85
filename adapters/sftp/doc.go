// Package sftp exchanges files with partners over SFTP (draft-ietf-secsh-filexfer-02, SSH per
// RFC 4251 to 4254) on a server of theirs: it takes what lies in their folder once it no longer
// changes, and puts ours there under a name of its own until it is whole.
package sftp
