package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestDisksAreJudgedByTheFullest(t *testing.T) {
	const gib = 1 << 30
	dir := func(total, free int64) kmsg.DescribeLogDirsResponseDir {
		return kmsg.DescribeLogDirsResponseDir{TotalBytes: total, UsableBytes: free}
	}
	tests := []struct {
		name               string
		dirs               []kmsg.DescribeLogDirsResponseDir
		problems, warnings []string
	}{
		{"room", []kmsg.DescribeLogDirsResponseDir{dir(10*gib, 4*gib)}, []string{}, []string{}},
		{"filling up", []kmsg.DescribeLogDirsResponseDir{dir(10*gib, 4*gib), dir(10*gib, 3*gib)},
			[]string{}, []string{"the disk of broker-1001 is 70 % full: 3.0 GiB of 10.0 GiB are left; docs/runbooks/disk-full.md"}},
		{"nearly full", []kmsg.DescribeLogDirsResponseDir{dir(gib, gib/8)},
			[]string{"the disk of broker-1001 is 87 % full: 128 MiB of 1.0 GiB are left; docs/runbooks/disk-full.md"}, []string{}},
		{"a broker that does not tell", []kmsg.DescribeLogDirsResponseDir{dir(-1, -1)}, []string{}, []string{}},
		{"a directory that is offline", []kmsg.DescribeLogDirsResponseDir{{ErrorCode: 56, TotalBytes: gib}}, []string{}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			broker := BrokerView{Name: "broker-1001", Disk: fullest(&kmsg.DescribeLogDirsResponse{Dirs: tt.dirs})}
			problems, warnings := judgeDisks([]BrokerView{broker})
			if diff := cmp.Diff([][]string{tt.problems, tt.warnings}, [][]string{problems, warnings}); diff != "" {
				t.Errorf("problems and warnings (-want +got):\n%s", diff)
			}
		})
	}
}
