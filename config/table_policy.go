package config

import (
	"regexp"
	"strings"
	"time"
)

// policyField is kraftstack:policy. Setters are for the waiver that was added
// last.
func policyField() field {
	return field{name: "policy", kind: object, doc: "Which rules judge the stack: docs/policies.md lists them.", fields: []field{
		{
			name: "production", kind: boolean, defText: "true where the stack's name is `prod`, `production` or begins with `prod-`",
			doc:     "Whether the stack holds what matters: more rules refuse then.",
			allowed: "true or false",
			set:     into(func(s *Stack) *bool { return &s.Policy.Production }),
		},
		{
			name: "waivers", kind: list,
			doc: "A list of the rules that may be broken, each with a reason and an end. One that is over is refused.",
			add: func(s *Stack) { s.Policy.Waivers = append(s.Policy.Waivers, Waiver{}) },
			fields: []field{
				{
					name: "rule", kind: text, required: true, doc: "The rule's id.",
					allowed: "the id of a rule such as volume-deleted",
					set:     into(func(s *Stack) *string { return &lastWaiver(s).Rule }, ruleForm),
				},
				{
					name: "resource", kind: text, defText: "every one", doc: "Where it may be broken, as a report names it.",
					allowed: "a component and its part such as broker-1003 data",
					set:     into(func(s *Stack) *string { return &lastWaiver(s).Resource }, lineForm),
				},
				{
					name: "reason", kind: text, required: true, doc: "Why, for whoever reads the report.",
					allowed: "a sentence of 10 to 300 characters on one line",
					set:     into(func(s *Stack) *string { return &lastWaiver(s).Reason }, reasonForm),
				},
				{
					name: "until", kind: text, required: true, doc: "The last day on which it counts, at most a year ahead.",
					allowed: `a date such as "2027-01-31", in quotes`,
					set:     into(func(s *Stack) *string { return &lastWaiver(s).Until }, dateForm),
				},
			},
		},
	}}
}

func lastWaiver(s *Stack) *Waiver { return &s.Policy.Waivers[len(s.Policy.Waivers)-1] }

// production sets the default of policy.production, which the stack's name
// decides.
func (r *reader) production() {
	if name := r.stack.Name; !r.has("policy.production") {
		r.stack.Policy.Production = name == "prod" || name == "production" || strings.HasPrefix(name, "prod-")
	}
}

var ruleID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func ruleForm(s string) string {
	if !ruleID.MatchString(s) {
		return "does not have the form of a rule's id"
	}
	return ""
}

func lineForm(s string) string {
	if strings.TrimSpace(s) == "" || len(s) > 300 || strings.ContainsFunc(s, isOdd) {
		return "is not one line of text"
	}
	return ""
}

func reasonForm(s string) string {
	if len(strings.TrimSpace(s)) < 10 {
		return "says too little"
	}
	return lineForm(s)
}

func dateForm(s string) string {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "is no date"
	}
	return ""
}
