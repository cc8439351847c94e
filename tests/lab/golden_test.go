//go:build long

package lab_test

import (
	"strconv"
	"strings"
	"testing"
)

// TestGolden adds a broker that is made from nothing, as on AWS: it fetches Java
// from a package archive. Then it bakes an image and adds one that boots from it: that
// finds Java and Kafka there, has an identity of its own, replaced nobody, and was
// ready sooner.
func TestGolden(t *testing.T) {
	s := shared
	const stack = "golden"
	const brokers, hosts = "  kraftstack:brokers:\n    count: 1\n", "  kraftstack:hosts: {golden: {name: first}}\n"
	s.soloFile(t, stack, preparedImage, "")
	before := s.everything(t)
	s.up(t, stack)
	s.soloFile(t, stack, preparedImage, "", brokers, "  kraftstack:brokers:\n    count: 2\n")
	s.up(t, stack)
	if java := s.ssh(t, stack, "broker-1002", "zgrep -h 'Commandline:.*jre' /var/log/apt/history.log*"); !strings.Contains(java, "install openjdk") {
		t.Errorf("the fresh broker did not install Java: %s", java)
	}
	first := s.ssh(t, stack, "broker-1002", "cat /etc/machine-id")
	s.soloFile(t, stack, preparedImage, "    image: golden\n", brokers, hosts+"  kraftstack:brokers:\n    count: 3\n")
	s.up(t, stack)
	nothing(t, "the up after it", s.up(t, stack))
	s.view(t, stack)
	if now := s.ssh(t, stack, "broker-1002", "cat /etc/machine-id"); now != first {
		t.Error("the broker that was there was replaced")
	}
	if id := s.ssh(t, stack, "broker-1003", "cat /etc/machine-id"); id == first || strings.TrimSpace(id) == "" {
		t.Errorf("the new broker has the machine id %q, the one before it %q", id, first)
	}
	image := s.aws(t, `print([i["ImageId"] for i in ec2.describe_images(Owners=["self"])["Images"]])`)
	booted := s.aws(t, `print([i["ImageId"] for r in ec2.describe_instances(Filters=[{"Name":"tag:Name","Values":["golden-broker-1003"]},{"Name":"instance-state-name","Values":["running"]}])["Reservations"] for i in r["Instances"]])`)
	if image == "[]" || image != booted {
		t.Errorf("broker-1003 boots from %s, and the golden image is %s", booted, image)
	}
	fresh, golden := s.birth(t, stack, "broker-1002"), s.birth(t, stack, "broker-1003")
	t.Logf("from the start of its systemd to the first start of Kafka: fresh %.1f s, golden %.1f s, %.2f of it", fresh, golden, golden/fresh)
	// On AWS, Java and Kafka come over a network, and the list of all packages too.
	// Here they come out of memory, so what is saved is their installation alone.
	if golden > fresh/2 {
		t.Error("a host from the golden image took more than half of a fresh one's time")
	}
	s.must(t, "destroy", "--stack", stack, "--yes")
	if after := s.everything(t); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("the cloud is not what it was before the stack:\n%s\nbut\n%s", before, after)
	}
}

// birth is how many seconds lay between a host's first process and the first
// start of its Kafka, by the clock that all hosts share: later restarts do not
// count.
func (s story) birth(t *testing.T, stack, host string) float64 {
	t.Helper()
	var times []float64
	for word := range strings.FieldsSeq(s.ssh(t, stack, host,
		"echo $(systemctl show --value -p UserspaceTimestampMonotonic)e-6; "+
			"sudo journalctl -u kafka -o short-monotonic --no-pager | awk -F '[][]' '/Started/ {print $2; exit}'")) {
		at, err := strconv.ParseFloat(word, 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, at)
	}
	if len(times) != 2 {
		t.Fatalf("%s says %v", host, times)
	}
	return times[1] - times[0]
}
