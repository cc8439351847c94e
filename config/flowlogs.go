package config

import (
	"regexp"
	"slices"
	"strings"
)

// bucketName is what S3 lets a bucket be called (S3 user guide, "General purpose
// bucket naming rules"). Dots are left out: a name with dots breaks TLS.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// retentions are what CloudWatch Logs takes, in days (API reference,
// PutRetentionPolicy).
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func bucketForm(s string) string {
	switch {
	case strings.Contains(s, ":"), strings.Contains(s, "/"):
		return "is more than a bucket's name"
	case !bucketName.MatchString(s):
		return "does not have the form of a bucket's name"
	}
	return ""
}

func retentionForm(days int) string {
	if !slices.Contains(retentions, days) {
		return "is no number of days that CloudWatch Logs knows"
	}
	return ""
}

// flowLogs checks that what is said goes with where the logs go.
func (r *reader) flowLogs() {
	key, logs := "network.flowLogs.", r.stack.Network.FlowLogs
	if !r.sound(key + "to") {
		return
	}
	if logs.To == FlowLogsS3 && !r.has(key+"bucket") {
		r.problem(Namespace+":"+key+"bucket", nil, "is missing", "the name of the bucket that the logs go to")
	}
	for _, only := range []struct{ field, to string }{
		{"bucket", FlowLogsS3}, {"retentionDays", FlowLogsCloudWatch}, {"traffic", ""},
	} {
		if !r.has(key+only.field) || !r.sound(key+only.field) || logs.To == only.to || only.to == "" && logs.To != FlowLogsNone {
			continue
		}
		wanted := only.to
		if wanted == "" {
			wanted = FlowLogsCloudWatch + " or " + FlowLogsS3
		}
		r.problem(Namespace+":"+key+only.field, nil, "has no use while "+key+"to is "+logs.To, key+"to: "+wanted+", or remove the line")
	}
}
