package config

import "strconv"

// usersField is kraftstack:users. Setters are for the user, and the rule, that
// was added last.
func usersField() field {
	return field{
		name: "users", kind: list,
		doc: "A list of the users that clients log in as, with their access rules and quotas. " +
			"A user is added, changed and removed in place; what is on the cluster and in no stack file is shown by `kraftstack users`, and left alone.",
		add: func(s *Stack) { s.Users = append(s.Users, User{}) },
		fields: []field{
			{
				name: "name", kind: text, required: true,
				doc:     "Its name: the principal `User:NAME` of Kafka's rules.",
				allowed: "1 to 64 letters, digits, dots, hyphens and underscores that begin with a letter or digit",
				set:     into(func(s *Stack) *string { return &lastUser(s).Name }, userForm),
			},
			{
				name: "authentication", kind: text, def: `"scram"`,
				doc:     "How it logs in. `scram`: by a password, SCRAM-SHA-512 on port 9092. `mtls`: by a certificate that the stack signs, on port 9094; it ends with the brokers' own, and `kraftstack client-config` has the next one after their renewal.",
				allowed: "scram or mtls, as security.clients offers",
				set:     into(func(s *Stack) *string { return &lastUser(s).Authentication }, oneOf(AuthSCRAM, AuthMTLS)),
			},
			{
				name: "password", kind: secret, defText: "a generated one",
				doc:     "Its password for `scram`, as a secret of Pulumi.",
				allowed: "12 to 128 characters that SASLprep (RFC 4013) leaves as they are, no space at either end, as a secret",
				set:     setPassword,
			},
			{
				name: "rotation", kind: number, def: "1",
				doc:     "Counts what is generated: a higher number is another password, or another key and certificate. A certificate that was given out before is good until it ends.",
				allowed: "a number from 1 to 1000000",
				set:     into(func(s *Stack) *int { return &lastUser(s).Rotation }, between(1, 1000000)),
			},
			aclsField(),
			quotasField(),
		},
	}
}

func aclsField() field {
	return field{
		name: "acls", kind: list, doc: "What it may do. Without a rule nothing is allowed.",
		add: func(s *Stack) { lastUser(s).ACLs = append(lastUser(s).ACLs, ACL{}) },
		fields: []field{
			{
				name: "operations", kind: textList, required: true,
				doc:     "The operations. Which ones a resource has is listed below.",
				allowed: "a list such as [read, describe], or [all]",
				set:     setOperations,
			},
			{
				name: "resource", kind: text, required: true,
				doc:     "What they are done to: its kind and name, joined by a colon. `*` as the name stands for all of that kind.",
				allowed: "topic:NAME, group:NAME, transactionalId:NAME, delegationToken:NAME, user:NAME or cluster",
				set:     setResource,
			},
			{
				name: "pattern", kind: text, def: `"literal"`,
				doc:     "`literal`: the resource of that very name. `prefixed`: all whose names begin with it.",
				allowed: "literal or prefixed",
				set:     into(func(s *Stack) *string { return &lastACL(s).Pattern }, oneOf(PatternLiteral, PatternPrefixed)),
			},
			{
				name: "host", kind: text, def: `"*"`,
				doc:     "The address that the client comes from; `*` is any. Kafka compares whole addresses: it knows no networks here.",
				allowed: "an IPv4 address, or *",
				set:     into(func(s *Stack) *string { return &lastACL(s).Host }, hostForm),
			},
			{
				name: "permission", kind: text, def: `"allow"`,
				doc:     "`deny` is stronger than any `allow`.",
				allowed: "allow or deny",
				set:     into(func(s *Stack) *string { return &lastACL(s).Permission }, oneOf(PermissionAllow, PermissionDeny)),
			},
		},
	}
}

// quotasField has Kafka's quotas of users, each for every broker on its own
// (docs/operations, "Setting quotas").
func quotasField() field {
	quota := func(name, key, doc string, most int) field {
		return field{
			name: name, kind: number, defText: "no limit", doc: doc, allowed: "a number from 1 to " + strconv.Itoa(most),
			set: func(s *Stack, v any) []flaw {
				value, _ := v.(int)
				if wrong := between(1, most)(value); wrong != "" {
					return flawed(wrong)
				}
				user := lastUser(s)
				if user.Quotas == nil {
					user.Quotas = map[string]int{}
				}
				user.Quotas[key] = value
				return nil
			},
		}
	}
	const largest = 1 << 50
	return field{name: "quotas", kind: object, doc: "What it may use of each broker before it is slowed down.", fields: []field{
		quota("producerByteRate", "producer_byte_rate", "Bytes a second that it produces.", largest),
		quota("consumerByteRate", "consumer_byte_rate", "Bytes a second that it consumes.", largest),
		quota("requestPercentage", "request_percentage", "Time on the broker's network and request threads, 100 for each thread.", 100000),
		quota("controllerMutationRate", "controller_mutation_rate", "Partitions a second that it creates and deletes.", 1000000),
	}}
}
