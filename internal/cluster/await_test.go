package cluster

import "testing"

func TestServes(t *testing.T) {
	combined := NodeOutput{ID: 1002, Roles: []string{RoleController, RoleBroker}}
	broker := NodeOutput{ID: 1002, Roles: []string{RoleBroker}}
	controller := NodeOutput{ID: 2, Roles: []string{RoleController}}
	down := View{
		Brokers: []BrokerView{{ID: 1001, Alive: true}, {ID: 1002}},
		Quorum:  &Quorum{Voters: []Replica{{ID: 2}, {ID: 1001, CaughtUp: true}, {ID: 1002}}},
	}
	for name, c := range map[string]struct {
		view View
		node NodeOutput
		want bool
	}{
		"a broker that is down":                 {down, broker, false},
		"a broker and voter that is down":       {down, combined, false},
		"a controller that is down":             {down, controller, false},
		"a broker that is alive":                {View{Brokers: []BrokerView{{ID: 1002, Alive: true}}}, broker, true},
		"a voter that follows":                  {View{Quorum: &Quorum{Voters: []Replica{{ID: 2, CaughtUp: true}}}}, controller, true},
		"a controller of which nobody can tell": {View{}, controller, true},
	} {
		if got := c.view.serves(c.node); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
