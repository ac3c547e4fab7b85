// Package access carries what a door learns of a request to whoever writes the access log.
package access

import "context"

// Request is what is known of a request beside what its first line says. The door that answers it fills
// it in, on the request's own goroutine.
type Request struct {
	// Path is the pattern that the request's path fits, as /v1/orders/{number}: never the path itself,
	// in which a name or a secret may stand.
	Path string
	// Key is who asks: the name of an API key, webhook source or partner. "" is nobody who is known.
	Key string
}

type requestKey struct{}

// With lets doors tell of a request.
func With(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// Note tells of the request of ctx; an empty text leaves what is known. Without an access log it does nothing.
func Note(ctx context.Context, path, key string) {
	r, ok := ctx.Value(requestKey{}).(*Request)
	if !ok {
		return
	}
	if path != "" {
		r.Path = path
	}
	if key != "" {
		r.Key = key
	}
}
