package scripts

import (
	"io/fs"
	"os/exec"
	"strings"
	"testing"
)

func TestBundleHoldsEveryPartOnce(t *testing.T) {
	bundle := Bundle()
	if bundle != Bundle() {
		t.Error("two calls, two bundles")
	}
	for _, folder := range []string{"lib", "verbs"} {
		parts, err := fs.ReadDir(toolkit, folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			mark := "# --- scripts/" + folder + "/" + part.Name() + " ---\n"
			if n := strings.Count(bundle, mark); n != 1 {
				t.Errorf("%s/%s is in the bundle %d times", folder, part.Name(), n)
			}
		}
	}
	for line := range strings.SplitSeq(bundle, "\n") {
		if strings.HasPrefix(line, "source ") || strings.Contains(line, "$here") {
			t.Errorf("the bundle needs another file: %s", line)
		}
	}
	if !strings.HasPrefix(bundle, "#!/usr/bin/env bash\n") || !strings.HasSuffix(bundle, "\nmain \"$@\"; exit\n") {
		t.Error("the bundle does not begin and end as kafka-node does")
	}
}

// The programs in Python are whole in the bundle, and parse.
func TestProgramsParse(t *testing.T) {
	entry, err := toolkit.ReadFile("kafka-node")
	if err != nil {
		t.Fatal(err)
	}
	programs := 0
	for line := range strings.Lines(string(entry)) {
		program := programLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if program == nil {
			continue
		}
		programs++
		text := call(t, program[1])
		cmd := exec.Command("python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", program[1], err, out)
		}
		for _, part := range programPart.FindAllStringSubmatch(program[2], -1) {
			content, err := toolkit.ReadFile(part[1])
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text, string(content)) {
				t.Errorf("%s: %s is not whole in the bundle", program[1], part[1])
			}
		}
	}
	if programs == 0 {
		t.Error("kafka-node has no program in Python")
	}
}

func TestBundleParses(t *testing.T) {
	check(t, "bash", "-n")
}

func TestToolkitIsLinted(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Log("shellcheck is not installed: make lint runs it")
		return
	}
	if out, err := exec.Command("shellcheck", "-x", "kafka-node").CombinedOutput(); err != nil {
		t.Errorf("shellcheck -x kafka-node: %v\n%s", err, out)
	}
	// Info about code that only traps and names in variables call is for parts.
	check(t, "shellcheck", "--severity=warning", "-")
}

func check(t *testing.T, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(Bundle())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}
