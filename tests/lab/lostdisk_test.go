package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// loseDisk ends a host and deletes its data volume, and lets the state know. It
// returns the volume's id.
func (s story) loseDisk(t *testing.T, stack, host string) string {
	t.Helper()
	volume := s.aws(t, fmt.Sprintf(`at = [{"Name": "attachment.instance-id", "Values": [%[1]q]}]
volume = ec2.describe_volumes(Filters=at)["Volumes"]
volume = [v["VolumeId"] for v in volume if any(a["Device"] == "/dev/sdf" for a in v["Attachments"])][0]
ec2.terminate_instances(InstanceIds=[%[1]q])
print(volume)`, s.instances(t, stack)[host]))
	eventually(t, volume+" is deleted", 2*time.Minute, func() (bool, string) {
		said := s.aws(t, fmt.Sprintf(`try:
  ec2.delete_volume(VolumeId=%q)
  print("deleted")
except Exception as e:
  print(e)`, volume))
		return said == "deleted", said
	})
	s.must(t, "refresh", "--stack", stack)
	return volume
}

// directory is the id of a voter's directory.
func (s story) directory(t *testing.T, stack string, id int32) string {
	t.Helper()
	for _, voter := range s.view(t, stack).Quorum.Voters {
		if voter.ID == id {
			return voter.DirectoryID
		}
	}
	t.Fatalf("%d is no voter", id)
	return ""
}

// diskLost: a node's host and disk are lost, broker and voter in one. Its new disk
// stays as it is until the stack file says that the old one is lost for good; then
// the voter joins under its id as another one, and the broker is refilled.
func diskLost(t *testing.T, s story, stack string, load *pair, file func(hosts string)) {
	before := s.directory(t, stack, 1002)
	topics := func(arguments string) {
		s.ssh(t, stack, "bastion", "sudo /opt/kafka/current/bin/kafka-topics.sh --command-config /etc/kafka/client.properties "+
			"--bootstrap-server broker-1001."+stack+".kafka.internal:9092 --topic alone "+arguments)
	}
	topics("--create --replica-assignment 1002")
	var lost string
	load.during(t, "a disk lost", func() { lost = s.loseDisk(t, stack, "broker-1002") })
	load.during(t, "its new disk is not formatted", func() {
		r := s.refused(t, 8, []string{"broker-1002", "step: configure", "is empty, and the data of node 1002 was expected", "next:",
			"lostDisks: {broker-1002: 1} below kraftstack:hosts"}, "up", "--stack", stack)
		if !strings.Contains(r.stderr, "vol-") || strings.Contains(r.stderr, lost) {
			t.Errorf("up does not name the empty volume, or names the lost one, %s:\n%s", lost, r.stderr)
		}
		if found := s.ssh(t, stack, "broker-1002", "sudo find /var/lib/kafka -mindepth 1 -name meta.properties"); found != "" {
			t.Errorf("the disk was formatted: %s", found)
		}
	})
	file("  kraftstack:hosts:\n    lostDisks: {broker-1002: 1}\n")
	load.during(t, "what nobody else has is lost", func() {
		s.refused(t, 10, []string{"step: configure", "alone-0 had no other replica: its records are lost", "delete the topics"}, "up", "--stack", stack)
		topics("--delete")
	})
	load.during(t, "the disk is refilled", func() { s.up(t, stack) })
	if after := s.directory(t, stack, 1002); after == before || after == "" {
		t.Errorf("the voter has directory %q, and had %q on the lost disk", after, before)
	}
	if v := s.view(t, stack); len(v.Quorum.Voters) != 3 {
		t.Errorf("the voters are %+v", v.Quorum.Voters)
	}
	nothing(t, "up after it", s.up(t, stack))
	file("")
	s.refused(t, 3, []string{"hosts.lostDisks has 0 for broker-1002, and had 1", "write broker-1002: 1 again"}, "preview", "--stack", stack)
	file("  kraftstack:hosts:\n    lostDisks: {broker-1002: 1}\n")
}
