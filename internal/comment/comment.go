// Package comment puts a report on a pull request: one comment for each stack,
// edited in place, and a status on the commit. It knows GitHub and GitLab,
// their servers of one's own included, through their Go clients.
package comment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Content is what is put on a pull request.
type Content struct {
	Stack string
	// Marker is what every comment on this stack begins with: how the comment
	// of an earlier run is found again.
	Marker string
	// Body writes the comment for at most limit bytes. It begins with Marker.
	Body   func(limit int) string
	Status Status
}

// Status is the verdict at the commit.
type Status struct {
	Name        string // "kraftstack/lab"
	Passed      bool
	Description string // one line; cut to what the platform takes
}

// Posted is what became of it.
type Posted struct {
	URL    string // of the comment
	Edited bool   // an earlier comment was edited, or was the same already
	// StatusRefused is why there is no status at the commit; nil if there is.
	StatusRefused error
}

// ErrNoRights says that the token may not comment: a pull request from a fork,
// or a token for reading alone. What was refused is in the error's text.
var ErrNoRights = errors.New("no right to comment")

// platform is one pull request on one server.
type platform interface {
	// limit is how many bytes a comment may have.
	limit() int
	// head is the newest commit of the pull request.
	head(ctx context.Context) (string, error)
	// earlier is the first comment of one's own that begins with a marker; nil
	// is none.
	earlier(ctx context.Context, marker string) (*note, error)
	create(ctx context.Context, body string) (*note, error)
	edit(ctx context.Context, id int64, body string) (*note, error)
	status(ctx context.Context, commit string, s Status) error
}

// note is one comment.
type note struct {
	id        int64
	body, url string
}

// Post puts the content on the pull request: it edits the comment that an
// earlier run made, or makes one. It tries again where the server is busy, for
// a few minutes at most.
func Post(ctx context.Context, t Target, c Content) (Posted, error) {
	p, err := t.open()
	if err != nil {
		return Posted{}, err
	}
	return post(ctx, p, c, realWait)
}

func post(ctx context.Context, p platform, c Content, wait waiter) (Posted, error) {
	var done Posted
	var commit string
	err := retry(ctx, wait, func(ctx context.Context) (err error) {
		commit, err = p.head(ctx)
		return err
	})
	if err != nil {
		return done, fmt.Errorf("read the pull request: %w", err)
	}
	body := withCommit(c, commit, p.limit())
	// Looking for the comment is part of what is tried again: an attempt whose
	// answer was lost may have made it.
	err = retry(ctx, wait, func(ctx context.Context) error {
		earlier, err := p.earlier(ctx, c.Marker)
		if err != nil {
			return err
		}
		made := earlier
		switch {
		case earlier == nil:
			made, err = p.create(ctx, body)
		case !sameText(earlier.body, body):
			made, err = p.edit(ctx, earlier.id, body)
		}
		if err != nil {
			return err
		}
		done.URL, done.Edited = made.url, earlier != nil
		return nil
	})
	if err != nil {
		return done, fmt.Errorf("comment on the pull request: %w", err)
	}
	done.StatusRefused = retry(ctx, wait, func(ctx context.Context) error { return p.status(ctx, commit, c.Status) })
	return done, ctx.Err()
}

// withCommit adds which commit a report is of: a reader of an old comment must
// see that it is old.
func withCommit(c Content, commit string, limit int) string {
	foot := fmt.Sprintf("\n\n<sub>of commit %s</sub>\n", commit)
	return strings.TrimRight(c.Body(limit-len(foot)), "\n") + foot
}

// sameText compares what was sent with what a server gives back: GitHub ends
// lines as HTTP does.
func sameText(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}

// Dry is what Post would put on a pull request of a platform, without its
// commit.
func Dry(t Target, c Content) string { return c.Body(t.limit()) }

// cut shortens a line to n characters.
func cut(line string, n int) string {
	runes := []rune(line)
	if len(runes) <= n {
		return line
	}
	return string(runes[:n-1]) + "…"
}

// requestTimeout bounds one request.
const requestTimeout = 30 * time.Second
