// Package scripts holds what runs on a host: the kafka-node toolkit in bash.
package scripts

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed kafka-node lib/*.sh verbs/*.sh
var toolkit embed.FS

// partLine is a line of kafka-node that reads one of its parts.
var partLine = regexp.MustCompile(`^source "\$here/((?:lib|verbs)/[a-z]+\.sh)"$`)

// placeLine is a line of kafka-node that only finding the parts needs.
var placeLine = regexp.MustCompile(`^(here=|readonly here$)`)

// lintLine tells shellcheck what a part is written in; in one file it says
// nothing.
const lintLine = "# shellcheck shell=bash\n"

// Bundle returns the toolkit as one self-contained file, to be put on a host as
// /opt/kraftstack/kafka-node with mode 0755. Comments in it name the file that
// each part came from. It is the same on every call.
func Bundle() string {
	bundle, err := assemble()
	if err != nil {
		// The parts are embedded when this is compiled, and a test holds that
		// kafka-node names no other: there is nothing a caller could do.
		return fmt.Sprintf("#!/bin/sh\necho 'kafka-node was built wrong: %v' >&2\nexit 1\n", err)
	}
	return bundle
}

func assemble() (string, error) {
	entry, err := toolkit.ReadFile("kafka-node")
	if err != nil {
		return "", err
	}
	var bundle strings.Builder
	for _, line := range strings.SplitAfter(string(entry), "\n") {
		text := strings.TrimSuffix(line, "\n")
		if placeLine.MatchString(text) {
			continue
		}
		part := partLine.FindStringSubmatch(text)
		if part == nil {
			bundle.WriteString(line)
			continue
		}
		content, err := toolkit.ReadFile(part[1])
		if err != nil {
			return "", err
		}
		body, found := strings.CutPrefix(string(content), lintLine)
		if !found {
			return "", fmt.Errorf("%s does not begin with %q", part[1], lintLine)
		}
		fmt.Fprintf(&bundle, "\n# --- scripts/%s ---\n\n%s", part[1], strings.TrimLeft(body, "\n"))
	}
	return bundle.String(), nil
}
