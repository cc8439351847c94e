package render

import (
	"fmt"
	"strings"

	"kraftstack/config"
)

// documentHead is the first line of a document, its version with it.
const documentHead = "# kraftstack document 1"

// marker begins the line that names a document's next file.
const marker = "=== "

// file is one file of a host.
type file struct{ path, mode, owner, text string }

// Document is all files of a node in one text, which `kafka-node configure`
// reads from its standard input:
//
//	# kraftstack document 1
//	=== /etc/kafka/server.properties 0640 root:kafka
//	node.id=1001
//	…
//
// The generation in it is the one of these very files. The error tells of a
// stack whose zones have no names yet, and of text that would break the form.
func Document(s config.Stack, n config.Node) (string, error) {
	if rack(s, n) == "" {
		return "", fmt.Errorf("render %s: zone %d of the stack has no name; resolve the zones first", n.Name, n.Zone)
	}
	text, err := document(files(s, n))
	if err != nil {
		return "", fmt.Errorf("render %s: %w", n.Name, err)
	}
	return text, nil
}

func document(files []file) (string, error) {
	var b strings.Builder
	b.WriteString(documentHead + "\n")
	for _, f := range files {
		if err := f.check(); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s%s %s %s\n%s", marker, f.path, f.mode, f.owner, f.text)
	}
	return b.String(), nil
}

func files(s config.Stack, n config.Node) []file {
	const public, owner = "0644", "root:root"
	return []file{
		{"/etc/kafka/server.properties", kafkaOnly, kafkaOwner, ServerProperties(s, n)},
		{"/etc/kafka/log4j2.yaml", public, owner, Log4j2()},
		{"/etc/systemd/system/kafka.service", public, owner, Unit()},
		{"/etc/systemd/system/kafka-classes.service", public, owner, classesUnit},
		{"/etc/systemd/system/kafka-classes.timer", public, owner, classesTimer},
		{"/etc/kafka/jvm.env", public, owner, JVMEnv(s)},
		{clientOptions, kafkaOnly, kafkaOwner, NodeClientProperties(s)},
		{"/etc/kafka/generation", public, owner, Generation(s, n) + "\n"},
	}
}

// check refuses text that a reader of the document would take apart wrongly.
func (f file) check() error {
	if !strings.HasSuffix(f.text, "\n") {
		return fmt.Errorf("%s does not end with a line break", f.path)
	}
	for line := range strings.Lines(f.text) {
		if strings.HasPrefix(line, marker) {
			return fmt.Errorf("%s has a line that begins with %q, which begins a new file", f.path, marker)
		}
	}
	return nil
}
