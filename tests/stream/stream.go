// Package stream reads the engine's events as the driver keeps them, so that two
// runs can be compared.
package stream

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// Operations are what each resource of a run goes through, with the properties
// that differ: "update URN create,stdin", sorted. The order in which things that
// do not depend on each other are done is no part of a change.
func Operations(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e apitype.EngineEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if e.ResourcePreEvent != nil {
			m := e.ResourcePreEvent.Metadata
			diffs := slices.Clone(m.Diffs)
			slices.Sort(diffs)
			all = append(all, string(m.Op)+" "+m.URN+" "+strings.Join(diffs, ","))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
