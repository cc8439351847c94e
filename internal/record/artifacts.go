package record

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kraftstack/internal/redact"
)

// Artifacts is what a build server keeps of one run, in one folder: VERB.md for
// people, VERB.xml in JUnit's form for its test view, VERB.run.json for
// programs. VERB.events.jsonl is written while the run lasts.
type Artifacts struct {
	Folder string
	Run    Run
	Cases  []Case
	// Body is the middle of VERB.md; nil is none.
	Body func(io.Writer) error
}

// Path is where an artifact is: Path(folder, "up", "md").
func Path(folder, verb, extension string) string { return filepath.Join(folder, verb+"."+extension) }

// Write writes all of them.
func (a Artifacts) Write() error {
	if err := os.MkdirAll(a.Folder, 0o755); err != nil {
		return fmt.Errorf("write artifacts: %w", err)
	}
	run, err := redact.JSON(a.Run)
	if err != nil {
		return fmt.Errorf("write artifacts: %w", err)
	}
	text, err := a.markdown()
	if err != nil {
		return fmt.Errorf("write artifacts: %w", err)
	}
	cases, err := xml.MarshalIndent(a.suite(), "", "  ")
	if err != nil {
		return fmt.Errorf("write artifacts: %w", err)
	}
	for extension, content := range map[string][]byte{
		"run.json": append(run, '\n'), "md": []byte(redact.Text(text)), "xml": []byte(xml.Header + string(cases) + "\n"),
	} {
		if err := os.WriteFile(Path(a.Folder, a.Run.Verb, extension), content, 0o600); err != nil {
			return fmt.Errorf("write artifacts: %w", err)
		}
	}
	return nil
}

func (a Artifacts) markdown() (string, error) {
	var b strings.Builder
	r := a.Run
	fmt.Fprintf(&b, "# %s of stack %s: %s\n\n", r.Verb, r.Stack, r.Outcome())
	if r.Error != "" {
		fence := strings.Repeat("`", 3)
		fmt.Fprintf(&b, "%stext\n%s\n%s\n\n", fence, strings.ReplaceAll(r.Error, fence, "'''"), fence)
	}
	if a.Body != nil {
		if err := a.Body(&b); err != nil {
			return "", err
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "Run `%s`, %s, by %s@%s, %s", r.ID, r.Began.Format(time.RFC3339), r.User, r.Host, r.Took())
	if r.Commit != "" {
		b.WriteString(", commit " + r.Commit)
	}
	b.WriteString(".\n")
	return b.String(), nil
}

// The part of JUnit's form that build servers read.
type suite struct {
	XMLName  xml.Name   `xml:"testsuite"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Time     string     `xml:"time,attr"`
	Stamp    string     `xml:"timestamp,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *failure `xml:"failure"`
}

type failure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// suite is the run as a test suite: each step is a case, and so is the run, so
// that one that had nothing to do is told too.
func (a Artifacts) suite() suite {
	r := a.Run
	name := "kraftstack." + r.Stack + "." + r.Verb
	s := suite{Name: name, Time: seconds(r.Ended.Sub(r.Began)), Stamp: r.Began.Format("2006-01-02T15:04:05")}
	for _, c := range a.Cases {
		s.add(testCase{Class: name + "." + c.Place, Name: c.Name, Time: seconds(c.Took)}, c.Failure)
	}
	whole := testCase{Class: name, Name: r.Verb, Time: s.Time}
	message := ""
	if r.Code != 0 {
		message = fmt.Sprintf("exit code %d, %s: %s", r.Code, r.Cause, r.Error)
	}
	s.add(whole, message)
	return s
}

func (s *suite) add(c testCase, message string) {
	s.Tests++
	if message = redact.Text(message); message != "" {
		s.Failures++
		first, _, _ := strings.Cut(message, "\n")
		c.Failure = &failure{Message: first, Text: message}
	}
	s.Cases = append(s.Cases, c)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
