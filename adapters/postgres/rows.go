package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/paklog/hub/adapters/internal/stretch"
	"github.com/paklog/hub/core/journal"
)

// rows are what a staged batch writes, by table. Nothing in them is true before the commit. Their
// memory is used again.
type rows struct {
	packer stretch.Packer
	links  []byte

	pos         []int64
	data, parts [][]byte

	streams map[string]*changing
	names   []string // of streams, in order
	runs    map[string]*topicRun
	topics  []string

	milestoneID, milestoneVersion []int64
	milestoneRun                  [][]byte

	staged *journal.Staged
}

// changing is a stream as the batch leaves it.
type changing struct {
	stream
	at journal.Pos // of its latest event that was linked
}

type topicRun struct {
	id  int64
	new bool
	at  []journal.Pos
}

// make fills the rows from a staged batch.
func (r *rows) make(ctx context.Context, s *state, st *journal.Staged) error {
	r.staged = st
	r.pos, r.data, r.parts = r.pos[:0], r.data[:0], r.parts[:0]
	r.milestoneID, r.milestoneVersion, r.milestoneRun = r.milestoneID[:0], r.milestoneVersion[:0], r.milestoneRun[:0]
	r.names, r.topics = r.names[:0], r.topics[:0]
	r.streams, r.runs = make(map[string]*changing, len(st.Heads)), map[string]*topicRun{}
	for i := range st.Heads {
		name := st.Heads[i].Stream
		v, err := s.stream(ctx, name)
		if err != nil {
			return err
		}
		r.streams[name] = &changing{v, v.head.Last}
		r.names = append(r.names, name)
	}
	for i := range st.Units {
		if err := r.runsOf(ctx, s, st.Units[i].Unit); err != nil {
			return err
		}
	}
	return r.packer.Pack(st.Units, r.linksOf, func(first journal.Pos, data, parts []byte) error {
		r.pos, r.data, r.parts = append(r.pos, int64(first)), append(r.data, data), append(r.parts, parts)
		return nil
	})
}

func (r *rows) runsOf(ctx context.Context, s *state, u *journal.Unit) error {
	for i := range u.Records {
		rec := &u.Records[i]
		if rec.Topic == "" {
			continue
		}
		t := r.runs[rec.Topic]
		if t == nil {
			id, err := s.topic(ctx, rec.Topic)
			if err != nil {
				return err
			}
			t = &topicRun{id: id, new: id == 0}
			if t.new {
				t.id = int64(rec.Pos)
			}
			r.runs[rec.Topic] = t
			r.topics = append(r.topics, rec.Topic)
		}
		t.at = append(t.at, rec.Pos)
	}
	return nil
}

// linksOf is the links of a staged unit, and follows its events in their streams.
func (r *rows) linksOf(u *journal.Unit) []byte {
	r.links = r.links[:0]
	for i := range u.Records {
		rec := &u.Records[i]
		if rec.Stream == "" {
			continue
		}
		v := r.streams[rec.Stream]
		r.links = stretch.AppendLink(r.links, rec.Version, rec.Pos, v.at)
		v.tail = appendPos(v.tail, v.at, rec.Pos)
		v.at = rec.Pos
		if v.id == 0 {
			v.id = int64(rec.Pos)
		}
		v.head = journal.Head{Version: rec.Version, Last: rec.Pos}
		if rec.Version%stretch.Every == 0 {
			r.milestoneID = append(r.milestoneID, v.id)
			r.milestoneVersion = append(r.milestoneVersion, int64(rec.Version))
			r.milestoneRun = append(r.milestoneRun, v.tail)
			v.tail = nil
		}
	}
	return r.links
}

const (
	putStretch   = "INSERT INTO stretch SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])"
	putTopicName = "INSERT INTO topic_name SELECT * FROM unnest($1::bytea[], $2::bigint[])"
	putTopic     = "INSERT INTO topic SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])"
	putStream    = `INSERT INTO stream SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])
		ON CONFLICT (name) DO UPDATE SET version = excluded.version, last = excluded.last, tail = excluded.tail`
	putMilestone = "INSERT INTO milestone SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])"
	putBalance   = `INSERT INTO balance SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[])
		ON CONFLICT (key) DO UPDATE SET amount = excluded.amount, floor = excluded.floor`
	putCheckpoint = `INSERT INTO checkpoint SELECT * FROM unnest($1::bytea[], $2::smallint[], $3::bytea[])
		ON CONFLICT (sub, part) DO UPDATE SET value = excluded.value`
)

func putRow(t journal.Table) string {
	return "INSERT INTO " + tableName(t) + " SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
}

func dropRow(t journal.Table) string {
	return "DELETE FROM " + tableName(t) + " WHERE key = ANY($1::bytea[])"
}

// queue adds the statements that write the rows.
func (r *rows) queue(q *pgx.Batch) {
	if len(r.pos) > 0 {
		q.Queue(putStretch, r.pos, r.data, r.parts)
	}
	r.queueTopics(q)
	r.queueStreams(q)
	r.queueTables(q)
}

func (r *rows) queueTopics(q *pgx.Batch) {
	var names, run [][]byte
	var newIDs, ids, last []int64
	for _, name := range r.topics {
		t := r.runs[name]
		if t.new {
			names, newIDs = append(names, []byte(name)), append(newIDs, t.id)
		}
		for at := range slices.Chunk(t.at, stretch.TopicRun) {
			ids, last, run = append(ids, t.id), append(last, int64(at[len(at)-1])), append(run, stretch.AppendRun(nil, at))
		}
	}
	if len(names) > 0 {
		q.Queue(putTopicName, names, newIDs)
	}
	if len(ids) > 0 {
		q.Queue(putTopic, ids, last, run)
	}
}

func (r *rows) queueStreams(q *pgx.Batch) {
	if n := len(r.names); n > 0 {
		names, tails := make([][]byte, n), make([][]byte, n)
		ids, versions, last := make([]int64, n), make([]int64, n), make([]int64, n)
		for i, name := range r.names {
			v := r.streams[name]
			names[i], ids[i], versions[i], last[i], tails[i] = []byte(name), v.id, int64(v.head.Version), int64(v.head.Last), v.tail
			if v.tail == nil {
				tails[i] = []byte{}
			}
		}
		q.Queue(putStream, names, ids, versions, last, tails)
	}
	if len(r.milestoneID) > 0 {
		q.Queue(putMilestone, r.milestoneID, r.milestoneVersion, r.milestoneRun)
	}
}

func (r *rows) queueTables(q *pgx.Batch) {
	st := r.staged
	if n := len(st.Balances); n > 0 {
		keys, amounts, floors := make([][]byte, n), make([]int64, n), make([]int64, n)
		for i, b := range st.Balances {
			keys[i], amounts[i], floors[i] = []byte(balanceKey(b.Book, b.Account)), b.Amount, b.Floor
		}
		q.Queue(putBalance, keys, amounts, floors)
	}
	type change struct{ keys, values, gone [][]byte }
	changes := map[journal.Table]*change{}
	for i := range st.Rows {
		row := &st.Rows[i]
		c := changes[row.Table]
		if c == nil {
			c = &change{}
			changes[row.Table] = c
		}
		if row.Value == nil {
			c.gone = append(c.gone, []byte(row.Key))
		} else {
			c.keys, c.values = append(c.keys, []byte(row.Key)), append(c.values, row.Value)
		}
	}
	for _, t := range journal.Tables {
		c := changes[t]
		if c != nil && len(c.gone) > 0 {
			q.Queue(dropRow(t), c.gone)
		}
		if c != nil && len(c.keys) > 0 {
			q.Queue(putRow(t), c.keys, c.values)
		}
	}
	if n := len(st.Checkpoints); n > 0 {
		subs, parts, values := make([][]byte, n), make([]int16, n), make([][]byte, n)
		for i, c := range st.Checkpoints {
			subs[i], parts[i], values[i] = []byte(c.Sub), int16(c.Part), c.Append(nil)
		}
		q.Queue(putCheckpoint, subs, parts, values)
	}
}

// committed makes streams and topics of the batch known.
func (r *rows) committed(s *state) {
	for name, v := range r.streams {
		s.keepStream(name, v.stream)
	}
	for name, t := range r.runs {
		s.topics.Put(name, t.id, 1)
	}
}
