package components

import "testing"

func TestDialErrorLimit(t *testing.T) {
	for seconds, want := range map[int]int{10: 11, 15: 12, 60: 21, 300: 69} {
		if got := dialErrorLimit(seconds); got != want {
			t.Errorf("%d s are %d tries, want %d", seconds, got, want)
		}
	}
}
