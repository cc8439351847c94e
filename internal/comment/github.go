package comment

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v84/github"
)

// gitHub is a pull request there.
type gitHub struct {
	client      *github.Client
	owner, repo string
	number      int
	jobURL      string
	// actor is who comments in GitHub's own jobs, whose token is not a user's.
	actor string
}

// The limits are those of the API: a longer body is refused with 422 ("body is
// too long (maximum is 65536 characters)"), and so is a longer description.
const (
	gitHubLimit       = 65536
	gitHubDescription = 140
	gitHubPage        = 100
)

func newGitHub(t Target) (platform, error) {
	base, err := url.Parse(strings.TrimRight(t.API, "/") + "/")
	if err != nil {
		return nil, err
	}
	client := github.NewClient(&http.Client{Timeout: requestTimeout}).WithAuthToken(t.Token)
	client.BaseURL = base
	// Limits are for retry to wait for; the client would answer in the server's
	// stead until they are over.
	client.DisableRateLimitCheck = true
	owner, repo, _ := strings.Cut(t.Project, "/")
	return &gitHub{client: client, owner: owner, repo: repo, number: t.Number, jobURL: t.JobURL, actor: t.actor}, nil
}

func (g *gitHub) limit() int { return gitHubLimit }

func (g *gitHub) head(ctx context.Context) (string, error) {
	pull, response, err := g.client.PullRequests.Get(ctx, g.owner, g.repo, g.number)
	if err != nil {
		return "", g.answer(response, err)
	}
	return pull.GetHead().GetSHA(), nil
}

func (g *gitHub) earlier(ctx context.Context, marker string) (*note, error) {
	self, err := g.self(ctx)
	if err != nil {
		return nil, err
	}
	page := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: gitHubPage}}
	for {
		comments, response, err := g.client.Issues.ListComments(ctx, g.owner, g.repo, g.number, page)
		if err != nil {
			return nil, g.answer(response, err)
		}
		for _, c := range comments {
			if strings.HasPrefix(c.GetBody(), marker) && self(c.GetUser()) {
				return gitHubNote(c), nil
			}
		}
		if response.NextPage == 0 {
			return nil, nil //nolint:nilnil // no comment is an answer
		}
		page.Page = response.NextPage
	}
}

// self tells one's own comments. The token of an app, such as that of a job,
// may not ask who it is: its comments are a bot's, and in a job on GitHub that
// bot is known by name.
func (g *gitHub) self(ctx context.Context) (func(*github.User) bool, error) {
	me, response, err := g.client.Users.Get(ctx, "")
	switch {
	case err == nil:
		return func(u *github.User) bool { return u.GetID() == me.GetID() }, nil
	case response != nil && response.StatusCode == http.StatusForbidden && errors.Is(g.answer(response, err), ErrNoRights):
		return func(u *github.User) bool {
			return u.GetType() == "Bot" && (g.actor == "" || u.GetLogin() == g.actor)
		}, nil
	}
	return nil, g.answer(response, err)
}

func (g *gitHub) create(ctx context.Context, body string) (*note, error) {
	made, response, err := g.client.Issues.CreateComment(ctx, g.owner, g.repo, g.number, &github.IssueComment{Body: &body})
	return gitHubNote(made), g.answer(response, err)
}

func (g *gitHub) edit(ctx context.Context, id int64, body string) (*note, error) {
	made, response, err := g.client.Issues.EditComment(ctx, g.owner, g.repo, id, &github.IssueComment{Body: &body})
	return gitHubNote(made), g.answer(response, err)
}

func gitHubNote(c *github.IssueComment) *note {
	return &note{id: c.GetID(), body: c.GetBody(), url: c.GetHTMLURL()}
}

func (g *gitHub) status(ctx context.Context, commit string, s Status) error {
	state, description := "failure", cut(s.Description, gitHubDescription)
	if s.Passed {
		state = "success"
	}
	status := github.RepoStatus{State: &state, Context: &s.Name, Description: &description}
	if g.jobURL != "" {
		status.TargetURL = &g.jobURL
	}
	_, response, err := g.client.Repositories.CreateStatus(ctx, g.owner, g.repo, commit, status)
	return g.answer(response, err)
}

func (g *gitHub) answer(response *github.Response, err error) error {
	if response == nil {
		return answer(nil, err)
	}
	return answer(response.Response, err)
}
