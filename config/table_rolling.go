package config

func rollingField() field {
	return field{name: "rolling", kind: object, doc: "How running hosts are restarted when something changes that needs it.", fields: []field{
		{
			name: "by", kind: text, def: `"broker"`,
			doc: "`broker`: one host after another. `zone`: all of a zone's brokers at once, zone after zone, for fleets that would take too long otherwise; " +
				"every partition needs enough replicas in other zones for that, which is asked of the cluster before each zone. " +
				"Controllers go first in either case, the quorum's leader last among them.",
			allowed: "broker or zone",
			set:     into(func(s *Stack) *string { return &s.Rolling.By }, oneOf(RollByBroker, RollByZone)),
		},
		{
			name: "gateTimeoutSeconds", kind: number, def: "120",
			doc:     "How long, in seconds, a restart waits for the cluster to be able to do without the host: for other brokers to come back, and for their replicas to be in sync. Then `up` stops, with nothing restarted.",
			allowed: "a number from 1 to 500",
			set:     into(func(s *Stack) *int { return &s.Rolling.GateTimeoutSeconds }, between(1, 500)),
		},
	}}
}
