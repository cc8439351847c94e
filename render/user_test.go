package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUserRules(t *testing.T) {
	s := stack(t, map[string]string{"users": `[
		{"name":"shop","acls":[
			{"operations":["write","describe"],"resource":"topic:orders"},
			{"operations":["describeConfigs"],"resource":"cluster","permission":"deny","host":"10.0.0.7"},
			{"operations":["read"],"resource":"group:shop-","pattern":"prefixed"}],
		 "quotas":{"requestPercentage":50,"producerByteRate":1048576}},
		{"name":"audit"}]`})
	want := []string{
		"scram",
		"acl allow describe topic:orders literal *",
		"acl allow read group:shop- prefixed *",
		"acl allow write topic:orders literal *",
		"acl deny describeConfigs cluster:kafka-cluster literal 10.0.0.7",
		"quota producer_byte_rate 1048576",
		"quota request_percentage 50",
	}
	if diff := cmp.Diff(want, UserRules(s.Users[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"scram"}, UserRules(s.Users[1])); diff != "" {
		t.Errorf("a user without rules (-want +got):\n%s", diff)
	}
}
