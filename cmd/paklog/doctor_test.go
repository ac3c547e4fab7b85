package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/kafka/kafkatest"
	"github.com/paklog/hub/adapters/postgres/pgtest"
)

// doctored is what the doctor says of some checks.
type doctored struct {
	OK     bool        `json:"ok"`
	Fails  int         `json:"fails"`
	Warns  int         `json:"warns"`
	Checks []diagnosis `json:"checks"`
}

func (s *shell) doctor(only string, args ...string) (doctored, int) {
	s.t.Helper()
	args = append([]string{"doctor", "--json", "--only", only}, args...)
	out, errs, code := s.run(args...)
	if errs != "" {
		s.t.Errorf("paklog %s says %s", strings.Join(args, " "), errs)
	}
	return decoded[doctored](s.t, out), code
}

// finds holds that the doctor finds a planted fault, says what to do and ends as scripts are told.
func (s *shell) finds(only, state, says string, args ...string) {
	s.t.Helper()
	got, code := s.doctor(only, args...)
	if !slices.ContainsFunc(got.Checks, func(d diagnosis) bool { return d.State == state && d.Advice != "" && strings.Contains(d.Finding, says) }) {
		s.t.Errorf("nothing is %s with %q in %+v", state, says, got.Checks)
	}
	if want := map[string]int{checkFail: 3, checkWarn: 0}[state]; code != want || got.OK != (want == 0) {
		s.t.Errorf("exit %d and ok %t, want %d: %+v", code, got.OK, want, got.Checks)
	}
}

func TestADoctorFindsASoundHubSound(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	const all = "configuration,version,data-folder,clock,store,kafka,rabbitmq,s3,certificates,partners,printers,ports,files" // not the disk: that of the machine may be full
	before, code := s.doctor(all)
	if code != 0 || !before.OK || len(before.Checks) < len(checks)-2 {
		t.Errorf("before the first start: exit %d, %+v", code, before)
	}
	if exists(s.data) {
		t.Error("the doctor made the data folder")
	}
	stop := s.serve()
	s.stock("MUG", 5)
	beside, code := s.doctor(all)
	if code != 0 || !strings.Contains(fmt.Sprint(beside.Checks), fmt.Sprintf("the hub runs, process %d", os.Getpid())) || !strings.Contains(fmt.Sprint(beside.Checks), "is whole") {
		t.Errorf("beside the hub: exit %d, %+v", code, beside)
	}
	stop()
	if text, _, _ := s.run("doctor", "--only", "disk"); strings.Count(text, "free on the disk of") != 1 {
		t.Errorf("one disk is told of as\n%s", text)
	}
	out, _, code := s.run("doctor")
	if strings.Count(out, "\n") < len(checks) || code == 1 || code == 2 {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if left, err := filepath.Glob(filepath.Join(s.data, "doctor-*")); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestADoctorFindsAConfigurationThatIsWrong(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.configure("no_such_key: 1\nlimits: {probe: -1s}\n")
	got, code := s.doctor("configuration,disk,ports")
	text := fmt.Sprint(got.Checks)
	if code != 3 || got.Fails < 2 || !strings.Contains(text, "no_such_key") || !strings.Contains(text, "limits.probe") {
		t.Errorf("exit %d, %+v", code, got)
	}
	if n := strings.Count(text, "the configuration cannot be read"); n != 2 {
		t.Errorf("%d of 2 checks are skipped in %+v", n, got.Checks)
	}
	s.config += ".gone"
	s.finds("configuration", checkFail, "no such file")
	s.refused(2, "there is no check \"moon\"", "doctor", "--only", "moon")
}

func TestADoctorFindsFaultsOfTheDataFolder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant       func(data string) error
		state, says string
	}{
		"a file":                {func(data string) error { return os.WriteFile(data, nil, 0o600) }, checkFail, "is a file"},
		"everybody may write":   {func(data string) error { return mkdir(data, 0o777) }, checkFail, "may be written by everybody"},
		"everybody may look in": {func(data string) error { return mkdir(data, 0o755) }, checkWarn, "may be looked into by everybody"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			if err := c.plant(s.data); err != nil {
				t.Fatal(err)
			}
			s.finds("data-folder", c.state, c.says)
		})
	}
	s := newShell(t)
	if err := os.WriteFile(s.config, []byte("data: "+filepath.Join(filepath.Dir(s.config), strings.Repeat("long/", 30))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := mkdir(cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	s.finds("data-folder", checkFail, "longer than the 107 bytes")
	if os.Geteuid() == 0 { // only root can give a folder away, and only another is kept out of one
		if err := os.Chown(cfg.Data, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		got, _ := s.doctor("data-folder")
		if !strings.Contains(fmt.Sprint(got.Checks), "is user 12345's, and this is user 0") {
			t.Errorf("%+v", got.Checks)
		}
	}
}

// mkdir makes a folder with just this mode.
func mkdir(path string, mode os.FileMode) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

func TestADoctorJudgesDisksClocksAndLimits(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	for name, c := range map[string]struct {
		judge       func(*doctor)
		state, says string
	}{
		"room":                {func(d *doctor) { d.space("/d", room{total: 100 << 30, free: 50 << 30}) }, checkOK, "50.0 GB of 100.0 GB"},
		"little room":         {func(d *doctor) { d.space("/d", room{total: 100 << 30, free: 7 << 30}) }, checkWarn, "soon too little"},
		"the doors refuse":    {func(d *doctor) { d.space("/d", room{total: 100 << 30, free: 4 << 30}) }, checkFail, "below 5 % the doors refuse"},
		"no room":             {func(d *doctor) { d.space("/d", room{total: 100 << 30}) }, checkFail, "0 kB of"},
		"no files":            {func(d *doctor) { d.space("/d", room{total: 1 << 40, free: 1 << 39, files: 1000, spare: 3}) }, checkWarn, "3 of 1000 files"},
		"read-only":           {func(d *doctor) { d.space("/d", room{total: 1, free: 1, readOnly: true}) }, checkFail, "mounted read-only"},
		"memory":              {func(d *doctor) { d.filesystem(onMemory) }, checkWarn, "gone with the next start"},
		"a container's":       {func(d *doctor) { d.filesystem(layered) }, checkWarn, "gone with the container"},
		"over the network":    {func(d *doctor) { d.filesystem(overNet) }, checkFail, "on a network filesystem"},
		"fuse":                {func(d *doctor) { d.filesystem(byProgram) }, checkWarn, "FUSE"},
		"a sync":              {func(d *doctor) { d.judgeSync(time.Millisecond) }, checkOK, "a sync takes 1ms"},
		"a slow sync":         {func(d *doctor) { d.judgeSync(time.Second) }, checkWarn, "every answer waits"},
		"a sync that is none": {func(d *doctor) { d.judgeSync(time.Microsecond) }, checkWarn, "too fast"},
		"a clock":             {func(d *doctor) { d.judgeClock(20*time.Millisecond, "x", time.Second) }, checkOK, "goes as that of x"},
		"a clock behind":      {func(d *doctor) { d.judgeClock(20*time.Second, "x", time.Second) }, checkWarn, "20s behind that of x"},
		"a clock far ahead":   {func(d *doctor) { d.judgeClock(-time.Hour, "x", time.Second) }, checkFail, "1h0m0s ahead of that of x"},
		"files":               {func(d *doctor) { d.judgeFiles(1<<20, "the hub may", 600) }, checkOK, "1048576 files"},
		"few files":           {func(d *doctor) { d.judgeFiles(1024, "the hub may", 600) }, checkWarn, "may need 600"},
		"too few files":       {func(d *doctor) { d.judgeFiles(256, "the hub may", 600) }, checkFail, "have 256 files open"},
	} {
		d := &doctor{cfg: cfg}
		c.judge(d)
		i := slices.IndexFunc(d.found, func(f diagnosis) bool { return f.State == c.state && strings.Contains(f.Finding, c.says) })
		if i < 0 || (d.found[i].Advice == "") != (c.state == checkOK) {
			t.Errorf("%s: %+v, want %s with %q", name, d.found, c.state, c.says)
		}
	}
	more := defaults()
	more.SFTP.Listen, more.AS2.Listen, more.Store = "0.0.0.0:22", "0.0.0.0:80", inPostgres
	if less, n := cfg.filesNeeded(), more.filesNeeded(); n < less+3*uint64(more.SFTP.Conns) {
		t.Errorf("%d files with every door, %d without", n, less)
	}
	cfg.Store = inPostgres // then the folder holds no journal
	d := &doctor{cfg: cfg}
	if d.filesystem(overNet); d.count(checkFail) > 0 || d.count(checkWarn) == 0 {
		t.Errorf("%+v", d.found)
	}
}

func TestADoctorComparesTheClockWithAServers(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	date := func(off time.Duration, header bool) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
			if header {
				w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			}
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	if got, code := s.doctor("clock", "--clock", date(0, true)); code != 0 || got.Warns > 0 {
		t.Errorf("a clock that is right: exit %d, %+v", code, got)
	}
	s.finds("clock", checkFail, "behind that of", "--clock", date(time.Hour, true))
	s.finds("clock", checkWarn, "ahead of that of", "--clock", date(-30*time.Second, true))
	s.finds("clock", checkFail, "has no Date", "--clock", date(0, false))
	s.finds("clock", checkFail, "asking for the time", "--clock", "http://127.0.0.1:1/")
	if got, _ := s.doctor("clock"); got.Checks[0].State != checkSkipped {
		t.Errorf("nobody to ask: %+v", got)
	}
	if _, _, code := s.run("doctor", "--strict", "--only", "clock", "--clock", date(-30*time.Second, true)); code != 3 {
		t.Errorf("--strict ends with %d for a warning", code)
	}
}

func TestADoctorFindsAJournalThatIsDamaged(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	stop := s.serve()
	s.stock("MUG", 5)
	stop()
	file := filepath.Join(s.data, "journal.db")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[8192:12288]) // the second page holds a table
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s.finds("store", checkFail, "is damaged")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s.finds("store", checkFail, "although there was a journal")
}

func TestADoctorFindsPortsThatOthersHave(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	other, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	text := strings.Replace(readme(t, s.config), "127.0.0.1:0", other.Addr().String(), 1)
	write := func(text string) {
		if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	s.finds("ports", checkFail, "is another program's")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if got, code := s.doctor("ports"); code != 0 || !strings.Contains(got.Checks[0].Finding, "is free") {
		t.Errorf("exit %d, %+v", code, got)
	}
	s.serve()
	if got, code := s.doctor("ports"); code != 0 || !strings.Contains(got.Checks[0].Finding, "is ours") {
		t.Errorf("beside the hub: exit %d, %+v", code, got)
	}
	write(text + "sftp: {listen: \"127.0.0.1:1022\"}\n") // changed since the start
	got, _ := s.doctor("ports")
	if n := len(got.Checks); n != 2 || got.Checks[1].State == checkOK {
		t.Errorf("a port that the hub does not know of: %+v", got.Checks)
	}
	write(strings.Replace(text, "http: {listen: \""+other.Addr().String()+"\"}", "as2: {listen: \"192.0.2.1:8080\"}", 1))
	s.finds("ports", checkFail, "is no address of this machine")
}

func TestADoctorFindsCertificatesThatEnd(t *testing.T) {
	t.Parallel()
	now := time.Now()
	good := newPair(t, "good", now.Add(-time.Hour), now.Add(365*24*time.Hour))
	soon := newPair(t, "soon", now.Add(-time.Hour), now.Add(5*24*time.Hour+time.Hour))
	old := newPair(t, "old", now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	early := newPair(t, "early", now.Add(24*time.Hour), now.Add(365*24*time.Hour))
	for name, c := range map[string]struct {
		certificate, key string
		mode             os.FileMode
		state, says      string
	}{
		"one that is good":      {good.Certificate, good.Key, 0o600, checkOK, "is good until"},
		"one that ends":         {soon.Certificate, soon.Key, 0o600, checkWarn, "in 5 days"},
		"one that has ended":    {old.Certificate, old.Key, 0o600, checkFail, "has expired on"},
		"one of tomorrow":       {early.Certificate, early.Key, 0o600, checkFail, "is valid from"},
		"a chain that is old":   {good.Certificate + old.Certificate, good.Key, 0o600, checkFail, "CN=old has expired"},
		"another's key":         {good.Certificate, soon.Key, 0o600, checkFail, "private key does not match"},
		"a key for everybody":   {good.Certificate, good.Key, 0o644, checkWarn, "may be read by everybody"},
		"no certificate at all": {"nothing", good.Key, 0o600, checkFail, "failed to find any PEM data"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			dir := filepath.Dir(s.config)
			for file, text := range map[string]string{"tls.crt": c.certificate, "tls.key": c.key} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(filepath.Join(dir, "tls.key"), c.mode); err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(readme(t, s.config), `"127.0.0.1:0"`, fmt.Sprintf(`"127.0.0.1:0", tls: {certificate: %s/tls.crt, private_key: %[1]s/tls.key}`, dir), 1)
			if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.state != checkOK {
				s.finds("certificates", c.state, c.says)
			} else if got, code := s.doctor("certificates"); code != 0 || !strings.Contains(fmt.Sprint(got.Checks), c.says) {
				t.Errorf("exit %d, %+v", code, got)
			}
		})
	}
}

func TestADoctorChecksPartners(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	now := time.Now()
	good, old := validPair(t, "ours"), newPair(t, "old acme", now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	speaking(t, s, good, old, "        url: https://127.0.0.1:1/\n")
	s.finds("partners", checkFail, "none of his certificates is there to encrypt for now")
	s.finds("certificates", checkFail, "old acme has expired")
	speaking(t, s, good, validPair(t, "acme"), "        url: https://127.0.0.1:1/\n        receipt: none\n")
	s.finds("partners", checkWarn, "proves nothing")
	got, _ := s.doctor("partners")
	if !slices.ContainsFunc(got.Checks, func(d diagnosis) bool { return d.About == "FILES" && d.State == checkOK }) {
		t.Errorf("%+v", got.Checks)
	}
}

func TestADoctorAsksShopsWhereItIsTold(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := filepath.Dir(s.config)
	for _, file := range []string{"key", "whsec"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.configure("shops: {main: {kind: platform, url: \"http://127.0.0.1:1\", access_token_file: key, client_secret_file: whsec, timeout: 1s}}\n")
	got, code := s.doctor("shops-and-erps")
	if code != 0 || len(got.Checks) != 1 || got.Checks[0].State != checkSkipped || !strings.Contains(got.Checks[0].Finding, "main") {
		t.Errorf("exit %d, %+v", code, got)
	}
	if got, code := s.doctor("shops-and-erps", "--ask"); code != 3 || got.Fails == 0 {
		t.Errorf("a shop that does not answer: exit %d, %+v", code, got)
	}
}

func TestADoctorChecksPostgres(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if err := os.WriteFile(s.config+".url", []byte("postgres://paklog@127.0.0.1:1/paklog?sslmode=disable"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.configure("store: postgres\npostgres: {url_file: " + s.config + ".url}\n")
	s.finds("store", checkFail, "the server does not answer")
	if got, _ := s.doctor("clock"); got.Checks[0].State != checkSkipped {
		t.Errorf("without a server there is no clock: %+v", got)
	}
	pgtest.Shared(t)
	s = newShell(t)
	s.onPostgres()
	got, code := s.doctor("store,clock")
	if code != 0 || !strings.Contains(fmt.Sprint(got.Checks), "the first start makes schema") || !strings.Contains(fmt.Sprint(got.Checks), "goes as that of the server") && !strings.Contains(fmt.Sprint(got.Checks), "the server of the journal") {
		t.Errorf("exit %d, %+v", code, got)
	}
}

func TestADoctorChecksKafka(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.configure("bus: kafka\nkafka: {brokers: [\"127.0.0.1:1\"]}\n")
	s.finds("kafka", checkFail, "127.0.0.1:1: asking the brokers")
	server := kafkatest.Shared(t)
	s = newShell(t)
	s.configure(fmt.Sprintf("bus: kafka\nkafka: {brokers: [%q], prefix: %q, replicas: 1}\n", strings.Join(server.Brokers, `","`), server.Prefix(t)))
	if got, code := s.doctor("kafka"); code != 0 || !strings.Contains(fmt.Sprint(got.Checks), "the first start makes our topics") {
		t.Errorf("exit %d, %+v", code, got)
	}
}
