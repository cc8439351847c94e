package config

func brokersField() field {
	return field{name: "brokers", kind: object, doc: "The hosts that hold the data.", fields: []field{
		{
			name: "count", kind: number, def: "3", doc: "How many brokers there are.",
			allowed: "a number from 1 to 999",
			set:     into(func(s *Stack) *int { return &s.Brokers.Count }, between(1, 999)),
		},
		instanceType("m7i.large", "Instance type of the brokers.", func(s *Stack) *string { return &s.Brokers.InstanceType }),
		volume(100, "The data volume of each broker (gp3).", func(s *Stack) *Volume { return &s.Brokers.Volume }),
		{
			name: "image", kind: text, def: `"ubuntu"`,
			doc:     "The system of all hosts: `ubuntu` is Ubuntu 24.04, `amazonlinux` is Amazon Linux 2023, both in the instance type's architecture; or the id of an image of your own that is like one of these. `golden` is the image that the stack bakes itself, for Kafka hosts alone (`hosts.golden`): they start with Java and Kafka there. Hosts that exist keep what they booted from.",
			allowed: "ubuntu, amazonlinux, golden or an AMI id such as ami-0123456789abcdef0",
			set:     into(func(s *Stack) *string { return &s.Brokers.Image }, imageForm),
		},
	}}
}
