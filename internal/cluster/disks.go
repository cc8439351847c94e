package cluster

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"
)

// How full a disk may be, in percent. Kafka stops when one is full, and a broker
// that is told to move data away needs room and hours for it. The alarm of the
// stack's monitoring is at the second one too.
const (
	diskWarning = 70
	diskProblem = 85
)

// disks asks every broker for the fullest of its volumes.
func disks(ctx context.Context, p *panel) map[int32]Disk {
	found := make([]*Disk, len(p.peers))
	var group errgroup.Group
	for i, one := range p.peers {
		group.Go(func() error {
			// What a broker does not tell stays null.
			answer, err := request(ctx, one.broker, kmsg.NewPtrDescribeLogDirsRequest())
			if resp, ok := answer.(*kmsg.DescribeLogDirsResponse); ok && err == nil {
				found[i] = fullest(resp)
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	all := map[int32]Disk{}
	for i, disk := range found {
		if disk != nil {
			all[p.peers[i].id] = *disk
		}
	}
	return all
}

// fullest is nil where a broker does not tell sizes, as Kafka before 3.3.
func fullest(resp *kmsg.DescribeLogDirsResponse) *Disk {
	var worst *Disk
	for _, dir := range resp.Dirs {
		disk := Disk{Total: dir.TotalBytes, Free: dir.UsableBytes}
		if dir.ErrorCode == 0 && disk.Total > 0 && (worst == nil || disk.Used() > worst.Used()) {
			worst = &disk
		}
	}
	return worst
}

// withDisks adds what brokers told of their disks.
func withDisks(views []BrokerView, told map[int32]Disk) []BrokerView {
	for i, view := range views {
		if disk, ok := told[view.ID]; ok {
			views[i].Disk = &disk
		}
	}
	return views
}

// judgeDisks tells of disks that fill up, in good time, and of those that are
// about to stop their broker.
func judgeDisks(brokers []BrokerView) (problems, warnings []string) {
	problems, warnings = []string{}, []string{}
	for _, b := range brokers {
		if b.Disk == nil {
			continue
		}
		text := fmt.Sprintf("the disk of %s is %d %% full: %s of %s are left; docs/runbooks/disk-full.md", b.Name, b.Disk.Used(), amount(b.Disk.Free), amount(b.Disk.Total))
		switch used := b.Disk.Used(); {
		case used >= diskProblem:
			problems = append(problems, text)
		case used >= diskWarning:
			warnings = append(warnings, text)
		}
	}
	return problems, warnings
}

// amount is a number of bytes for people.
func amount(n int64) string {
	const gib = 1 << 30
	if n < gib {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/gib)
}
