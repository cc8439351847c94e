package config

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
			name: "keys", kind: text, defText: "none: the signature is not looked at",
			doc:     "The PGP keys of those who may sign a release of Kafka: those of Apache's KEYS file that you trust, as text, or an https URL of such a file. Where they are given, every host checks the archive's signature, ARCHIVEURL.asc, and refuses an archive that none of these keys has signed. Keys written here protect against a server that changes archive, sum and signature; a URL protects as far as its own server does.",
			allowed: "public keys in PGP's armor (-----BEGIN PGP PUBLIC KEY BLOCK-----), at most 64 KiB, or an https URL",
			set:     setKeys,
		},
		{
			name: "heap", kind: text, def: `"1g"`,
			doc:     "The heap of each Kafka process, fixed from its start. Leave most of the host's memory to the page cache.",
			allowed: "a number of megabytes or gigabytes such as 512m or 6g, from 256m to 64g",
			set:     into(func(s *Stack) *string { return &s.Kafka.Heap }, heapForm),
		},
		{
			name: "finalize", kind: text, def: `"auto"`,
			doc: "`auto`: once every node runs `version`, the cluster's metadata version is raised to it, which turns its new features on and closes the way back to an older version. " +
				"`manual`: not yet. Run the new version for a while, then say `auto`; until then an older `version` brings the old one back.",
			allowed: "auto or manual",
			set:     into(func(s *Stack) *string { return &s.Kafka.Finalize }, oneOf(FinalizeAuto, FinalizeManual)),
		},
		{
			name: "config", kind: scalars, def: "{}",
			doc:     "Properties for server.properties, over kraftstack's own. They go to brokers and controllers alike: controllers need the topic defaults too, and ignore what they have no use for.",
			allowed: "properties of Kafka such as log.retention.hours: 48",
			set:     setProperties,
		},
	}}
}
