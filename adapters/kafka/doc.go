// Package kafka carries the ten topics to Apache Kafka and back, on franz-go.
//
// # The outbox
//
// Nothing is written twice: the journal holds every event, and a [Relay] copies it. It writes Kafka
// transactions of whole units in the order of the journal, each with a mark that says which position it
// reaches, in a topic of one partition that is compacted. Either a reader of committed records sees the
// records and the mark stands behind them, or neither. A relay that starts takes the transactional id,
// which ends what another left open and shuts that one out, writes that it is here, and reads the last
// mark before its own words: so it goes on where the last transaction ended, however that one ended.
//
// The mark is a record and no group offset, for Kafka forgets the offsets of a group that nobody is in
// after offsets.retention.minutes (7 days by default): a hub that was off for a fortnight would relay
// everything again.
//
// # What others write
//
// A [Reader] is a member of a consumer group, and an [Intake] makes what it reads durable together with the
// offset behind it. A partition is read on where the intake says and not where the broker does, whose
// offsets only follow. Who is given a partition says so to the intake before it reads, under a name of
// its generation in the group; what its predecessor brings after that is refused.
//
// # Messages
//
// Events leave as CloudEvents 1.0 in Kafka's binary mode (cloudevents.io, Kafka protocol binding 1.0.2),
// their key is the ordering key. Personal data stays in the journal: no header and no value holds it.
package kafka
