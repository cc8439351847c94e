package config

func hostsField() field {
	return field{name: "hosts", kind: object, doc: "What holds for every host of the stack, the bastion included.", fields: []field{
		{
			name: "kmsKey", kind: text, defText: "AWS's own key for EBS",
			doc:     "The KMS key that encrypts root and data volumes. It cannot be changed on a volume that exists: choose before the first `up`.",
			allowed: "the ARN of a key in the stack's region, such as arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			set:     into(func(s *Stack) *string { return &s.Hosts.KMSKey }, keyForm),
		},
		{name: "ami", kind: object, doc: "The image that `brokers.image` names, pinned: new hosts boot from this one until you write another. `kraftstack image latest` shows what is newer. Without it each new host gets the newest.", fields: []field{
			pin("amd64"), pin("arm64"),
		}},
		goldenField(),
		{
			name: "detailedMonitoring", kind: boolean, def: "false",
			doc:     "CloudWatch gets each host's metrics every minute instead of every five.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Hosts.DetailedMonitoring }),
		},
		{
			name: "terminationProtection", kind: boolean, def: "false",
			doc:     "EC2 refuses to terminate a Kafka host, whoever asks. `destroy` is refused until this is false again and `up` has run.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Hosts.TerminationProtection }),
		},
		{
			name: "protectData", kind: boolean, def: "false",
			doc:     "The engine refuses to delete or replace a data volume. `destroy` is refused until this is false again and `up` has run.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Hosts.ProtectData }),
		},
		{
			name: "lostDisks", kind: scalars, def: "{}",
			doc:     "Data volumes that are lost for good, by node: how many so far. A node's empty disk is formatted only for a node that is new, or when its count goes up, and then only if other nodes have all that was on it (docs/runbooks/lost-disk.md). The count stays.",
			allowed: "nodes with the number of disks that each has lost, such as broker-1002: 1",
			set:     setLostDisks,
		},
		{
			name: "aptSources", kind: textList, def: "[]",
			doc:     "Where apt on every host finds packages, in the place of what the image says: a mirror in the VPC or in S3, for hosts without NAT (docs/network.md).",
			allowed: "a list of at most 8 lines as in sources.list(5), such as \"deb http://mirror.example/ubuntu noble main universe\"",
			set:     setAptSources,
		},
		{
			name: "spread", kind: boolean, def: "true",
			doc:     "Hosts of a role in one zone run on different racks. Turn it off where a zone has no room for that. A change replaces every Kafka host.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Hosts.Spread }),
		},
	}}
}

func goldenField() field {
	return field{name: "golden", kind: object, doc: "An image that the stack bakes, with Java and this stack file's Kafka version. `up` starts a host for it, prepares it, makes an image of it and stops it. The image stays as it is: a new Kafka version, newer packages or another toolkit come by another name, which bakes a new image and removes the old one. No host is replaced by that.", fields: []field{
		{
			name: "name", kind: text, defText: "none: no image is baked", doc: "Its name.",
			allowed: "1 to 20 lower case letters, digits and hyphens, such as 2026-11",
			set:     into(func(s *Stack) *string { return &s.Hosts.Golden.Name }, goldenForm),
		},
		{
			name: "base", kind: text, def: `"ubuntu"`, doc: "What it is made from, and what the bastion boots from while `brokers.image` is `golden`.",
			allowed: "ubuntu or amazonlinux",
			set:     into(func(s *Stack) *string { return &s.Hosts.Golden.Base }, oneOf(ImageUbuntu, ImageAmazonLinux)),
		},
	}}
}

func pin(architecture string) field {
	return field{
		name: architecture, kind: text, defText: "the newest", doc: "The image's id for " + architecture + ".",
		allowed: "an AMI id such as ami-0123456789abcdef0",
		set: func(s *Stack, v any) []flaw {
			id, _ := v.(string)
			if !amiID.MatchString(id) {
				return flawed("does not have the form of an AMI id")
			}
			if s.Hosts.AMIs == nil {
				s.Hosts.AMIs = map[string]string{}
			}
			s.Hosts.AMIs[architecture] = id
			return nil
		},
	}
}
