package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"kraftstack/internal/automation"
	"kraftstack/internal/redact"
)

// The journal is a line of JSON for the beginning of each run and one for its
// end, so that a run that was killed is told too. Lines are appended whole:
// runs side by side do not disturb each other.
const journalName = "journal.jsonl"

// Write appends a run, as it is now, to the journal in a folder.
func Write(folder string, r Run) error {
	line, err := redact.JSON(r)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(folder, journalName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// Runs reads a folder's journal, newest first, at most count runs. No journal
// is no runs.
func Runs(folder string, count int) ([]Run, error) {
	f, err := os.Open(filepath.Join(folder, journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	var runs []Run
	at := map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var r Run
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("read the journal %s, line %d: %w", f.Name(), n, err)
		}
		if i, begun := at[r.ID]; begun {
			runs[i] = r
			continue
		}
		at[r.ID] = len(runs)
		runs = append(runs, r)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	slices.Reverse(runs)
	return runs[:min(count, len(runs))], nil
}

// Merge adds what the state backend knows of and the journal does not: the runs
// of other machines. Newest first, at most count.
func Merge(runs []Run, past []automation.Past, count int) []Run {
	all := slices.Clone(runs)
	for _, p := range past {
		if slices.ContainsFunc(runs, func(r Run) bool { return strings.Contains(p.Message, "run "+r.ID+" ") }) {
			continue
		}
		r := Run{Verb: p.Kind, Began: p.Began.UTC(), Ended: p.Ended.UTC(), User: p.By, Counts: map[string]int{}}
		if m := messageForm.FindStringSubmatch(p.Message); m != nil {
			r.Verb, r.ID, r.User, r.Host = m[1], m[2], m[3], m[4]
		}
		for op, n := range p.Changes {
			if op != "same" {
				r.Counts[op] += n
			}
		}
		if p.Result != "succeeded" {
			r.Code, r.Cause, r.Error = 1, "failed", "the journal of that machine says why"
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b Run) int { return b.Began.Compare(a.Began) })
	return all[:min(count, len(all))]
}

// messageForm reads what Run.Message wrote.
var messageForm = regexp.MustCompile(`^kraftstack (\S+), run (\S+) by (\S+)@(\S+)$`)
