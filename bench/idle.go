package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// idleTarget of row i, in seconds for each host.
const idleTarget = 0.3

// idleChain measures row i: every roll step of the stack runs, for its command line
// has another time limit, and finds the wanted generation running.
func (s *site) idleChain(ctx context.Context, heap map[string]string) (Row, error) {
	row := Row{Name: "i  a roll with nothing to do, each host", Unit: "s", MaxOurs: idleTarget}
	const place = "  kraftstack:kafka:\n"
	for i := range rollRounds {
		changes := maps.Clone(heap)
		changes[place] = fmt.Sprintf("  kraftstack:rolling: {gateTimeoutSeconds: %d}\n%s", 121+i, place)
		if err := s.project(s.dir, s.stack, changes); err != nil {
			return row, err
		}
		folder := filepath.Join(s.work, fmt.Sprint("idle-", i))
		if _, err := s.kraftstack(ctx, "up", "--artifacts", folder); err != nil {
			return row, err
		}
		steps, err := rollSteps(filepath.Join(folder, "up.xml"))
		if err != nil {
			return row, err
		}
		for _, node := range s.outputs.Nodes {
			took := steps[node.Name]
			if len(took) != 2 {
				return row, fmt.Errorf("%s had %d roll steps, want 2", node.Name, len(took))
			}
			row.Ours.add(took[0])
			row.Ours.add(took[1])
		}
	}
	return row, nil
}

// rollSteps are the seconds that each roll step of a host took, by host, from the
// artifacts of a run.
func rollSteps(path string) (map[string][]float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var suite struct {
		Cases []struct {
			Class string  `xml:"classname,attr"`
			Name  string  `xml:"name,attr"`
			Time  float64 `xml:"time,attr"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(text, &suite); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	steps := map[string][]float64{}
	for _, one := range suite.Cases {
		if _, step, _ := strings.Cut(one.Name, " "); step == "roll" || step == "roll-leader" {
			host := one.Class[strings.LastIndex(one.Class, ".")+1:]
			steps[host] = append(steps[host], one.Time)
		}
	}
	return steps, nil
}
