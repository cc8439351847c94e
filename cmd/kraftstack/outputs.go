package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/record"
	"kraftstack/internal/ui"
)

func newOutputsCommand() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use: "outputs", Short: "Print what a stack exports: addresses, nodes, bootstrap servers",
		Long: `Outputs prints what a stack exports for others: addresses, nodes, bootstrap
servers. A secret one is shown as [secret].`,
		Example: "  kraftstack outputs --stack lab\n  kraftstack outputs --stack lab --json | jq -r '.bootstrapServers | join(\",\")'",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			from, _ := c.Flags().GetString("dir")
			dir, err := prepare(c.Context(), from, o.stack)
			if err != nil {
				return err
			}
			outputs, err := automation.PublicOutputs(c.Context(), dir, o.stack)
			if err != nil {
				return err
			}
			if o.json {
				return writeJSON(c.OutOrStdout(), outputs)
			}
			return writeOutputs(c.OutOrStdout(), outputs)
		},
	}
	o.registerLook(c)
	return c
}

// registerLook adds the flags of a verb that only looks at what is recorded.
func (o *options) registerLook(c *cobra.Command) {
	c.Flags().StringVar(&o.stack, "stack", "", "the stack's name: Pulumi.NAME.yaml (required)")
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON document and nothing else")
}

func writeOutputs(w io.Writer, outputs map[string]any) error {
	table := ui.NewTable("output", "value")
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		text, isText := outputs[name].(string)
		if !isText {
			value, err := json.Marshal(outputs[name])
			if err != nil {
				return err
			}
			text = string(value)
		}
		table.Row(ui.Cell{Text: name}, ui.Cell{Text: text})
	}
	return table.Write(w, "", ui.For(w, os.Getenv).Color)
}

func newHistoryCommand() *cobra.Command {
	var o options
	var count int
	c := &cobra.Command{
		Use: "history", Short: "Show who did what to a stack, when, and how it ended",
		Long: `History shows the runs on a stack, newest first: those of this folder's journal,
previews and refused ones too, and the changes that the state backend knows of
from other machines.`,
		Example: "  kraftstack history --stack lab\n  kraftstack history --stack lab --json | jq '.[0]'",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			from, _ := c.Flags().GetString("dir")
			dir, err := prepare(c.Context(), from, o.stack)
			if err != nil {
				return err
			}
			runs, err := record.Runs(record.Folder(dir, o.stack, os.Getenv), count)
			if err != nil {
				return err
			}
			past, err := automation.History(c.Context(), dir, o.stack, count)
			if err != nil && len(runs) == 0 {
				return err
			}
			all := record.Merge(runs, past, count)
			if o.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			return writeHistory(c.OutOrStdout(), all)
		},
	}
	o.registerLook(c)
	c.Flags().IntVarP(&count, "number", "n", 20, "show at most this many runs")
	return c
}

func writeHistory(w io.Writer, runs []record.Run) error {
	table := ui.NewTable("began", "took", "verb", "outcome", "changes", "by", "where and why")
	for _, r := range runs {
		tone := ui.Good
		if r.Outcome() != "done" {
			tone = ui.Bad
		}
		why := r.Job
		if r.Error != "" {
			why = ui.OneLine(r.Error)
		}
		table.Row(ui.Cell{Text: r.Began.Local().Format("2006-01-02 15:04:05")}, ui.Cell{Text: r.Took()}, ui.Cell{Text: r.Verb},
			ui.Cell{Text: r.Outcome(), Tone: tone}, ui.Cell{Text: changesInWords(r.Counts)},
			ui.Cell{Text: r.User + "@" + r.Host}, ui.Cell{Text: why})
	}
	return table.Write(w, "", ui.For(w, os.Getenv).Color)
}

// changesInWords is "+3 ~2": signs as in a report.
func changesInWords(counts map[string]int) string {
	var words []string
	for _, kind := range []struct{ op, sign string }{{"create", "+"}, {"update", "~"}, {"replace", "±"}, {"delete", "-"}} {
		if n := counts[kind.op]; n > 0 {
			words = append(words, fmt.Sprintf("%s%d", kind.sign, n))
		}
	}
	return strings.Join(words, " ")
}
