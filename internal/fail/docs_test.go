package fail

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestEveryExitCodeIsDocumented: with its cause, in the table for users.
func TestEveryExitCodeIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/driver.md")
	if err != nil {
		t.Fatal(err)
	}
	for cause, code := range exits {
		if row := fmt.Sprintf("\n| %d | %s |", code, cause); !strings.Contains(string(text), row) {
			t.Errorf("docs/driver.md has no row %q", row)
		}
	}
}
