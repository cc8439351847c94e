package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kraftstack/internal/cluster"
)

// TestEphemeralStacks: two stacks of pull requests live side by side on one
// machine, and are torn down by age. The exit codes are told on the first of
// them, to share its cluster.
func TestEphemeralStacks(t *testing.T) {
	s := shared
	stacks := []string{"pr-1", "pr-2"}
	t.Cleanup(func() { s.must(t, "lab", "reap", "--older-than", "0s") })
	if !t.Run("side by side", func(t *testing.T) { sideBySide(t, s, stacks) }) {
		t.Fatal("there are no clusters to tell of")
	}
	t.Run("every exit code by its real cause", func(t *testing.T) { exitCodes(t, s, stacks[0]) })
	t.Run("torn down by age", func(t *testing.T) { tornDown(t, s, stacks) })
}

func sideBySide(t *testing.T, s story, stacks []string) {
	var ups []*process
	for _, stack := range stacks {
		s.must(t, "lab", "stack", stack)
		ups = append(ups, s.start(t, "up", "--stack", stack))
	}
	for i, up := range ups {
		if r := up.wait(t); r.code != 0 {
			t.Fatalf("up of %s beside another: exit code %d\n%s", stacks[i], r.code, r.stderr)
		}
	}
	clusters := map[string]bool{}
	for _, stack := range stacks {
		clusters[s.view(t, stack).ClusterID] = true
		var smoke cluster.SmokeResult
		s.mustJSON(t, &smoke, "smoke", "--stack", stack)
	}
	if len(clusters) != len(stacks) {
		t.Errorf("%d stacks are %d clusters", len(stacks), len(clusters))
	}
	s.refused(t, 3, []string{"Pulumi.pr-1.yaml is there already"}, "lab", "stack", "pr-1")
}

func tornDown(t *testing.T, s story, stacks []string) {
	if out := s.must(t, "lab", "reap", "--older-than", "1h"); out != "" {
		t.Errorf("young stacks were torn down: %s", out)
	}
	// A checkout that is gone is no reason to stay.
	if err := os.Remove(filepath.Join(s.dir, "Pulumi.pr-2.yaml")); err != nil {
		t.Fatal(err)
	}
	out := s.must(t, "lab", "reap", "--older-than", "1s")
	for _, stack := range stacks {
		if !strings.Contains(out, "stack "+stack+" is gone") {
			t.Errorf("reap says nothing of %s: %s", stack, out)
		}
		if _, err := os.Stat(filepath.Join(s.dir, "Pulumi."+stack+".yaml")); !os.IsNotExist(err) {
			t.Errorf("the file of %s: %v", stack, err)
		}
		eventually(t, "the hosts of "+stack+" are gone", 30*time.Second, func() (bool, string) {
			left := s.instances(t, stack)
			return len(left) == 0, fmt.Sprint(sortedNames(left))
		})
	}
}
