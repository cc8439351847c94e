package scripts

import (
	"os/exec"
	"strings"
	"testing"
)

// call runs lines of bash with the toolkit's functions loaded and its verbs not
// started, and returns what they print.
func call(t *testing.T, lines string) string {
	t.Helper()
	functions, _, found := strings.Cut(Bundle(), "\nmain \"$@\"; exit\n")
	if !found {
		t.Fatal("the bundle does not end with the call of main")
	}
	cmd := exec.Command("bash", "-c", functions+"\n"+lines+"\n")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", lines, err, stderr.String())
	}
	return string(out)
}

const replication = `NodeId	DirectoryId           	LogEndOffset	Lag	LastFetchTimestamp	LastCaughtUpTimestamp	Status  	
1001  	e-0mCJpGQzKPWIJldaYuvw	110         	0  	1795342124877     	1795342124877        	Leader  	
1002  	Alzn_rEVTl6HXvSbQlOMjA	96          	14 	1795342118359     	1795342117888        	Follower	
1003  	bTZQr6fTQICYrypoYr-eTA	110         	0  	1795342124874     	1795342124874        	Follower	
1004  	IG5NFe57eSvxoBcD-8JRXA	66          	44 	1795342107085     	1795342106861        	Observer	
`

const endpoints = `ID         HOST      PORT       RACK STATE      ENDPOINT_TYPE  
1001       localhost 19092      z1 unfenced   broker         
1002       localhost 29092      z2 fenced     broker         
`

const underReplicated = `	Topic: t	Partition: 0	Leader: 1003	Replicas: 1002,1003,1004	Isr: 1003	Elr: 	LastKnownElr: 
	Topic: t	Partition: 1	Leader: 1003	Replicas: 1003,1004,1001	Isr: 1003,1001	Elr: 	LastKnownElr: 
`

// The texts are what the tools of Kafka 4.3.0 printed.
func TestReadingKafkasTools(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"voters_behind '" + replication + "' 1001 1003", ""},
		{"voters_behind '" + replication + "' 1001 1002 1003", "1002 is behind\n"},
		{"voters_behind '" + replication + "' 1004", "1004 is no voter\n"},
		{"voters_behind '' 1001 1002", "no leader\n"},
		{"brokers_missing '" + endpoints + "' 1001", ""},
		{"brokers_missing '" + endpoints + "' 1001 1002 1003", "1002 is fenced, 1003 is not registered\n"},
		{"partitions_waiting '" + underReplicated + "' 1004", "2 under-replicated (first: t-0)\n"},
		{"partitions_waiting '" + underReplicated + "' 1001", "1 under-replicated (first: t-1)\n"},
		{"partitions_waiting '" + underReplicated + "' 100", ""},
		{"partitions_waiting '' 1001", ""},
	} {
		if got := call(t, c.lines); strings.TrimSpace(got) != strings.TrimSpace(c.want) {
			t.Errorf("%.60s…\ngot  %q\nwant %q", c.lines, got, c.want)
		}
	}
}

func TestSmallFunctions(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{`json_string $'a"b\\c\n\td'`, `"a\"b\\c\n\td"`},
		{`property <(printf 'a = 1\nb=x=y \nb.c=3\n') b`, "x=y\n"},
		{`property /nowhere b`, ""},
		{`device_of vol-0ab`, "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0ab"},
		{`wait_for 0 nothing false || echo over $?`, "over 1\n"},
		{`useless() { return 2; }; wait_for 9 nothing useless || echo useless $?`, "useless 2\n"},
		{`wait_for 9 nothing true && echo there`, "there\n"},
	} {
		if got := call(t, c.lines); got != c.want {
			t.Errorf("%s\ngot  %q\nwant %q", c.lines, got, c.want)
		}
	}
}
