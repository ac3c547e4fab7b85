package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/paklog/hub/core/event"
)

// A Complaint is one thing that does not fit, in words for a person.
type Complaint struct {
	// Stops says that nothing is relayed, or read, so; else it may cost safety.
	Stops bool
	Place string // "topics", "rights"
	Text  string
}

// Checked is what [Check] saw of a cluster.
type Checked struct {
	Brokers    int
	Topics     int // of ours that are there already
	Complaints []Complaint
}

// Check looks at the cluster and at the topics that a hub writes, and those of others that it reads, and
// makes nothing. The error is that of a cluster that cannot be asked.
func Check(ctx context.Context, o Options, read []string) (c Checked, err error) {
	client, err := o.client()
	if err != nil {
		return c, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	admin := kadm.NewClient(client)
	ours := []string{o.Prefix + marks}
	for _, t := range event.Topics() {
		ours = append(ours, o.Prefix+string(t))
	}
	var theirs []string
	for _, t := range read {
		if t = o.Prefix + t; !slices.Contains(ours, t) {
			theirs = append(theirs, t)
		}
	}
	meta, err := admin.Metadata(kadm.WithAuthorizedOps(ctx), slices.Concat(ours, theirs)...)
	if err != nil {
		return c, fmt.Errorf("asking the brokers: %w", advice(err))
	}
	c.Brokers = len(meta.Brokers)
	complain := func(stops bool, place, format string, args ...any) {
		c.Complaints = append(c.Complaints, Complaint{stops, place, fmt.Sprintf(format, args...)})
	}
	if n := int(o.Replicas); n > c.Brokers {
		complain(true, "topics", "kafka.replicas asks for %d copies, and there are %d brokers", n, c.Brokers)
	}
	var there, lacking []string
	for _, name := range ours {
		switch d := meta.Topics[name]; {
		case errors.Is(d.Err, kerr.UnknownTopicOrPartition), d.Topic == "":
			lacking = append(lacking, name)
		case d.Err != nil:
			complain(true, "topics", "topic %s: %v", name, advice(d.Err))
		default:
			there = append(there, name)
			if not := lacks(d.AuthorizedOperations, kadm.OpWrite, kadm.OpDescribe); name != o.Prefix+marks && not != "" {
				complain(true, "rights", "the user may not %s on topic %s", not, name)
			}
			if not := lacks(d.AuthorizedOperations, kadm.OpRead, kadm.OpWrite, kadm.OpDescribe); name == o.Prefix+marks && not != "" {
				complain(true, "rights", "the user may not %s on topic %s", not, name)
			}
		}
	}
	c.Topics = len(there)
	// May it make them? Where the user may on no cluster, ACLs of the prefix may still allow it, which
	// only an administrator sees.
	if not := lacks(meta.AuthorizedOperations, kadm.OpCreate); len(lacking) > 0 && not != "" {
		complain(false, "rights", "the user may not make topics in the whole cluster, and %s is not there: make it, or allow Create on the prefix", strings.Join(lacking, ", "))
	}
	for _, name := range theirs {
		d := meta.Topics[name]
		if d.Err != nil || d.Topic == "" {
			complain(true, "topics", "topic %s, which kafka.read.topics names: %v", name, errors.Join(advice(d.Err)))
		} else if not := lacks(d.AuthorizedOperations, kadm.OpRead, kadm.OpDescribe); not != "" {
			complain(true, "rights", "the user may not %s topic %s, which kafka.read.topics names", not, name)
		}
	}
	if len(there) == 0 {
		return c, nil
	}
	notes, err := checkTopics(ctx, admin, there, o.Prefix+marks)
	for _, n := range notes {
		complain(false, "topics", "%s", n)
	}
	for _, e := range each(err) {
		complain(true, "topics", "%v", e)
	}
	return c, nil
}

// lacks names those of operations that a user may not do; none where the broker does not tell.
func lacks(may []kadm.ACLOperation, wants ...kadm.ACLOperation) string {
	if len(may) == 0 || slices.Contains(may, kadm.OpAll) {
		return ""
	}
	var out []string
	for _, w := range wants {
		if !slices.Contains(may, w) {
			out = append(out, w.String())
		}
	}
	return strings.Join(out, " and ")
}

// each takes joined errors apart.
func each(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	return []error{err}
}
