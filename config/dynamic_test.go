package config

import "testing"

func TestIsLive(t *testing.T) {
	for _, c := range []struct {
		version, property string
		want              bool
	}{
		{"4.3.0", "log.retention.ms", true},
		{"4.1.0", "num.io.threads", true},
		{"4.3.0", "log.retention.hours", false},
		{"4.3.0", "num.partitions", false},
		{"4.3.0", "listeners", false},
		{"4.2.1", "leader.replication.throttled.rate", false},
		{"4.3.0", "leader.replication.throttled.rate", true},
		{"4.10.0", "leader.replication.throttled.rate", true},
		{"5.0.0", "leader.replication.throttled.rate", true},
	} {
		if got := (Kafka{Version: c.version}).IsLive(c.property); got != c.want {
			t.Errorf("%s in %s: %v, want %v", c.property, c.version, got, c.want)
		}
	}
	old, recent := len(Kafka{Version: "4.1.0"}.LiveProperties()), len(Kafka{Version: "4.3.0"}.LiveProperties())
	if old < 40 || recent <= old {
		t.Errorf("%d live properties in 4.1, %d in 4.3", old, recent)
	}
}
