package config

// table is everything that a stack file can say under kraftstack:, in the
// order of the reference. Rules that need more than one field are in rules.go.
func table() []field {
	return []field{
		networkField(), accessField(), controllersField(), brokersField(), kafkaField(),
		{name: "security", kind: later, doc: "Encryption, authentication and authorisation."},
		{name: "topics", kind: later, doc: "Topics that the stack owns."},
		{name: "users", kind: later, doc: "Users, their quotas and their access rules."},
		{name: "monitoring", kind: later, doc: "Metrics, dashboards and alerts."},
	}
}

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
			doc:     "How private hosts reach the internet. `one` gateway is cheapest; `perZone` survives the loss of a zone; `none` leaves no way out, for hosts whose image and archive need none.",
			allowed: "one, perZone or none",
			set:     into(func(s *Stack) *string { return &s.Network.NATGateways }, oneOf(NATOne, NATPerZone, NATNone)),
		},
		{name: "peerVpc", kind: later, doc: "Peering with another VPC."},
		{name: "flowLogs", kind: later, doc: "VPC flow logs."},
	}}
}

func accessField() field {
	return field{name: "access", kind: object, doc: "Who can reach the stack's hosts.", fields: []field{
		{
			name: "adminCidrs", kind: textList, required: true,
			doc:     "The networks whose addresses may reach the bastion's SSH port. Nothing else of the stack can be reached from outside the VPC.",
			allowed: "a list of IPv4 networks in CIDR form with no host bits, such as [203.0.113.0/24]; for one address write 203.0.113.7/32",
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

func controllersField() field {
	return field{name: "controllers", kind: object, doc: "The KRaft quorum, which keeps the cluster's metadata.", fields: []field{
		{
			name: "mode", kind: text, def: `"combined"`,
			doc:     "`combined`: the first brokers are the quorum's voters too. `dedicated`: voters have hosts of their own, as Apache Kafka recommends for critical clusters.",
			allowed: "combined or dedicated",
			set:     into(func(s *Stack) *string { return &s.Controllers.Mode }, oneOf(ModeCombined, ModeDedicated)),
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
			doc:     "The system of all hosts: `ubuntu` is Ubuntu 24.04, `amazonlinux` is Amazon Linux 2023, both in the instance type's architecture; or the id of an image of your own that is like one of these.",
			allowed: "ubuntu, amazonlinux or an AMI id such as ami-0123456789abcdef0",
			set:     into(func(s *Stack) *string { return &s.Brokers.Image }, imageForm),
		},
	}}
}

func kafkaField() field {
	return field{name: "kafka", kind: object, doc: "The Kafka that runs on the hosts.", fields: []field{
		{
			name: "version", kind: text, def: `"4.3.0"`, doc: "The version of Apache Kafka.",
			allowed: `a version such as "4.3.0", at least 4.1.0, in quotes`,
			set:     into(func(s *Stack) *string { return &s.Kafka.Version }, versionForm),
		},
		{
			name: "archiveUrl", kind: text, defText: "https://archive.apache.org/dist/kafka/VERSION/kafka_2.13-VERSION.tgz",
			doc:     "Where the hosts download Kafka from.",
			allowed: "an http or https URL that ends in .tgz, without a password, query or fragment",
			set:     setArchive,
		},
		{
			name: "sha512", kind: text, defText: "the text of the file ARCHIVEURL.sha512",
			doc:     "The archive's SHA-512. Given here, it protects against a server that changes both the archive and the sum beside it.",
			allowed: "128 hexadecimal digits",
			set:     setSum,
		},
		{
			name: "heap", kind: text, def: `"1g"`,
			doc:     "The heap of each Kafka process, fixed from its start. Leave most of the host's memory to the page cache.",
			allowed: "a number of megabytes or gigabytes such as 512m or 6g, from 256m to 64g",
			set:     into(func(s *Stack) *string { return &s.Kafka.Heap }, heapForm),
		},
		{
			name: "config", kind: scalars, def: "{}",
			doc:     "Properties for server.properties, over kraftstack's own. They go to brokers and controllers alike: controllers need the topic defaults too, and ignore what they have no use for.",
			allowed: "properties of Kafka such as log.retention.hours: 48",
			set:     setProperties,
		},
	}}
}

func instanceType(def, doc string, place func(*Stack) *string) field {
	return field{
		name: "instanceType", kind: text, def: `"` + def + `"`, doc: doc,
		allowed: "an EC2 instance type such as " + def,
		set:     into(place, instanceForm),
	}
}

// The bounds are gp3's of 2025-09: 64 TiB and 80,000 IOPS, 500 IOPS for each
// GiB (Amazon EBS user guide, "General Purpose SSD volumes"). Its 2,000 MiB/s
// are not open to us: the AWS provider v6 refuses more than 1,000 (raised in
// terraform-provider-aws pull request 44514, after the release that v6 wraps).
func volume(size int, doc string, place func(*Stack) *Volume) field {
	return field{name: "volume", kind: object, doc: doc, fields: []field{
		{
			name: "sizeGiB", kind: number, def: show(size), doc: "Its size in GiB. A volume can grow later, never shrink.",
			allowed: "a number from 1 to 65536",
			set:     into(func(s *Stack) *int { return &place(s).SizeGiB }, between(1, 65536)),
		},
		{
			name: "iops", kind: number, defText: "gp3's baseline, 3000", doc: "Its operations a second.",
			allowed: "a number from 3000 to 80000, at most 500 for each GiB",
			set:     into(func(s *Stack) *int { return &place(s).IOPS }, between(3000, 80000)),
		},
		{
			name: "throughput", kind: number, defText: "gp3's baseline, 125", doc: "Its throughput in MiB/s.",
			allowed: "a number from 125 to 1000, at most a quarter of the IOPS",
			set:     into(func(s *Stack) *int { return &place(s).Throughput }, between(125, 1000)),
		},
	}}
}
