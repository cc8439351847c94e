package comment

import (
	"context"
	"net/http"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// gitLab is a merge request there.
type gitLab struct {
	client  *gitlab.Client
	project string // its path
	number  int64
	page    string // of the merge request
	jobURL  string
	source  any // the project that the commit is in, known from the head
}

// The limits are those of the API: a note of more than 1,000,000 characters is
// refused, and so is a description of more than 255.
const (
	gitLabLimit       = 1_000_000
	gitLabDescription = 255
	gitLabPage        = 100
)

func newGitLab(t Target) (platform, error) {
	client, err := gitlab.NewClient(t.Token, gitlab.WithBaseURL(t.API),
		gitlab.WithHTTPClient(&http.Client{Timeout: requestTimeout}), gitlab.WithoutRetries())
	if err != nil {
		return nil, err
	}
	return &gitLab{client: client, project: t.Project, number: int64(t.Number), page: t.URL, jobURL: t.JobURL}, nil
}

func (g *gitLab) limit() int { return gitLabLimit }

func (g *gitLab) head(ctx context.Context) (string, error) {
	merge, response, err := g.client.MergeRequests.GetMergeRequest(g.project, g.number, nil, gitlab.WithContext(ctx))
	if err != nil {
		return "", g.answer(response, err)
	}
	g.source = merge.SourceProjectID
	return merge.SHA, nil
}

func (g *gitLab) earlier(ctx context.Context, marker string) (*note, error) {
	me, response, err := g.client.Users.CurrentUser(gitlab.WithContext(ctx))
	if err != nil {
		return nil, g.answer(response, err)
	}
	options := &gitlab.ListMergeRequestNotesOptions{
		ListOptions: gitlab.ListOptions{PerPage: gitLabPage}, Sort: new("asc"), OrderBy: new("created_at"),
	}
	for {
		notes, response, err := g.client.Notes.ListMergeRequestNotes(g.project, g.number, options, gitlab.WithContext(ctx))
		if err != nil {
			return nil, g.answer(response, err)
		}
		for _, n := range notes {
			if !n.System && n.Author.ID == me.ID && strings.HasPrefix(n.Body, marker) {
				return g.note(n), nil
			}
		}
		if response.NextPage == 0 {
			return nil, nil //nolint:nilnil // no note is an answer
		}
		options.Page = response.NextPage
	}
}

func (g *gitLab) create(ctx context.Context, body string) (*note, error) {
	made, response, err := g.client.Notes.CreateMergeRequestNote(g.project, g.number,
		&gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	return g.note(made), g.answer(response, err)
}

func (g *gitLab) edit(ctx context.Context, id int64, body string) (*note, error) {
	made, response, err := g.client.Notes.UpdateMergeRequestNote(g.project, g.number, id,
		&gitlab.UpdateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	return g.note(made), g.answer(response, err)
}

func (g *gitLab) note(n *gitlab.Note) *note {
	if n == nil {
		return nil
	}
	return &note{id: n.ID, body: n.Body, url: g.page}
}

// status is set in the project that the commit is in: a fork's where the merge
// request is from one.
func (g *gitLab) status(ctx context.Context, commit string, s Status) error {
	state := gitlab.Failed
	if s.Passed {
		state = gitlab.Success
	}
	options := &gitlab.SetCommitStatusOptions{State: state, Name: &s.Name, Description: new(cut(s.Description, gitLabDescription))}
	if g.jobURL != "" {
		options.TargetURL = &g.jobURL
	}
	_, response, err := g.client.Commits.SetCommitStatus(g.source, commit, options, gitlab.WithContext(ctx))
	return g.answer(response, err)
}

func (g *gitLab) answer(response *gitlab.Response, err error) error {
	if response == nil {
		return answer(nil, err)
	}
	return answer(response.Response, err)
}
