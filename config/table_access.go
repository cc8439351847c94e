package config

func accessField() field {
	return field{name: "access", kind: object, doc: "Who can reach the stack's hosts.", fields: []field{
		{
			name: "adminCidrs", kind: textList, required: true,
			doc:     "The networks whose addresses may reach the bastion's SSH port. Nothing else of the stack can be reached from outside the VPC.",
			allowed: "a list of IPv4 networks in CIDR form with no host bits, such as [203.0.113.0/24], at most 12; for one address write 203.0.113.7/32",
			set:     setAdmins,
		},
		{
			name: "openToWorld", kind: boolean, def: "false",
			doc:     "Accept 0.0.0.0/0 in adminCidrs. SSH still takes keys only, but everybody can try.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Access.OpenToWorld }),
		},
		{
			name: "hostTimeoutSeconds", kind: number, def: "300",
			doc:     "How long, in seconds, `up` waits for a host to answer SSH, for its disk to appear and for the archive's server to answer, each, before it gives up. A first boot takes minutes.",
			allowed: "a number from 10 to 3600",
			set:     into(func(s *Stack) *int { return &s.Access.HostTimeoutSeconds }, between(10, 3600)),
		},
		{
			name: "keyGeneration", kind: number, def: "1",
			doc:     "Counts the SSH keys: the next number gives the stack another key pair to log in with, and every host another host key, in one `up` that restarts nothing (docs/runbooks/keys.md). It goes up one at a time, and not back.",
			allowed: "a number from 1 to 1000000",
			set:     into(func(s *Stack) *int { return &s.Access.KeyGeneration }, between(1, 1000000)),
		},
		{
			name: "clients", kind: textList, def: "[]",
			doc:     "Who may reach the brokers' ports for clients besides the bastion and `network.peerVpc`: networks of this VPC or of ones that it is joined to, or security groups of this VPC or of the peer's.",
			allowed: "a list of at most 7 IPv4 networks in CIDR form or security groups, such as [10.9.0.0/16, sg-0123456789abcdef0]",
			set:     setClients,
		},
		{name: "bastion", kind: object, doc: "The host that all SSH passes through.", fields: []field{
			instanceType("t3.micro", "The bastion's instance type.", func(s *Stack) *string { return &s.Access.Bastion.InstanceType }),
			{
				name: "count", kind: number, def: "1", doc: "How many bastions there are.",
				allowed: "1: more than one bastion is not supported yet",
				set:     into(func(s *Stack) *int { return &s.Access.Bastion.Count }, between(1, 1)),
			},
		}},
	}}
}
