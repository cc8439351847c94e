package scripts

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// fleet is what the planner is told of a cluster.
type fleet struct {
	racks      map[int]string
	disk, used int64 // of each broker, in bytes
	partitions []placed
}

type placed struct {
	topic    string
	replicas []int
	size     int64
}

type planned struct {
	Moves []struct {
		Topic         string
		Before, After []int
		Size          int64
	}
	Refused string
}

const planDriver = `
import json, sys
given = json.load(sys.stdin)
try:
    moves = planned({int(id): broker for id, broker in given["brokers"].items()}, given["wanted"], given["partitions"], given["drain"])
    print(json.dumps({"moves": [{"topic": m.partition["topic"], "before": m.before, "after": m.after, "size": m.size} for m in moves]}))
except Unfit as unfit:
    print(json.dumps({"refused": str(unfit)}))
`

// plan runs plan.py.
func (f fleet) plan(t *testing.T, drainOnly bool, wanted ...int) (p planned) {
	t.Helper()
	brokers, partitions := object{}, []object{}
	for id, rack := range f.racks {
		brokers[fmt.Sprint(id)] = object{"rack": rack, "total": f.disk, "usable": f.disk - f.used}
	}
	for _, one := range f.partitions {
		partitions = append(partitions, object{"topic": one.topic, "index": 0, "replicas": one.replicas, "size": one.size})
	}
	input, err := json.Marshal(object{"brokers": brokers, "wanted": wanted, "partitions": partitions, "drain": drainOnly})
	if err != nil {
		t.Fatal(err)
	}
	program, err := toolkit.ReadFile("lib/plan.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-I", "-c", string(program)+planDriver)
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("plan.py: %v\n%s", err, out)
	}
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatalf("plan.py printed %s: %v", out, err)
	}
	for _, move := range p.Moves {
		if len(move.Before) != len(move.After) || len(zonesOf(f, move.After)) < len(zonesOf(f, move.Before)) {
			t.Errorf("%s: %v became %v", move.Topic, move.Before, move.After)
		}
		for _, id := range move.After {
			if !slices.Contains(wanted, id) {
				t.Errorf("%s is moved to %d, which does not stay", move.Topic, id)
			}
		}
	}
	return p
}

func zonesOf(f fleet, replicas []int) map[string]bool {
	zones := map[string]bool{}
	for _, id := range replicas {
		zones[f.racks[id]] = true
	}
	if len(slices.Compact(slices.Sorted(slices.Values(replicas)))) != len(replicas) {
		return nil // a broker twice
	}
	return zones
}

// after is what each broker holds when all has moved, and the bytes that moved.
func (f fleet) after(p planned) (load map[int]int64, moved int64) {
	load, to := map[int]int64{}, map[string][]int{}
	for _, move := range p.Moves {
		to[move.Topic] = move.After
		for _, id := range move.After {
			if !slices.Contains(move.Before, id) {
				moved += move.Size
			}
		}
	}
	for _, one := range f.partitions {
		replicas := one.replicas
		if moved, ok := to[one.topic]; ok {
			replicas = moved
		}
		for _, id := range replicas {
			load[id] += one.size
		}
	}
	return load, moved
}

// spreadOver makes partitions with sizes that differ, three replicas each.
func spreadOver(f fleet, count int, brokers ...int) fleet {
	for i := range count {
		var replicas []int
		for j := range 3 {
			replicas = append(replicas, brokers[(i+j)%len(brokers)])
		}
		f.partitions = append(f.partitions, placed{fmt.Sprintf("t%03d", i), replicas, int64(20+i*7%13) << 20})
	}
	return f
}

// TestScaleOutMovesTheShareAlone: what moves is what the new broker lacks, within
// 5 %, and afterwards nobody has less than nine tenths of the mean.
func TestScaleOutMovesTheShareAlone(t *testing.T) {
	const disk = 1 << 40
	for name, test := range map[string]struct {
		racks  map[int]string
		before []int
		share  float64 // of all bytes, which the new brokers should get together
	}{
		"one zone, 3 to 4":              {map[int]string{1: "a", 2: "a", 3: "a", 4: "a"}, []int{1, 2, 3}, 1.0 / 4},
		"one zone, 3 to 6":              {map[int]string{1: "a", 2: "a", 3: "a", 4: "a", 5: "a", 6: "a"}, []int{1, 2, 3}, 1.0 / 2},
		"three zones, 3 to 6":           {map[int]string{1: "a", 2: "b", 3: "c", 4: "a", 5: "b", 6: "c"}, []int{1, 2, 3}, 1.0 / 2},
		"three zones, 3 to 4, one zone": {map[int]string{1: "a", 2: "b", 3: "c", 4: "a"}, []int{1, 2, 3}, 1.0 / 6},
	} {
		t.Run(name, func(t *testing.T) {
			f := spreadOver(fleet{racks: test.racks, disk: disk}, 240, test.before...)
			all, joined := []int{}, int64(0)
			for id := range test.racks {
				all = append(all, id)
			}
			slices.Sort(all)
			plan := f.plan(t, false, all...)
			load, moved := f.after(plan)
			total := int64(0)
			for id, bytes := range load {
				total += bytes
				if !slices.Contains(test.before, id) {
					joined += bytes
				}
			}
			least := test.share * float64(total)
			if moved != joined {
				t.Errorf("%d bytes moved, and the new brokers hold %d", moved, joined)
			}
			if float64(moved) > 1.05*least || float64(moved) < 0.95*least {
				t.Errorf("%d bytes moved; the share is %.0f", moved, least)
			}
			again := f
			again.partitions = nil
			to := map[string][]int{}
			for _, move := range plan.Moves {
				to[move.Topic] = move.After
			}
			for _, one := range f.partitions {
				if moved, ok := to[one.topic]; ok {
					one.replicas = moved
				}
				again.partitions = append(again.partitions, one)
			}
			if more := again.plan(t, false, all...); len(more.Moves) > 0 {
				t.Errorf("a second plan moves %d partitions more", len(more.Moves))
			}
		})
	}
}

// TestScaleInMovesWhatLeavesAlone: exactly the bytes of the broker that leaves.
func TestScaleInMovesWhatLeavesAlone(t *testing.T) {
	f := spreadOver(fleet{racks: map[int]string{1: "a", 2: "b", 3: "c", 4: "a"}, disk: 1 << 40}, 200, 1, 2, 3)
	for i := 0; i < 200; i += 2 {
		for j, id := range f.partitions[i].replicas {
			if id == 1 {
				f.partitions[i].replicas[j] = 4
			}
		}
	}
	before, _ := f.after(planned{})
	load, moved := f.after(f.plan(t, true, 1, 2, 3))
	if moved != before[4] || load[4] != 0 {
		t.Errorf("%d bytes moved and broker 4 holds %d; it held %d", moved, load[4], before[4])
	}
	// The engine's run that moves partitions away does not spread them further.
	if _, moved := f.after(f.plan(t, false, 1, 2, 3)); moved != before[4] {
		t.Errorf("without being told so, %d bytes moved", moved)
	}
}

func TestScaleInIsRefused(t *testing.T) {
	three := []placed{{"orders", []int{1, 2, 3}, 6 << 30}}
	for name, test := range map[string]struct {
		fleet  fleet
		wanted []int
		want   string
	}{
		"count": {fleet{map[int]string{1: "a", 2: "a", 3: "a"}, 1 << 40, 0, three}, []int{1, 2}, "orders-0 has 3 replicas, and 2 brokers stay (1, 2)"},
		"zones": {fleet{map[int]string{1: "a", 2: "b", 3: "c", 4: "a"}, 1 << 40, 0, three}, []int{1, 2, 4},
			"orders-0 is spread over 3 zones, and on the brokers that stay (1, 2, 4) it would be over 2"},
		"disk": {fleet{map[int]string{1: "a", 2: "b", 3: "c", 4: "c"}, 10 << 30, 4 << 30, three}, []int{1, 2, 4},
			"disks would be more than 85% full: broker 4: 4.0 GiB used + 6.0 GiB to come > 8.5 GiB"},
	} {
		if got := test.fleet.plan(t, true, test.wanted...); got.Refused != test.want {
			t.Errorf("%s: %q, want %q", name, got.Refused, test.want)
		}
	}
}

// TestBrokersThatAreDownKeepWhatTheyHave: one that does not answer has not left. What
// leaves moves beside it, and where nobody leaves there is nothing to refuse.
func TestBrokersThatAreDownKeepWhatTheyHave(t *testing.T) {
	f := fleet{racks: map[int]string{1: "a", 3: "c"}, disk: 1 << 40, partitions: []placed{{"t", []int{1, 2, 3}, 1 << 20}}}
	if p := f.plan(t, true, 1, 2, 3, 4); p.Refused != "" || len(p.Moves) != 0 {
		t.Errorf("2 is down and 4 is yet to join, and the plan is %+v", p)
	}
	f = fleet{racks: map[int]string{1: "a", 3: "a", 5: "a"}, disk: 1 << 40, partitions: []placed{{"t", []int{1, 2, 5}, 1 << 20}}}
	if p := f.plan(t, true, 1, 2, 3); p.Refused != "" || len(p.Moves) != 1 || !slices.Equal(p.Moves[0].After, []int{1, 2, 3}) {
		t.Errorf("2 is down while 5 leaves, and the plan is %+v", p)
	}
}
