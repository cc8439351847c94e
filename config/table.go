package config

// table is everything that a stack file can say under kraftstack:, in the
// order of the reference: table_SECTION.go holds each section. Rules that need
// more than one field are in rules.go.
func table() []field {
	return []field{
		networkField(), accessField(), entryField(), controllersField(), brokersField(), kafkaField(), rollingField(), rebalanceField(),
		hostsField(), securityField(),
		{name: "topics", kind: later, doc: "Topics that the stack owns."},
		usersField(), policyField(),
		{name: "monitoring", kind: later, doc: "Metrics, dashboards and alerts."},
	}
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
