package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"kraftstack/internal/report"
)

// hostRules are about what a host is made of.
func hostRules() []Rule {
	return []Rule{
		{
			ID: "volume-unencrypted", Severity: report.Block,
			Text:  "Every disk is encrypted, root disks too: a snapshot or a discarded disk is readable otherwise.",
			check: unencrypted,
		},
		{
			ID: "imdsv1", Severity: report.Block,
			Text:  "Instances answer for metadata with a token alone (IMDSv2): a forged request of a process on the host gets its role's keys otherwise.",
			check: metadata,
		},
		{
			ID: "metadata-hops", Severity: report.Warn,
			Text:  "A metadata token travels one hop: containers and proxies on the host have no business with it.",
			check: metadataHops,
		},
		{
			ID: "secret-in-clear", Severity: report.Block,
			Text:  "No property that is named like a secret is in the state in clear.",
			check: secretsInClear,
		},
		{
			ID: "role-allows-all", Severity: report.Block,
			Text:  "No role of the stack may do everything: what runs on a host has its role.",
			check: wideRoles,
		},
	}
}

func unencrypted(s *subject) []hit {
	return each(s.of(typeVolume, typeInstance, typeTemplate), func(r report.Resource) []string {
		switch r.Type {
		case typeVolume:
			return only(r.Inputs["encrypted"] != true, "the volume is not encrypted")
		case typeInstance:
			bare := inner(r.Inputs, "rootBlockDevice")["encrypted"] != true
			return only(bare && inner(r.Inputs, "launchTemplate") == nil, "its root disk is not encrypted")
		}
		return bareDevices(r.Inputs)
	})
}

// bareDevices are the disks of a template that are not encrypted.
func bareDevices(template map[string]any) (messages []string) {
	devices, _ := template["blockDeviceMappings"].([]any)
	for _, device := range devices {
		mapping, _ := device.(map[string]any)
		if encrypted := inner(mapping, "ebs")["encrypted"]; encrypted != true && encrypted != "true" {
			messages = append(messages, fmt.Sprintf("disk %v of its hosts is not encrypted", mapping["deviceName"]))
		}
	}
	return messages
}

// metadataOptions checks those of each instance and template. An instance that
// is made from a template has what the template says.
func metadataOptions(s *subject, check func(options map[string]any) []string) []hit {
	return each(s.of(typeInstance, typeTemplate), func(r report.Resource) []string {
		options := inner(r.Inputs, "metadataOptions")
		if options == nil && inner(r.Inputs, "launchTemplate") != nil {
			return nil
		}
		return check(options)
	})
}

func metadata(s *subject) []hit {
	return metadataOptions(s, func(options map[string]any) []string {
		return only(options["httpTokens"] != "required" && options["httpEndpoint"] != "disabled", "its metadata is given without a token")
	})
}

func metadataHops(s *subject) []hit {
	return metadataOptions(s, func(options map[string]any) []string {
		hops, _ := options["httpPutResponseHopLimit"].(float64)
		return only(hops > 1, fmt.Sprintf("a metadata token travels %.0f hops", hops))
	})
}

var secretName = regexp.MustCompile(`(?i)(password|passphrase|private_?key(pem|openssh)?|secret_?(key|access_?key|string)|auth_?token)$`)

func secretsInClear(s *subject) []hit {
	return each(s.stays, func(r report.Resource) (messages []string) {
		for _, name := range clearSecrets(r.Inputs) {
			messages = append(messages, name+" is in the state in clear")
		}
		return messages
	})
}

// clearSecrets names the texts of an object that ought to be secrets.
func clearSecrets(inputs map[string]any) (names []string) {
	for name, value := range inputs {
		switch v := value.(type) {
		case string:
			if secretName.MatchString(name) && v != "" && !report.IsSecret(v) && !report.IsUnknown(v) {
				names = append(names, name)
			}
		case map[string]any:
			if !report.IsSecret(v) {
				names = append(names, clearSecrets(v)...)
			}
		}
	}
	slices.Sort(names)
	return names
}

func wideRoles(s *subject) []hit {
	roles := s.of("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy")
	hits := each(roles, func(r report.Resource) []string {
		text, _ := r.Inputs["policy"].(string)
		return only(slices.ContainsFunc(statements(text), func(st statement) bool {
			return st.Effect == "Allow" && slices.Contains(st.Action, "*")
		}), "it allows every action")
	})
	return append(hits, each(s.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment"), func(r report.Resource) []string {
		arn, _ := r.Inputs["policyArn"].(string)
		return only(arn == "arn:aws:iam::aws:policy/AdministratorAccess" || arn == "arn:aws:iam::aws:policy/PowerUserAccess", "it attaches "+arn)
	})...)
}

// statement is one of an IAM policy.
type statement struct {
	Effect string
	Action oneOrMany
}

// oneOrMany is a list that AWS lets be written as its only item.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// statements of a policy; none where it is not known yet.
func statements(policy string) []statement {
	var document struct{ Statement []statement }
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		return nil
	}
	return document.Statement
}
