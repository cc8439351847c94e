package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"kraftstack/tests/counting/check"
)

// cluster is a broker in this process, and a client's file for it. It has no
// replicas to compare; the lab's stories run the pair on real ones.
func cluster(t *testing.T) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	path := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(path, []byte("bootstrap.servers="+strings.Join(c.ListenAddrs(), ",")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func count(t *testing.T, input string, more ...string) (Report, int, string) {
	t.Helper()
	var out bytes.Buffer
	args := append([]string{"--client", cluster(t), "--replicas", "1", "--partitions", "3", "--rate", "500", "--min-rate", "100"}, more...)
	faults, err := run(t.Context(), args, strings.NewReader(input), &out)
	if err != nil {
		t.Fatal(err)
	}
	said, document, found := strings.Cut(out.String(), "{")
	var r Report
	if err := json.Unmarshal([]byte("{"+document), &r); !found || err != nil {
		t.Fatalf("printed no report: %v\n%s", err, out.String())
	}
	return r, faults, said
}

func TestARunWithoutTrouble(t *testing.T) {
	r, faults, said := count(t, "begin restart\nend restart\n", "--duration", "2s")
	if faults != 0 || len(r.Faults) != 0 {
		t.Errorf("found %+v", r.Faults)
	}
	if r.Acked < 1000 || r.Read != r.Acked || r.Unknown+r.Refused != 0 {
		t.Errorf("sent %d, acknowledged %d, read %d, unknown %d, refused %d", r.Sent, r.Acked, r.Read, r.Unknown, r.Refused)
	}
	if want := "running\nbegun restart\nended restart\n"; said != want {
		t.Errorf("said %q, want %q", said, want)
	}
	if fmt.Sprint(r.Checks) != fmt.Sprint(check.Checks()) || len(r.Phases) != 2 {
		t.Errorf("the report has the checks %v and %d phases", r.Checks, len(r.Phases))
	}
}

func TestAnIdleRunDoesNotPass(t *testing.T) {
	r, faults, _ := count(t, "stop\n", "--min-rate", "5000")
	if faults != 1 || r.Faults[0].Check != "liveness" {
		t.Errorf("found %+v", r.Faults)
	}
}

func TestWrongInputIsRefused(t *testing.T) {
	path := cluster(t)
	for _, c := range []struct{ args, input, want string }{
		{"", "", "--client is required"},
		{"--client " + path + " --rate 0", "", "positive"},
		{"--client " + path + " --replicas 1 --rate 100", "halt\n", "no begin, end or stop"},
		{"--client " + path + " --replicas 1 --rate 100 --topic second", "end it\n", "has not begun"},
	} {
		_, err := run(t.Context(), strings.Fields(c.args), strings.NewReader(c.input), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q with %q gives %v, want %q", c.args, c.input, err, c.want)
		}
	}
}
