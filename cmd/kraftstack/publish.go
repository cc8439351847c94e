package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"kraftstack/internal/comment"
	"kraftstack/internal/fail"
	"kraftstack/internal/record"
	"kraftstack/internal/redact"
	"kraftstack/internal/report"
)

// publishing is where a preview's report goes besides the screen.
type publishing struct {
	comment bool
	dryRun  bool
	where   comment.Where
}

func flagComment(c *cobra.Command, o *options) {
	p := &o.publishing
	c.Flags().BoolVar(&p.comment, "comment", false, "put the report on the pull request that this job is for")
	c.Flags().BoolVar(&p.dryRun, "comment-dry-run", false, "print the comment and post nothing")
	c.Flags().StringVar(&p.where.URL, "comment-on", "", "the `URL` of the pull request, where the environment does not tell it")
	c.Flags().StringVar(&p.where.API, "comment-api", "", "the `URL` of the server's API, where it is not the usual one")
}

// publish puts a preview's report on the pull request. What a token may not do
// is said, and the report is in a file: a pull request from a fork has no
// rights, and is reviewed all the same. Everything else that goes wrong is an
// error: an old comment would be taken for this report.
func (op *operation) publish(ctx context.Context, result report.Report) error {
	if !op.comment && !op.dryRun {
		return nil
	}
	path, err := op.keepReport(result)
	if err != nil {
		return err
	}
	target, err := comment.Detect(op.where, os.Getenv)
	content := op.content(result, path)
	if op.dryRun {
		_, err := fmt.Fprint(op.command.OutOrStdout(), comment.Dry(target, content))
		return err
	}
	stderr := op.command.ErrOrStderr()
	switch {
	case errors.Is(err, comment.ErrNoPullRequest):
		fmt.Fprintf(stderr, "kraftstack: %v, so there is no comment; the report is in %s\n", err, path)
		return nil
	case err != nil:
		return fail.Usage(op.command.CommandPath(), err)
	}
	posted, err := comment.Post(ctx, target, content)
	switch {
	case errors.Is(err, comment.ErrNoRights):
		fmt.Fprintf(stderr, "kraftstack: the report is not on %s: %v; it is in %s\n", target.URL, err, path)
		return nil
	case err != nil:
		return &fail.Error{
			Cause: fail.Unreachable, Op: "comment on " + target.URL, Err: err,
			Next: "mend the token or wait for the server, then preview again; the report is in " + path,
		}
	}
	if posted.StatusRefused != nil {
		fmt.Fprintf(stderr, "kraftstack: there is no status at the commit: %v\n", posted.StatusRefused)
	}
	fmt.Fprintf(stderr, "kraftstack: the report is at %s\n", posted.URL)
	return nil
}

func (op *operation) content(result report.Report, path string) comment.Content {
	return comment.Content{
		Stack: op.stack, Marker: report.Marker(op.stack),
		Body: func(limit int) string {
			return redact.Text(result.Markdown(report.MarkdownOptions{Limit: limit, Artifact: filepath.Base(path) + " among the job's artifacts"}))
		},
		Status: comment.Status{
			Name: "kraftstack/" + op.stack, Passed: result.Verdict != report.Refused && result.Verdict != report.Failed,
			Description: string(result.Verdict) + ": " + result.Headline,
		},
	}
}

// keepReport writes the whole report beside the other artifacts, or else beside
// the journal.
func (op *operation) keepReport(result report.Report) (string, error) {
	folder := op.artifacts
	if folder == "" {
		folder = op.run.folder
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	path := record.Path(folder, op.use, "report.md")
	return path, os.WriteFile(path, []byte(redact.Text(result.Markdown(report.MarkdownOptions{}))), 0o600)
}
