package main

import (
	"context"
	"net"
	"os/user"
	"strconv"
)

type peerKey struct{}

// withPeer notes who is at the other end of a socket on this machine, as the kernel says.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	uid, ok := peerUID(u)
	if !ok {
		return ctx
	}
	name := strconv.FormatUint(uint64(uid), 10)
	if who, err := user.LookupId(name); err == nil {
		name = who.Username
	}
	return context.WithValue(ctx, peerKey{}, "unix/"+name)
}

// peerOf is who [withPeer] noted, "" for nobody.
func peerOf(ctx context.Context) string {
	name, _ := ctx.Value(peerKey{}).(string)
	return name
}
