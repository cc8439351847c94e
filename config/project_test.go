package config

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"

	"kraftstack/tests/golden"
)

// Pulumi.yaml declares exactly the sections of the table, each with its type and
// with a default where a stack file may leave it out.
func TestProject(t *testing.T) {
	text, err := os.ReadFile("../Pulumi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	project, err := workspace.LoadProjectBytes(text, "Pulumi.yaml", encoding.YAML)
	if err != nil {
		t.Fatal(err)
	}
	if project.Name != Namespace {
		t.Errorf("the project is %q, want %q", project.Name, Namespace)
	}
	var want []string
	for _, f := range table() {
		if f.kind == later {
			continue
		}
		want = append(want, f.name)
		declared, ok := project.Config[f.name]
		if !ok {
			t.Errorf("Pulumi.yaml does not declare %s", f.name)
			continue
		}
		wanted := "object"
		if f.kind == list {
			wanted = "array"
		}
		if declared.TypeName() != wanted {
			t.Errorf("%s is declared as %q, want %s", f.name, declared.TypeName(), wanted)
		}
		if hasDefault := declared.Default != nil; hasDefault == needed(f) {
			t.Errorf("%s: a default in Pulumi.yaml is %t, and the table has it required %t", f.name, hasDefault, needed(f))
		}
		for _, child := range f.fields {
			if named := strings.Contains(declared.Description, child.name); named == (child.kind == later) {
				t.Errorf("%s: its description in Pulumi.yaml names %s: %t", f.name, child.name, named)
			}
		}
	}
	if len(project.Config) != len(want) {
		t.Errorf("Pulumi.yaml declares %d keys, want %v", len(project.Config), want)
	}
}

func needed(f field) bool {
	if f.required {
		return true
	}
	return f.kind == object && slices.ContainsFunc(f.fields, needed)
}

// The stack files of the repository are good ones.
func TestStackFiles(t *testing.T) {
	for _, stack := range []string{"dev", "lab"} {
		text, err := os.ReadFile("../Pulumi." + stack + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, stack, string(text)); err != nil {
			t.Error(err)
		}
	}
}

// docs/configuration.md is made from the table.
func TestReference(t *testing.T) {
	golden.CompareFile(t, "../docs/configuration.md", Reference())
}
