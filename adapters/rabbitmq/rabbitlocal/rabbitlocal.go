// Package rabbitlocal starts a RabbitMQ node from the installed server, on ports and in a folder of its
// own, for as long as a test or a demonstration takes. A node that the machine runs is not touched.
package rabbitlocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/paklog/hub/edi/peer"
)

// sbin are the folders that packages put the server's own scripts into. The wrapper in /usr/sbin, which
// changes the user and drops the environment, is none of them.
var sbin = []string{"/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin"}

// Server is a node that this process started.
type Server struct {
	// URL is where it listens, as guest, whom it lets in from this machine.
	URL string

	scripts string
	folder  string
	env     []string
	epmd    *exec.Cmd
	node    *exec.Cmd // nil: it is down
	log     bytes.Buffer
}

// Installed is the folder of the server's scripts. Where there is none the error is a
// [peer.Unavailable].
func Installed() (string, error) {
	for _, dir := range sbin {
		if _, err := os.Stat(filepath.Join(dir, "rabbitmq-server")); err == nil {
			if _, err := exec.LookPath("epmd"); err != nil {
				return "", &peer.Unavailable{Engine: "rabbitmq", Reason: "epmd, of Erlang, is not there"}
			}
			return dir, nil
		}
	}
	return "", &peer.Unavailable{Engine: "rabbitmq", Reason: "rabbitmq-server is not installed"}
}

// Start makes a node in a new folder and starts it.
func Start(ctx context.Context) (_ *Server, err error) {
	s := &Server{}
	if s.scripts, err = Installed(); err != nil {
		return nil, err
	}
	// Short: Erlang's own sockets stand in it.
	if s.folder, err = os.MkdirTemp("", "paklog-rabbit-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	var ports [3]int
	for i := range ports {
		if ports[i], err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	s.URL = fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", ports[0])
	conf := strings.Join([]string{
		fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d", ports[0]),
		// A machine that is short of room for others is not for this node to judge.
		"disk_free_limit.absolute = 50MB",
		"log.console = true", "log.file = false",
	}, "\n") + "\n"
	if err := os.WriteFile(s.path("rabbitmq.conf"), []byte(conf), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.path("plugins"), []byte("[].\n"), 0o600); err != nil {
		return nil, err
	}
	epmd := strconv.Itoa(ports[2])
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.folder, "LANG=C.UTF-8",
		"RABBITMQ_NODENAME=paklog" + epmd + "@localhost", "RABBITMQ_DIST_PORT=" + strconv.Itoa(ports[1]),
		"ERL_EPMD_PORT=" + epmd, "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_CONFIG_FILE=" + s.path("rabbitmq.conf"), "RABBITMQ_ENABLED_PLUGINS_FILE=" + s.path("plugins"),
		"RABBITMQ_MNESIA_BASE=" + s.path("data"), "RABBITMQ_LOG_BASE=" + s.path("log"), "RABBITMQ_GENERATED_CONFIG_DIR=" + s.path("config"),
		"RABBITMQ_PID_FILE=" + s.path("pid"), "RABBITMQ_CONF_ENV_FILE=" + s.path("none"),
		// Schedulers that spin take a core of a small machine.
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
	}
	// The node would start one that outlives it.
	s.epmd = exec.CommandContext(context.WithoutCancel(ctx), "epmd", "-port", epmd, "-address", "127.0.0.1")
	s.epmd.Env = s.env
	s.epmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.epmd.Start(); err != nil {
		s.epmd = nil
		return nil, fmt.Errorf("starting epmd: %w", err)
	}
	return s, s.Up(ctx)
}

func (s *Server) path(name string) string { return filepath.Join(s.folder, name) }

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Up starts the node and waits until it has booted.
func (s *Server) Up(ctx context.Context) error {
	s.log.Reset()
	s.node = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(s.scripts, "rabbitmq-server")) // Down ends it
	s.node.Env, s.node.Dir = s.env, s.folder
	s.node.Stdout, s.node.Stderr = &s.log, &s.log
	s.node.WaitDelay = 5 * time.Second // what it started may hold its output
	s.node.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.node.Start(); err != nil {
		s.node = nil
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		// The port is open before it serves: a queue that can be declared is what shows that it has booted.
		err := probe(s.URL)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			down := s.Down(syscall.SIGKILL)
			return errors.Join(fmt.Errorf("the node does not answer: %w", err), down, errors.New(s.log.String()))
		}
	}
}

func probe(url string) error {
	conn, err := amqp.DialConfig(url, amqp.Config{Dial: amqp.DefaultDial(5 * time.Second)})
	if err != nil {
		return err
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err == nil {
		_, err = ch.QueueDeclare("", false, true, true, false, nil)
	}
	return err
}

// Down ends the node: SIGTERM is a stop, SIGKILL a crash.
func (s *Server) Down(sig syscall.Signal) error {
	if s.node == nil {
		return nil
	}
	err := syscall.Kill(-s.node.Process.Pid, sig) // with what Erlang started beside itself
	_ = s.node.Wait()                             // how it ended is what was asked for
	s.node = nil
	return err
}

// Close ends the node and removes its folder.
func (s *Server) Close() error {
	err := s.Down(syscall.SIGKILL)
	if s.epmd != nil {
		err = errors.Join(err, s.epmd.Process.Kill())
		_ = s.epmd.Wait() // as it was asked
		s.epmd = nil
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
