// Package scripts holds what runs on a host: the kafka-node toolkit in bash.
package scripts

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed kafka-node lib/*.sh lib/*.py verbs/*.sh
var toolkit embed.FS

//go:embed keys.sh
var keys string

//go:embed agent.sh
var agent string

// Agent returns the program that has a host's agent of Session Manager look for it
// again. It says itself what it is told.
func Agent() string { return agent }

// Keys returns the program that gives a host other SSH keys. It says itself what
// it reads.
func Keys() string { return keys }

// partLine is a line of kafka-node that reads one of its parts.
var partLine = regexp.MustCompile(`^source "\$here/((?:lib|verbs)/[a-z]+\.sh)"$`)

// programLine is a line of kafka-node that makes a function of a program in
// Python, which may have several parts.
var programLine = regexp.MustCompile(`^([a-z_]+)\(\) \{ cat((?: "\$here/lib/[a-z]+\.py")+); \}$`)

// programPart is one part on such a line.
var programPart = regexp.MustCompile(`"\$here/(lib/[a-z]+\.py)"`)

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
		var err error
		if part := partLine.FindStringSubmatch(text); part != nil {
			err = addPart(&bundle, part[1])
		} else if program := programLine.FindStringSubmatch(text); program != nil {
			err = addProgram(&bundle, program[1], program[2])
		} else {
			bundle.WriteString(line)
		}
		if err != nil {
			return "", err
		}
	}
	return bundle.String(), nil
}

// addPart puts a part in the place of the line that reads it.
func addPart(bundle *strings.Builder, part string) error {
	content, err := toolkit.ReadFile(part)
	if err != nil {
		return err
	}
	body, found := strings.CutPrefix(string(content), lintLine)
	if !found {
		return fmt.Errorf("%s does not begin with %q", part, lintLine)
	}
	fmt.Fprintf(bundle, "\n# --- scripts/%s ---\n\n%s", part, strings.TrimLeft(body, "\n"))
	return nil
}

// endOfProgram ends a program's text in the bundle. No program has such a line.
const endOfProgram = "END_OF_PROGRAM"

// addProgram makes a function that prints a program, parts one after another.
// Each part has a function of its own, made once: programs share parts.
func addProgram(bundle *strings.Builder, function, parts string) error {
	var calls []string
	for _, part := range programPart.FindAllStringSubmatch(parts, -1) {
		name := "part_" + strings.NewReplacer("lib/", "", ".", "_").Replace(part[1])
		calls = append(calls, name)
		if strings.Contains(bundle.String(), "\n"+name+"() {\n") {
			continue
		}
		content, err := toolkit.ReadFile(part[1])
		if err != nil {
			return err
		}
		fmt.Fprintf(bundle, "\n%s() {\n  cat <<'%s'\n# --- scripts/%s ---\n%s%s\n}\n", name, endOfProgram, part[1], content, endOfProgram)
	}
	fmt.Fprintf(bundle, "%s() { %s; }\n", function, strings.Join(calls, "; "))
	return nil
}
