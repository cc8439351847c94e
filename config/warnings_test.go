package config

import (
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	const admins = "  aws:region: us-east-1\n  kraftstack:access: {adminCidrs: [203.0.113.0/24]}\n"
	for name, c := range map[string]struct {
		file string
		want []string // what each warning says
	}{
		"the default":               {admins, nil},
		"one voter in one zone":     {admins + "  kraftstack:brokers: {count: 1}\n", nil},
		"two zones for three":       {admins + "  kraftstack:network: {zones: 2}\n", []string{"2 of the 3 voters are in one zone", "at least 3 zones"}},
		"two zones for five":        {admins + "  kraftstack:network: {zones: 2}\n  kraftstack:controllers: {mode: dedicated, count: 5}\n", []string{"3 of the 5", "at least 3 zones"}},
		"three zones for seven":     {admins + "  kraftstack:network: {zones: 3}\n  kraftstack:controllers: {mode: dedicated, count: 7}\n", nil},
		"no way to Apache":          {admins + "  kraftstack:network: {natGateways: none}\n", []string{"do not reach https://archive.apache.org/"}},
		"a mirror needs no gateway": {admins + "  kraftstack:network: {natGateways: none}\n  kraftstack:kafka: {archiveUrl: \"https://mirror.example/kafka_2.13-4.3.0.tgz\"}\n", nil},
		"open to the world":         {"  aws:region: us-east-1\n  kraftstack:access: {adminCidrs: [0.0.0.0/0], openToWorld: true}\n", []string{"everybody can try"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := read(t, "lab", "config:\n"+c.file)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, w := range s.Warnings() {
				lines = append(lines, w.String())
			}
			text := strings.Join(lines, "\n")
			if (text == "") != (len(c.want) == 0) {
				t.Errorf("got %q", text)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("got %q, want %q in it", text, want)
				}
			}
		})
	}
}
