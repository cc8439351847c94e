package config

func securityField() field {
	return field{name: "security", kind: object, doc: "Encryption and authentication. Nodes among themselves always use mutual TLS.", fields: []field{
		{
			name: "clients", kind: text, def: `"scram"`,
			doc:     "How clients say who they are. `scram`: by user and password (SASL SCRAM-SHA-512 over TLS, port 9092). `mtls`: by a certificate (mutual TLS, port 9094). `both`: by either. `plaintext`: not at all and in the clear, and whoever reaches port 9092 may do anything.",
			allowed: "scram, mtls, both or plaintext",
			set:     into(func(s *Stack) *string { return &s.Security.Clients }, oneOf(ClientsScram, ClientsMTLS, ClientsBoth, ClientsPlaintext)),
		},
		authorityField(),
		clientAuthorityField(),
		{
			name: "validityHours", kind: number, def: "8760",
			doc:     "How long, in hours, the brokers' certificates for clients are valid. They are renewed while Kafka runs.",
			allowed: "a number from 1 to 8784",
			set:     into(func(s *Stack) *int { return &s.Security.ValidityHours }, between(1, 8784)),
		},
		{
			name: "renewBeforeHours", kind: number, defText: "a quarter of validityHours",
			doc:     "How many hours before a certificate ends the next `up` renews it.",
			allowed: "a number from 0, less than validityHours",
			set:     into(func(s *Stack) *int { return &s.Security.RenewBeforeHours }, between(0, 8783)),
		},
		{
			name: "adminRotation", kind: number, def: "1",
			doc:     "Counts what the administrator logs in with: the next number is another password, or another certificate where clients have certificates alone. It goes up, and not back: an old password is not given to the cluster again.",
			allowed: "a number from 1 to 1000000",
			set:     into(func(s *Stack) *int { return &s.Security.AdminRotation }, between(1, 1000000)),
		},
		{
			name: "updates", kind: text, def: `"image"`,
			doc:     "Which updates hosts install by themselves. `security`: security updates, each day. `none`: none. `image`: what the image is made for, which on Ubuntu is security updates. None of them restarts Kafka, changes its Java or reboots: that is done host by host, behind the rolling gate.",
			allowed: "security, none or image",
			set:     into(func(s *Stack) *string { return &s.Security.Updates }, oneOf(UpdatesSecurity, UpdatesNone, UpdatesImage)),
		},
	}}
}

func clientAuthorityField() field {
	return field{name: "clientCA", kind: object, doc: "The stack's authority that signs clients for brokers, where clients have certificates. docs/runbooks/certificates.md has the steps of its rotation.", fields: []field{
		{
			name: "generation", kind: number, def: "1",
			doc:     "Counts the authorities: a higher number is another one, and other certificates for all users that have one.",
			allowed: "a number from 1 to 1000000",
			set:     into(func(s *Stack) *int { return &s.Security.ClientCA.Generation }, between(1, 1000000)),
		},
		{
			name: "previous", kind: boolean, def: "false",
			doc:     "Go on letting in whom the generation before signed, until each client has its next certificate.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Security.ClientCA.Previous }),
		},
	}}
}

func authorityField() field {
	return field{name: "ca", kind: object, doc: "The authority that signs brokers for clients. Without certificate and key the stack makes its own.", fields: []field{
		{
			name: "certificate", kind: text, defText: "an authority of the stack's own",
			doc:     "A given authority's certificate, as PEM, and behind it those above it, the last one being what clients trust.",
			allowed: "certificates as PEM",
			set:     setCertificates(func(s *Stack) *string { return &s.Security.CA.Certificate }),
		},
		{
			name: "privateKey", kind: secret, defText: "a generated one",
			doc:     "The given authority's private key, as PEM and as a secret of Pulumi.",
			allowed: "an unencrypted private key as PEM, as a secret",
			set:     setAuthorityKey,
		},
		{
			name: "alsoTrust", kind: text, defText: "nobody else",
			doc:     "Certificates, as PEM, of authorities that clients are told to trust besides: the next one before it signs, the last one after.",
			allowed: "certificates as PEM",
			set:     setCertificates(func(s *Stack) *string { return &s.Security.CA.AlsoTrust }),
		},
		{
			name: "generation", kind: number, def: "1",
			doc:     "Counts the stack's own authorities: a higher number is another authority.",
			allowed: "a number from 1 to 1000000",
			set:     into(func(s *Stack) *int { return &s.Security.CA.Generation }, between(1, 1000000)),
		},
		{
			name: "next", kind: boolean, def: "false",
			doc:     "Make the next generation's authority already, for clients to trust before it signs.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Security.CA.Next }),
		},
	}}
}
