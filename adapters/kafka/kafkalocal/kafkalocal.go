// Package kafkalocal starts an Apache Kafka broker (KRaft, one node) from its Maven artifacts, on ports
// and in a folder of its own, for as long as a test, a demonstration or a measurement takes.
package kafkalocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/paklog/hub/edi/peer"
)

// Version is the broker's. kafka-tools has no 4.4.0, and the two go together.
const Version = "4.3.0"

// Options of a broker. The zero value listens in the clear to everybody on this machine.
type Options struct {
	// Lines are added to its server.properties: listeners for TLS and SASL, say.
	Lines []string
	// Listen are further listeners by the name of their protocol; [Server.At] says where they are.
	Listen []string
	// Format are further arguments of its storage tool, --add-scram for one.
	Format []string
	// Heap is that of its JVM: 256m.
	Heap string
}

// Server is a broker that this process started.
type Server struct {
	Addr string

	opts   Options
	folder string
	libs   string
	ports  map[string]int
	cmd    *exec.Cmd // nil: it is down
	log    bytes.Buffer
}

// Jars is the folder of the broker's jars, fetched into the cache of downloads where it is not there
// yet. Where it cannot be had the error is a [peer.Unavailable].
func Jars(ctx context.Context) (string, error) {
	cache, err := peer.Cache()
	if err != nil {
		return "", err
	}
	return peer.Jars(ctx, filepath.Join(cache, "kafka"), "kafka-"+Version, "org.apache.kafka:kafka_2.13:"+Version,
		"org.apache.kafka:kafka-tools:"+Version, "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")
}

// Start makes a broker in a new folder and starts it.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	s := &Server{opts: o, ports: map[string]int{}}
	if s.libs, err = Jars(ctx); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp("", "paklog-kafka-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.folder))
		}
	}()
	for _, name := range append([]string{"PLAINTEXT", "CONTROLLER"}, o.Listen...) {
		if s.ports[name], err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	s.Addr = s.At("PLAINTEXT")
	if err := os.WriteFile(s.properties(), []byte(s.settings()), 0o600); err != nil {
		return nil, err
	}
	id, err := s.tool(ctx, "random-uuid")
	if err != nil {
		return nil, err
	}
	// The tool may say other things before it.
	words := strings.Fields(id)
	if len(words) == 0 {
		return nil, errors.New("the storage tool of Kafka made no id")
	}
	if _, err := s.tool(ctx, append([]string{"format", "--standalone", "-t", words[len(words)-1], "-c", s.properties()}, o.Format...)...); err != nil {
		return nil, err
	}
	return s, s.Up(ctx)
}

// At is the address of a listener.
func (s *Server) At(listener string) string { return fmt.Sprintf("127.0.0.1:%d", s.ports[listener]) }

func (s *Server) properties() string { return filepath.Join(s.folder, "server.properties") }

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (s *Server) settings() string {
	listeners := []string{"PLAINTEXT://" + s.Addr, "CONTROLLER://" + s.At("CONTROLLER")}
	protocols := []string{"PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"}
	advertised := []string{"PLAINTEXT://" + s.Addr}
	for _, name := range s.opts.Listen {
		listeners = append(listeners, name+"://"+s.At(name))
		advertised = append(advertised, name+"://"+s.At(name))
		protocols = append(protocols, name+":"+name)
	}
	return strings.Join(append([]string{
		"process.roles=broker,controller", "node.id=1",
		"controller.quorum.bootstrap.servers=" + s.At("CONTROLLER"),
		"listeners=" + strings.Join(listeners, ","),
		"advertised.listeners=" + strings.Join(advertised, ","),
		"listener.security.protocol.map=" + strings.Join(protocols, ","),
		"controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT",
		"log.dirs=" + filepath.Join(s.folder, "data"),
		"offsets.topic.replication.factor=1", "offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1", "transaction.state.log.num.partitions=4",
		"share.coordinator.state.topic.replication.factor=1", "share.coordinator.state.topic.min.isr=1",
		"group.initial.rebalance.delay.ms=0", "auto.create.topics.enable=false",
		// Without it the log cleaner asks for more than a small heap has, and the broker ends.
		"log.cleaner.dedupe.buffer.size=2097152",
	}, s.opts.Lines...), "\n") + "\n"
}

// Tool is a program of Kafka's own, by its class in the folder of [Jars], that is not started yet.
func Tool(ctx context.Context, libs, class string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "java", append([]string{"-Xmx256m", "-XX:+UseSerialGC", "-cp", filepath.Join(libs, "*"), class}, args...)...)
}

func (s *Server) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	cmd := Tool(context.WithoutCancel(ctx), s.libs, class, args...) // Down ends it
	// The last of two settings counts.
	set := []string{"-XX:TieredStopAtLevel=1"}
	if s.opts.Heap != "" {
		set = append(set, "-Xmx"+s.opts.Heap)
	}
	cmd.Args = slices.Insert(cmd.Args, 3, set...)
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (s *Server) tool(ctx context.Context, args ...string) (string, error) {
	cmd := s.java(ctx, "kafka.tools.StorageTool", args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("the storage tool of Kafka: %w\n%s%s", err, out, complaint.Bytes())
	}
	return string(out), nil
}

// Up starts the broker and waits until it answers.
func (s *Server) Up(ctx context.Context) error {
	s.cmd = s.java(ctx, "kafka.Kafka", s.properties())
	s.log.Reset()
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.Addr))
	if err != nil {
		return errors.Join(err, s.Down(syscall.SIGKILL))
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		try, stop := context.WithTimeout(ctx, 2*time.Second)
		err := client.Ping(try)
		stop()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the broker does not answer: %w", err), s.Down(syscall.SIGKILL), errors.New(s.log.String()))
		}
	}
}

// Down ends the broker: SIGTERM is a stop, SIGKILL a crash.
func (s *Server) Down(sig syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Signal(sig)
	_ = s.cmd.Wait() // how it ended is what was asked for
	s.cmd = nil
	return err
}

// Close ends the broker and removes its folder.
func (s *Server) Close() error {
	return errors.Join(s.Down(syscall.SIGKILL), os.RemoveAll(s.folder))
}
