package config

func entryField() field {
	return field{name: "entry", kind: object, doc: "How clients that know no broker by name find the cluster.", fields: []field{
		{
			name: "loadBalancer", kind: text, def: `"none"`,
			doc:     "`internal` makes a network load balancer in front of the brokers, under the name `bootstrap` in the stack's zone: one address for clients to start from, whichever brokers there are. They go on to each broker by its own name, so whoever may use the one needs the other.",
			allowed: "none or internal",
			set:     into(func(s *Stack) *string { return &s.Entry.LoadBalancer }, entryForm),
		},
		{
			name: "deletionProtection", kind: boolean, def: "false",
			doc:     "Keep AWS from deleting the load balancer, whose addresses clients may have cached.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Entry.DeletionProtection }),
		},
	}}
}
