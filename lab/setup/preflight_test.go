package setup

import (
	"os"
	"strings"
	"testing"
)

func TestPreflightShowsEveryProblemWithItsWayOut(t *testing.T) {
	err := Problems{{What: "no loop devices", Do: "modprobe loop"}, {What: "no room", Do: "make some"}}
	text := err.Error()
	for _, want := range []string{"2 found", "nothing was changed", "no loop devices; next: modprobe loop", "no room; next: make some"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

func TestFreeSpaceOfAFolderThatIsNotThereYet(t *testing.T) {
	dir := t.TempDir() + "/a/b"
	if got := freeSpace(dir, 1, "X"); got != nil {
		t.Errorf("one byte is too much: %v", got)
	}
	got := freeSpace(dir, 1<<60, "X_DIR")
	if len(got) != 1 || !strings.Contains(got[0].What, dir) || !strings.Contains(got[0].Do, "X_DIR") {
		t.Errorf("problems are %v", got)
	}
}

func TestFewWatchesEndAtFewHosts(t *testing.T) {
	path := t.TempDir() + "/max_user_instances"
	for text, problems := range map[string]int{"50\n": 1, "128\n": 0, "": 0} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := checkWatches(path); len(got) != problems {
			t.Errorf("%q gives %v", text, got)
		}
	}
	if got := checkWatches(path + "-that-is-not-there"); len(got) != 0 {
		t.Errorf("a kernel that does not say gives %v", got)
	}
}

func TestMissingBuilderIsOneProblem(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	got := checkBuilders([]string{"Pulumi command line", "Pulumi language host"})
	if len(got) != 1 || !strings.Contains(got[0].What, "no go on PATH") {
		t.Errorf("problems are %v", got)
	}
	if got := checkBuilders(nil); len(got) != 0 {
		t.Errorf("nothing has to be built, still: %v", got)
	}
}

func TestKernelChecksPassWhereTheLabRuns(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	ctx := t.Context()
	for name, got := range map[string]Problems{
		"loop":        checkLoop(),
		"namespaces":  checkNamespaces(ctx),
		"cgroups":     checkCgroups(),
		"filesystems": checkFilesystems(ctx),
		"firewall":    checkFirewall(ctx),
		"memory":      checkMemory(),
	} {
		if len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
