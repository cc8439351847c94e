package config

func securityField() field {
	return field{name: "security", kind: object, doc: "Encryption and authentication.", fields: []field{
		{
			name: "clients", kind: text, def: `"scram"`,
			doc:     "How clients say who they are. `scram`: by user and password (SASL SCRAM-SHA-512 over TLS, port 9092). `plaintext`: not at all and in the clear, and whoever reaches port 9092 may do anything. Nodes among themselves always use mutual TLS.",
			allowed: "scram or plaintext",
			set:     into(func(s *Stack) *string { return &s.Security.Clients }, oneOf(ClientsScram, ClientsPlaintext)),
		},
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
	}}
}
