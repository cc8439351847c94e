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
	var hits []hit
	for _, r := range s.of(typeVolume) {
		if r.Inputs["encrypted"] != true {
			hits = append(hits, on(r, "the volume is not encrypted"))
		}
	}
	for _, r := range s.of(typeInstance) {
		root := inner(r.Inputs, "rootBlockDevice")
		if root["encrypted"] != true && inner(r.Inputs, "launchTemplate") == nil {
			hits = append(hits, on(r, "its root disk is not encrypted"))
		}
	}
	for _, r := range s.of(typeTemplate) {
		devices, _ := r.Inputs["blockDeviceMappings"].([]any)
		for _, device := range devices {
			mapping, _ := device.(map[string]any)
			if encrypted := inner(mapping, "ebs")["encrypted"]; encrypted != true && encrypted != "true" {
				hits = append(hits, on(r, fmt.Sprintf("disk %v of its hosts is not encrypted", mapping["deviceName"])))
			}
		}
	}
	return hits
}

// metadataOptions are those of each instance and template. An instance that is
// made from a template has what the template says.
func metadataOptions(s *subject, check func(report.Resource, map[string]any)) {
	for _, r := range s.of(typeInstance, typeTemplate) {
		options := inner(r.Inputs, "metadataOptions")
		if options == nil && inner(r.Inputs, "launchTemplate") != nil {
			continue
		}
		check(r, options)
	}
}

func metadata(s *subject) (hits []hit) {
	metadataOptions(s, func(r report.Resource, options map[string]any) {
		if options["httpTokens"] != "required" && options["httpEndpoint"] != "disabled" {
			hits = append(hits, on(r, "its metadata is given without a token"))
		}
	})
	return hits
}

func metadataHops(s *subject) (hits []hit) {
	metadataOptions(s, func(r report.Resource, options map[string]any) {
		if hops, ok := options["httpPutResponseHopLimit"].(float64); ok && hops > 1 {
			hits = append(hits, on(r, fmt.Sprintf("a metadata token travels %.0f hops", hops)))
		}
	})
	return hits
}

var secretName = regexp.MustCompile(`(?i)(password|passphrase|private_?key(pem|openssh)?|secret_?(key|access_?key|string)|auth_?token)$`)

func secretsInClear(s *subject) (hits []hit) {
	for _, r := range s.stays {
		for _, name := range clearSecrets(r.Inputs) {
			hits = append(hits, on(r, name+" is in the state in clear"))
		}
	}
	return hits
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

func wideRoles(s *subject) (hits []hit) {
	for _, r := range s.of("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy") {
		text, _ := r.Inputs["policy"].(string)
		for _, statement := range statements(text) {
			if statement.Effect == "Allow" && slices.Contains(statement.Action, "*") {
				hits = append(hits, on(r, "it allows every action"))
				break
			}
		}
	}
	for _, r := range s.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment") {
		if arn, _ := r.Inputs["policyArn"].(string); arn == "arn:aws:iam::aws:policy/AdministratorAccess" || arn == "arn:aws:iam::aws:policy/PowerUserAccess" {
			hits = append(hits, on(r, "it attaches "+arn))
		}
	}
	return hits
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
