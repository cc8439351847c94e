package config

func controllersField() field {
	return field{name: "controllers", kind: object, doc: "The KRaft quorum, which keeps the cluster's metadata.", fields: []field{
		{
			name: "mode", kind: text, def: `"combined"`,
			doc:     "`combined`: the first brokers are the quorum's voters too. `dedicated`: voters have hosts of their own, as Apache Kafka recommends for critical clusters.",
			allowed: "combined or dedicated",
			set:     into(func(s *Stack) *string { return &s.Controllers.Mode }, oneOf(ModeCombined, ModeDedicated)),
		},
		{
			name: "from", kind: text, defText: "none",
			doc:     "`combined`, beside `mode: dedicated`, moves the quorum of a combined cluster to controllers of their own: they look for it on the first broker too (docs/runbooks/quorum-changes.md). Remove it afterwards. There is no way back.",
			allowed: "combined",
			set:     into(func(s *Stack) *string { return &s.Controllers.From }, oneOf(ModeCombined)),
		},
		{
			name: "count", kind: number, defText: "3; 1 in combined mode with fewer than 3 brokers",
			doc:     "How many voters there are. 3 survive the loss of one, 5 of two. In combined mode no more than brokers.",
			allowed: "1, 3, 5 or 7",
			set:     into(func(s *Stack) *int { return &s.Controllers.Count }, between(1, 7), odd),
		},
		instanceType("t3.medium", "Instance type of dedicated controllers.", func(s *Stack) *string { return &s.Controllers.InstanceType }),
		volume(20, "The data volume of each dedicated controller (gp3).", func(s *Stack) *Volume { return &s.Controllers.Volume }),
	}}
}
