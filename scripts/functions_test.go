package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// functionsAnd writes lines of bash to a file, after the toolkit's functions and
// with its verbs not started. They are too long for a command line.
func functionsAnd(t *testing.T, lines, path string) {
	t.Helper()
	functions, _, found := strings.Cut(Bundle(), "\nmain \"$@\"; exit\n")
	if !found {
		t.Fatal("the bundle does not end with the call of main")
	}
	if err := os.WriteFile(path, []byte(functions+"\n"+lines+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// call runs lines of bash with the toolkit's functions loaded, and returns what
// they print.
func call(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lines")
	functionsAnd(t, lines, path)
	cmd := exec.Command("bash", path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", lines, err, stderr.String())
	}
	return string(out)
}

func TestSmallFunctions(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{`json_string $'a"b\\c\n\td'`, `"a\"b\\c\n\td"`},
		{`property <(printf 'a = 1\nb=x=y \nb.c=3\n') b`, "x=y\n"},
		{`property /nowhere b`, ""},
		{`device_of vol-0ab`, "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0ab"},
		{`wait_for 0 nothing false || echo over $?`, "over 1\n"},
		{`useless() { return 2; }; wait_for 9 nothing useless || echo useless $?`, "useless 2\n"},
		{`wait_for 9 nothing true && echo there`, "there\n"},
		{`begin_lap; LAP=$((LAP - 1250000)); lap stop; LAP=$((LAP - 300000)); lap start; echo "$LAPS"`, "stop 1.2 s, start 0.3 s\n"},
	} {
		if got := call(t, c.lines); got != c.want {
			t.Errorf("%s\ngot  %q\nwant %q", c.lines, got, c.want)
		}
	}
}
