package config

import (
	"fmt"
	"slices"
	"strings"
)

// CheckZones compares the stack's zones with those that its region has. The
// error is an *Error, as from Load.
func (s Stack) CheckZones(available []string) error {
	key := Namespace + ":network.zones"
	have := slices.Sorted(slices.Values(available))
	list := strings.Join(have, ", ")
	var problems []Problem
	if len(s.Network.Zones) == 0 && s.Network.ZoneCount > len(have) {
		problems = append(problems, Problem{
			Key: key, Value: show(s.Network.ZoneCount),
			Wrong:   fmt.Sprintf("is more than the %d zones that %s has for this account", len(have), s.Region),
			Allowed: fmt.Sprintf("a number from 1 to %d", len(have)),
		})
	}
	for i, zone := range s.Network.Zones {
		if !slices.Contains(have, zone) {
			problems = append(problems, Problem{
				Key: fmt.Sprintf("%s[%d]", key, i), Value: show(zone),
				Wrong: "does not exist in " + s.Region + " for this account", Allowed: "zones out of " + list,
			})
		}
	}
	return newError(s.Name, problems)
}

// WithZones is the stack with its zones by name: the given ones, or the first
// ZoneCount of those available in sorted order. Call CheckZones first.
func (s Stack) WithZones(available []string) Stack {
	if len(s.Network.Zones) > 0 {
		return s
	}
	have := slices.Sorted(slices.Values(available))
	s.Network.Zones = have[:min(s.Network.ZoneCount, len(have))]
	return s
}
