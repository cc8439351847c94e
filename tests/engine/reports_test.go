package engine_test

import (
	"regexp"
	"strings"
	"testing"

	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/internal/report"
	"kraftstack/policy"
	"kraftstack/tests/golden"
)

// reported are the changes whose reports people have read: each is what a
// preview says of one edit of the same running stack, which stays as it is.
var reported = []struct {
	name  string
	edits []string // old, new, old, new …
}{
	{"nothing", nil},
	{"property-live", []string{heap, heap + "    config:\n      log.retention.ms: 90000000\n"}},
	{"property-by-restart", []string{heap, heap + "    config:\n      queued.max.requests: 404\n"}},
	{"version-upgrade", []string{
		`version: "4.3.0"`, `version: "4.4.0"`,
		"kafka/4.3.0/kafka_2.13-4.3.0.tgz", "kafka/4.4.0/kafka_2.13-4.4.0.tgz",
	}},
	{"heap", []string{heap, "    heap: 512m\n"}},
	{"scale-out", []string{threeBrokers, fourBrokers}},
	{"volume-grown", []string{"sizeGiB: 2", "sizeGiB: 4"}},
	{"volume-faster", []string{"sizeGiB: 2", "sizeGiB: 20\n      iops: 4000\n      throughput: 200"}},
	{"instance-type", []string{"    instanceType: t3.small\n", "    instanceType: t3.large\n"}},
	{"bastion-type", []string{"instanceType: t3.micro", "instanceType: t3.small"}},
	{"rule-added", []string{"[203.0.113.0/24]", "[203.0.113.0/24, 198.51.100.0/24]"}},
	{"rule-open-to-world", []string{"adminCidrs: [203.0.113.0/24]", "adminCidrs: [0.0.0.0/0]\n    openToWorld: true"}},
	{"nat-per-zone", []string{"natGateways: one", "natGateways: perZone"}},
	{"network-moved", []string{"cidr: 10.0.0.0/16", "cidr: 10.9.0.0/16"}},
	{"certificates-renewed", []string{heap, heap + "  kraftstack:security:\n    validityHours: 4000\n"}},
	{"clients-in-clear", []string{heap, heap + "  kraftstack:security:\n    clients: plaintext\n"}},
	{"user-added", []string{heap, heap + "  kraftstack:users:\n    - name: orders\n      acls:\n        - {operations: [read], resource: \"topic:orders\"}\n"}},
	{"unclean-election", []string{heap, heap + "    config:\n      unclean.leader.election.enable: true\n"}},
	{"zone-moved", []string{"us-east-1c]", "us-east-1d]"}},
}

// TestReports holds the reports of the changes that matter to what people have
// read. The events are the real engine's; only the hosts are none.
func TestReports(t *testing.T) {
	w := newWorld(t)
	s := w.stack("reports")
	told := func(t *testing.T, name string, o outcome) {
		t.Helper()
		if o.err != nil {
			t.Fatal(o.err)
		}
		if o.dials > 0 && name != "destroyed" {
			t.Errorf("the preview dialled %d times", o.dials)
		}
		if name != "destroyed" {
			o.report = o.report.WithPolicies(policy.Judge(s.loaded(), o.seen))
		}
		golden.Compare(t, "reports/"+name+".md", steady(o.report.Markdown(report.MarkdownOptions{})))
	}
	t.Run("first-deployment", func(t *testing.T) {
		s.t = t
		told(t, "first-deployment", s.run((*automation.Stack).Preview))
	})
	s.t = t
	s.up()
	s.edit() // Pulumi has added to the file
	before := s.file
	for _, c := range reported {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			defer func() { s.write(before) }()
			s.edit(c.edits...)
			told(t, c.name, s.run((*automation.Stack).Preview))
		})
	}
	t.Run("repeated", func(t *testing.T) {
		s.t = t
		defer func() { s.write(before) }()
		s.edit(threeBrokers, fourBrokers, heap, "    heap: 512m\n")
		options := report.MarkdownOptions{}
		first, again := s.run((*automation.Stack).Preview), s.run((*automation.Stack).Preview)
		if a, b := first.report.Markdown(options), again.report.Markdown(options); a != b {
			t.Errorf("the same change reads\n%s\nand then\n%s", a, b)
		}
	})
	t.Run("scale-in", func(t *testing.T) {
		s.t = t
		s.edit(threeBrokers, fourBrokers)
		s.up()
		s.edit(fourBrokers, threeBrokers)
		told(t, "scale-in", s.run((*automation.Stack).Preview))
	})
	t.Run("destroyed", func(t *testing.T) {
		s.t = t
		told(t, "destroyed", s.run((*automation.Stack).Destroy))
	})
}

// loaded is what the stack's file says.
func (s *stack) loaded() config.Stack {
	s.t.Helper()
	values, err := automation.Config(s.dir, s.name)
	if err != nil {
		s.t.Fatal(err)
	}
	loaded, err := config.LoadFile(s.name, values)
	if err != nil {
		s.t.Fatal(err)
	}
	return loaded
}

// unchanged grows with every resource that the program learns to make, which
// would change every golden report.
var unchanged = regexp.MustCompile(`\d+ (unchanged|resources as they should be)`)

func steady(markdown string) string {
	return strings.TrimRight(unchanged.ReplaceAllString(markdown, "N $1"), "\n") + "\n"
}
