package config

const adminsAllowed = "a list of IPv4 networks in CIDR form with no host bits, such as [203.0.113.0/24], at most 12; for one address write 203.0.113.7/32"

func accessField() field {
	return field{name: "access", kind: object, doc: "Who can reach the stack's hosts.", fields: []field{
		{
			name: "adminCidrs", kind: textList,
			doc:     "The networks whose addresses may reach the bastion's SSH port; required where there is a bastion. Nothing else of the stack can be reached from outside the VPC.",
			defText: "required with a bastion",
			allowed: adminsAllowed,
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
				name: "count", kind: number, def: "1", doc: "How many bastions there are. With 0 AWS Session Manager is the way in: no port of the stack is open to anybody outside, and IAM says who may reach a host (docs/network.md).",
				allowed: "1, or 0",
				set:     into(func(s *Stack) *int { return &s.Access.Bastion.Count }, between(0, 1)),
			},
		}},
		{
			name: "localPort", kind: number, defText: "by the stack's name",
			doc:     "With no bastion: the port on the loopback of the machine that runs `up` where its steps find the way to the hosts. The default is one from 20000 to 29999.",
			allowed: "a number from 1024 to 65535 that nothing else listens on",
			set:     into(func(s *Stack) *int { return &s.Access.LocalPort }, between(1024, 65535)),
		},
	}}
}
