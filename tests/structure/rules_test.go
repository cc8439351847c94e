package structure

import "testing"

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		pkg   string
		trees []string
		want  bool
	}{
		{"lab/daemon", []string{"lab"}, true},
		{"lab", []string{"lab"}, true},
		{"laboratory", []string{"lab"}, false},
		{"cmd/kraftstack", []string{""}, false},
		{"", []string{""}, true},
		{"internal/ui", []string{"cmd", "internal"}, true},
	} {
		if got := within(c.pkg, c.trees...); got != c.want {
			t.Errorf("within(%q, %q) = %v", c.pkg, c.trees, got)
		}
	}
}
