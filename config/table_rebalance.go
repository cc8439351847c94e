package config

func rebalanceField() field {
	return field{name: "rebalance", kind: object, doc: "How partitions move when brokers join or leave.", fields: []field{
		{
			name: "spread", kind: text, def: `"auto"`,
			doc: "`auto`: brokers that join get their share of the partitions before `up` ends. `manual`: they get new partitions only, until `kafka-node rebalance` is run by hand. " +
				"What brokers hold that leave moves away in either case, before they are stopped.",
			allowed: "auto or manual",
			set:     into(func(s *Stack) *string { return &s.Rebalance.Spread }, oneOf(SpreadAuto, SpreadManual)),
		},
		{
			name: "throttleMiB", kind: number, def: "50",
			doc: "How many MiB of moving partitions a broker takes in, and gives away, in a second. " +
				"Leave clients their share of the volumes: gp3 has 125 MiB/s unless `brokers.volume.throughput` says more.",
			allowed: "a number from 1 to 10000",
			set:     into(func(s *Stack) *int { return &s.Rebalance.ThrottleMiB }, between(1, 10000)),
		},
	}}
}
