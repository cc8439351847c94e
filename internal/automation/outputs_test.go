package automation

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
)

// programOutputs is what the program exports, by its own test.
func programOutputs(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "tests", "program", "testdata", "outputs.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestOutputsAreWhatTheProgramExports finds a name that one side has changed:
// its field stays empty.
func TestOutputsAreWhatTheProgramExports(t *testing.T) {
	got, err := decode("lab", programOutputs(t))
	if err != nil {
		t.Fatal(err)
	}
	got.Profile = "of the stack file" // which no output says
	filled(t, "Outputs", reflect.ValueOf(got))
	if want := 3; len(got.Nodes) != want || len(got.BootstrapServers) != want {
		t.Errorf("%d nodes and %d bootstrap servers, want %d of each", len(got.Nodes), len(got.BootstrapServers), want)
	}
	want := cluster.NodeOutput{
		ID: 1002, Name: "broker-1002", Host: "broker-1002.test.kafka.internal", PrivateIP: "ip-broker-1002-instance",
		Zone: "us-east-1b", Instance: "broker-1002-instance-id", HostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP99AUOHjs0j1dj8SE+wJBSjKhJ9wibKFpOQfTXmlL+V\n",
		Roles: []string{"controller", "broker"},
	}
	if diff := cmp.Diff(want, got.Nodes[1]); diff != "" {
		t.Errorf("second node (-want +got):\n%s", diff)
	}
}

// filled reports every field that is empty.
func filled(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	if v.IsZero() {
		t.Errorf("%s is empty", path)
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			filled(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			filled(t, path+"[]", v.Index(i))
		}
	default:
	}
}

func TestOutputs(t *testing.T) {
	for name, c := range map[string]struct {
		cli   string
		cause fail.Cause
		text  string
	}{
		"a stack that was never made":    {"echo \"error: no stack named 'lab' found\" >&2; exit 255", fail.Config, "no such stack"},
		"a stack that has nothing":       {"echo '{}'", fail.Config, "no such stack"},
		"a backend that does not answer": {"echo 'error: could not list stacks: timed out' >&2; exit 255", fail.Internal, "timed out"},
	} {
		t.Run(name, func(t *testing.T) {
			shellCLI(t, c.cli)
			_, err := Outputs(t.Context(), t.TempDir(), "lab")
			var known *fail.Error
			if !errors.As(err, &known) || known.Cause != c.cause || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %s with %q", err, c.cause, c.text)
			}
		})
	}
	t.Run("a stack that runs", func(t *testing.T) {
		shellCLI(t, `[[ "$*" == "stack output --json --show-secrets --stack lab --non-interactive" ]] || exit 9
printf '%s' "$OUTPUTS"`)
		t.Setenv("OUTPUTS", string(programOutputs(t)))
		got, err := Outputs(t.Context(), t.TempDir(), "lab")
		if err != nil || got.Stack != "lab" || got.Bastion.User != "ubuntu" {
			t.Errorf("got %+v, %v", got.Bastion, err)
		}
	})
	t.Run("a stack without a bastion", func(t *testing.T) {
		shellCLI(t, `printf '%s' "$OUTPUTS"`)
		t.Setenv("OUTPUTS", `{"region": "us-east-1", "sessionManager": {"user": "ec2-user"}, "nodes": [{"id": 1001, "instance": "i-1"}]}`)
		dir := t.TempDir()
		for name, text := range map[string]string{"Pulumi.yaml": "name: kraftstack\nruntime: go\n", "Pulumi.lab.yaml": "config:\n  aws:region: us-east-1\n  aws:profile: ours\n  kraftstack:access: {bastion: {count: 0}}\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Outputs(t.Context(), dir, "lab")
		if err != nil || got.HasBastion() || got.Bastion.User != "ec2-user" || got.Profile != "ours" {
			t.Errorf("got %+v with profile %q, %v", got.Bastion, got.Profile, err)
		}
	})
	t.Run("no CLI", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		var known *fail.Error
		if _, err := Outputs(t.Context(), t.TempDir(), "lab"); !errors.As(err, &known) || known.Next == "" {
			t.Errorf("got %v", err)
		}
	})
}

func TestOutputsOfAnotherVersionDoNotShowTheKey(t *testing.T) {
	_, err := decode("lab", []byte(`{"sshPrivateKey": "TOP SECRET", "nodes": "TOP SECRET"}`))
	if err == nil || strings.Contains(err.Error(), "TOP SECRET") {
		t.Errorf("got %v", err)
	}
}
