package config

func networkField() field {
	return field{name: "network", kind: object, doc: "The VPC that the cluster gets for itself.", fields: []field{
		{
			name: "cidr", kind: text, def: `"10.0.0.0/16"`,
			doc:     "The VPC's addresses. Subnets are cut out of it: see Subnets below.",
			allowed: "a private IPv4 network such as 10.0.0.0/16, from /16 to /26, with no host bits, within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10",
			set:     setVPC,
		},
		{
			name: "zones", kind: zoneList, defText: "3, or as many as there are nodes if fewer",
			doc:     "The availability zones: their names, or how many to take of those that the region has, in sorted order. Nodes are dealt out over them in this order. Volumes cannot change zone, so choose before the first `up`.",
			allowed: "a number from 1 to 6, or a list of 1 to 6 different zones of the region, such as [us-east-1a, us-east-1b, us-east-1c]",
			set:     setZones,
		},
		{
			name: "natGateways", kind: text, def: `"one"`,
			doc:     "How private hosts reach the internet. `one` gateway is cheapest; `perZone` survives the loss of a zone; `none` leaves S3 as the only way out, for hosts whose packages are in their image or in S3, and whose archive is in S3 or in the VPC: see docs/network.md.",
			allowed: "one, perZone or none",
			set:     into(func(s *Stack) *string { return &s.Network.NATGateways }, oneOf(NATOne, NATPerZone, NATNone)),
		},
		{name: "peerVpc", kind: object, doc: "Another VPC of the same account and region whose hosts are Kafka's clients: a peering connection, accepted at once, with routes and names in both directions. Only its addresses, and only the ports for clients, are let in.", fields: []field{
			{
				name: "id", kind: text, defText: "none: no peering",
				doc:     "The VPC. Routes back are added to all of its route tables.",
				allowed: "default for the account's default VPC, or a VPC's id such as vpc-0123456789abcdef0",
				set:     into(func(s *Stack) *string { return &s.Network.PeerVPC.ID }, peerForm),
			},
			{
				name: "cidr", kind: text, defText: "looked up",
				doc:     "Its addresses, to have an overlap with `network.cidr` refused before AWS is asked.",
				allowed: "that VPC's IPv4 network in CIDR form, such as 172.31.0.0/16",
				set:     setPeerCIDR,
			},
		}},
		{name: "flowLogs", kind: object, doc: "A record of every connection in the VPC that came about or was refused: who, to where, when and how much.", fields: []field{
			{
				name: "to", kind: text, def: `"none"`,
				doc:     "Where the logs go. `cloudwatch` makes a log group, which goes with the stack, and a role that may write to it alone. `s3` takes a bucket that is there already, such as an account's log archive: docs/network.md has the policy that it needs.",
				allowed: "none, cloudwatch or s3",
				set:     into(func(s *Stack) *string { return &s.Network.FlowLogs.To }, oneOf(FlowLogsNone, FlowLogsCloudWatch, FlowLogsS3)),
			},
			{
				name: "bucket", kind: text, defText: "none", doc: "The bucket, for `s3`.",
				allowed: "a bucket's name, such as example-log-archive",
				set:     into(func(s *Stack) *string { return &s.Network.FlowLogs.Bucket }, bucketForm),
			},
			{
				name: "retentionDays", kind: number, def: "30", doc: "How long the log group keeps them, in days, for `cloudwatch`. A bucket has rules of its own.",
				allowed: "a number of days that CloudWatch Logs knows, such as 1, 7, 30, 90, 365 or 3653",
				set:     into(func(s *Stack) *int { return &s.Network.FlowLogs.RetentionDays }, retentionForm),
			},
			{
				name: "traffic", kind: text, def: `"all"`, doc: "Which connections are recorded.",
				allowed: "all, accept or reject",
				set:     into(func(s *Stack) *string { return &s.Network.FlowLogs.Traffic }, oneOf("all", "accept", "reject")),
			},
		}},
	}}
}
