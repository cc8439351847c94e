package ephemeral

import (
	"os"
	"testing"
	"time"

	"kraftstack/config"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestAccount(t *testing.T) {
	lab, project := t.TempDir(), t.TempDir()
	younger, err := Make(lab, project, "pr-2", noon)
	if err != nil {
		t.Fatal(err)
	}
	older, err := Make(lab, project, "pr-1", noon.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	all, err := List(lab)
	if err != nil || len(all) != 2 || all[0] != older || all[1] != younger {
		t.Fatalf("the account is %+v, %v", all, err)
	}
	if age := all[0].Age(noon); age != time.Hour {
		t.Errorf("pr-1 is %s old", age)
	}
	if _, err := Make(lab, project, "pr-1", noon); err == nil {
		t.Error("a stack was made over another's file")
	}
	if err := os.Remove(older.File()); err != nil {
		t.Fatal(err)
	}
	if err := older.Restore(); err != nil {
		t.Fatal(err)
	}
	if err := older.Forget(lab); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(older.File()); !os.IsNotExist(err) {
		t.Errorf("the file of a forgotten stack: %v", err)
	}
	if all, err = List(lab); err != nil || len(all) != 1 || all[0] != younger {
		t.Errorf("then the account is %+v, %v", all, err)
	}
}

// TestTemplate: the file is one that the driver takes.
func TestTemplate(t *testing.T) {
	values, err := config.Values(template)
	if err == nil {
		_, err = config.Load("pr-1", values)
	}
	if err != nil {
		t.Error(err)
	}
}
