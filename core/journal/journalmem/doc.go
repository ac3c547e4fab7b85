// Package journalmem keeps a journal in memory: the driver of tests and of demonstrations, and
// the plainest reading of the port's contract, which other drivers are compared with. It
// holds units in their stored form, so that the codec is part of every test.
//
// [Tables] is the fold alone. The auditor folds a log that it does not hold into one.
package journalmem
