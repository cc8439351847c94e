package config

import (
	"fmt"
	"strings"
)

// Reference is docs/configuration.md: every key of a stack file out of the
// same table that Load reads it with.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, f := range table() {
		if f.kind == later {
			continue
		}
		fmt.Fprintf(&b, "\n## %s:%s\n\n%s\n\n", Namespace, f.name, f.doc)
		b.WriteString("| field | type | default | meaning | what may be written |\n|---|---|---|---|---|\n")
		rows(&b, f.fields, "")
	}
	b.WriteString("\n" + subnetReference)
	b.WriteString("\n" + operationReference())
	b.WriteString("\n" + propertyReference())
	b.WriteString("\n## Not supported yet\n\nThese names are taken for what is to come, and refused until then: ")
	b.WriteString(strings.Join(planned(table(), ""), ", ") + ".\n")
	return b.String()
}

func rows(b *strings.Builder, fields []field, prefix string) {
	for _, f := range fields {
		switch f.kind {
		case later:
		case object:
			fmt.Fprintf(b, "| `%s%s` | object | | %s | its fields, as follow |\n", prefix, f.name, cell(f.doc))
			rows(b, f.fields, prefix+f.name+".")
		case list:
			fmt.Fprintf(b, "| `%s%s` | %s | | %s | for each, its fields, as follow |\n", prefix, f.name, f.kind, cell(f.doc))
			rows(b, f.fields, prefix+f.name+"[].")
		default:
			fmt.Fprintf(b, "| `%s%s` | %s | %s | %s | %s |\n", prefix, f.name, f.kind, f.defaultText(), cell(f.doc), cell(f.allowed))
		}
	}
}

func (f field) defaultText() string {
	switch {
	case f.required:
		return "required"
	case f.def != "":
		return "`" + strings.Trim(f.def, `"`) + "`"
	default:
		return cell(f.defText)
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// planned lists the names of what is not supported yet.
func planned(fields []field, prefix string) []string {
	var out []string
	for _, f := range fields {
		if f.kind == later {
			out = append(out, "`"+prefix+f.name+"`")
		}
		out = append(out, planned(f.fields, prefix+f.name+".")...)
	}
	return out
}

const referenceHead = `# Configuration

<!-- Made from config/ by: go test ./config -run TestReference -update -->

A stack is one file, ` + "`Pulumi.<stack>.yaml`" + `. Its name is 1 to 30 lower case letters, digits and
hyphens, and begins with a letter. This is a whole one, and a good development cluster:

` + "```yaml" + `
config:
  aws:region: us-east-1
  kraftstack:access:
    adminCidrs: [203.0.113.0/24]
` + "```" + `

A file is checked before anything is made. All problems are reported at once, each with its key, its
value and what to write instead. Unknown names are problems too, at any depth.

` + "`aws:region`" + ` is required. Other keys of ` + "`aws:`" + ` belong to the AWS provider and are not looked at.
A stack with ` + "`aws:profile: kraftstack-lab`" + ` belongs to the lab.
`

const subnetReference = `## Subnets

Each zone gets a private subnet for Kafka's hosts and a public one for the bastion and NAT gateways.
AWS keeps five addresses of each for itself.

- **A VPC of /16 to /22** is cut into eighths, however many zones there are: the first six are the
  private subnets of up to six zones, and the last is cut into eighths again for the public ones.
  Zones can be added at the end of ` + "`network.zones`" + ` and no subnet changes.
- **A VPC of /23 to /26** has its first half cut for the private subnets and its second half for the
  public ones, each into as many parts as there are zones, rounded up to a power of two. A /26 over
  two zones gives four /28. Going from 2 zones to 3, or from 4 to 5, changes every subnet, and so
  replaces every host.

Nodes are dealt out over the zones in order, so adding or removing a zone of a running cluster moves
nodes to other zones, where their volumes cannot follow. Choose the zones before the first ` + "`up`" + `.
`

// operationReference tells what can be done to each kind of resource.
func operationReference() string {
	var b strings.Builder
	b.WriteString(usersReference)
	table := operations()
	for _, kind := range sortedKeys(table) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", kind, strings.Join(table[kind], ", "))
	}
	return b.String()
}

const usersReference = `## Users by example

` + "```yaml" + `
config:
  kraftstack:users:
    - name: shop
      acls:
        - {operations: [write, describe], resource: topic:orders}
        - {operations: [read], resource: topic:shop-, pattern: prefixed}
        - {operations: [read], resource: group:shop-, pattern: prefixed}
      quotas: {producerByteRate: 1048576}
    - name: audit
      acls:
        - {operations: [read, describe], resource: "topic:*"}
        - {operations: [read], resource: group:audit}
` + "```" + `

A password is generated unless one is given: ` + "`pulumi config set --secret --path 'kraftstack:users[0].password'`" + `.
` + "`kraftstack client-config --user shop`" + ` writes what a client of that user needs.

A rule belongs to the user it stands under, so a removed user takes its rules along. The operations
that each kind of resource has, besides ` + "`all`" + `, are Kafka's own:

| resource | operations |
|---|---|
`

// propertyReference tells which properties kafka.config cannot set.
func propertyReference() string {
	var b strings.Builder
	b.WriteString("## Properties that kraftstack owns\n\n`kafka.config` takes any property of Kafka but these:\n\n| property | why |\n|---|---|\n")
	reasons := owned()
	for _, name := range sortedKeys(reasons) {
		shown := name
		if strings.HasSuffix(name, ".") {
			shown += "*"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", shown, reasons[name])
	}
	b.WriteString("\nReplication factors may not exceed the number of brokers, nor least in-sync replicas the factor.\nkraftstack's own defaults for them follow the number of brokers: factors are 3, or the number of brokers\nif there are fewer, with 2 replicas in sync, or 1 with fewer than 3 brokers.\n")
	return b.String()
}
