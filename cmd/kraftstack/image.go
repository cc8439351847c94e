package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/config"
	"kraftstack/internal/account"
	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
	"kraftstack/internal/image"
)

func newImageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "image", Short: "Look at the machine images of a stack",
		Args: noArguments, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(newImageLatestCommand())
	return cmd
}

func newImageLatestCommand() *cobra.Command {
	var flags liveFlags
	cmd := &cobra.Command{
		Use:   "latest --stack NAME",
		Short: "Show which images are pinned, and which are the newest",
		Long: `Show which images the stack file pins (hosts.ami), which ones their makers
publish as the newest, and what to write to take them. It changes nothing. A
newer image never replaces a host: it holds for hosts that are made later.`,
		Example: "  kraftstack image latest --stack prod",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
			defer cancel()
			rows, err := latestImages(ctx, cmd, flags.stack)
			if err != nil {
				return err
			}
			if flags.json {
				return writeJSON(cmd.OutOrStdout(), rows)
			}
			return printImages(cmd.OutOrStdout(), flags.stack, rows)
		},
	}
	flags.register(cmd, 30*time.Second, true)
	return cmd
}

func latestImages(ctx context.Context, cmd *cobra.Command, stack string) ([]image.Row, error) {
	from, err := cmd.Flags().GetString("dir")
	if err != nil {
		return nil, err
	}
	dir, err := prepare(ctx, from, stack)
	if err != nil {
		return nil, err
	}
	values, err := automation.Config(dir, stack)
	if err != nil {
		return nil, err
	}
	loaded, err := config.LoadFile(stack, values)
	if err != nil {
		return nil, err
	}
	reach, err := account.Config(ctx, loaded.Region, values["aws:profile"])
	if err != nil {
		return nil, err
	}
	rows, err := image.Latest(ctx, reach, loaded)
	if err == nil && len(rows) == 0 {
		err = errors.New("brokers.image is an AMI id of your own, which has no newest one")
	}
	if err != nil {
		return nil, &fail.Error{Cause: fail.Config, Op: "compare the images of stack " + stack, Err: err}
	}
	return rows, nil
}

func printImages(w io.Writer, stack string, rows []image.Row) error {
	for _, r := range rows {
		state := "pinned, and the newest"
		switch {
		case r.Pinned == "":
			state = "not pinned: each new host boots from the newest"
		case r.Behind():
			state = "pinned is " + r.Pinned
		}
		if _, err := fmt.Fprintf(w, "%s %s  newest is %s  %s\n", r.Image, r.Architecture, r.Newest, state); err != nil {
			return err
		}
	}
	for _, r := range rows {
		if r.Pinned == r.Newest {
			continue
		}
		if _, err := fmt.Fprintf(w, "  take it: pulumi config set --path kraftstack:hosts.ami.%s %s --stack %s\n", r.Architecture, r.Newest, stack); err != nil {
			return err
		}
	}
	return nil
}
