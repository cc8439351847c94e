package comment

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Target is one pull request, and how it is reached.
type Target struct {
	Platform string // GitHub or GitLab
	URL      string // of the pull request, as people open it
	API      string // where the server's API begins
	Project  string // "owner/name"; on GitLab with all its groups
	Number   int
	// Token is from the environment alone. It is in no text of this package.
	Token string
	// JobURL is where the run that reports is seen; "" for none.
	JobURL string
	actor  string
}

// The platforms.
const (
	GitHub = "GitHub"
	GitLab = "GitLab"
)

// Where says which pull request is meant where the environment does not, or
// says it wrongly.
type Where struct {
	URL string // of the pull request
	API string // where the server's API begins
}

// ErrNoPullRequest says that nothing tells which pull request is meant.
var ErrNoPullRequest = errors.New("no pull request: the environment is not that of a job for one")

var pullRequest = regexp.MustCompile(`^/(.+?)/(?:-/)?(pull|merge_requests)/([1-9][0-9]*)(?:/.*)?$`)

// Detect finds the pull request that a job is for: from what was given, or from
// the environment that GitHub Actions, GitLab CI or Jenkins (a multibranch job)
// give to a job. The token is GITHUB_TOKEN, or GITLAB_TOKEN.
func Detect(given Where, getenv func(string) string) (Target, error) {
	page := cmp.Or(given.URL, fromActions(getenv), fromGitLabCI(getenv), getenv("CHANGE_URL"))
	if page == "" {
		return Target{}, ErrNoPullRequest
	}
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return Target{}, errors.New("the address of the pull request is not a plain http or https URL")
	}
	parts := pullRequest.FindStringSubmatch(u.Path)
	if parts == nil {
		return Target{}, fmt.Errorf("%s is no pull request: it ends neither in /pull/NUMBER nor in /merge_requests/NUMBER", page)
	}
	number, err := strconv.Atoi(parts[3])
	if err != nil {
		return Target{}, fmt.Errorf("%s: the number of the pull request: %w", page, err)
	}
	t := Target{URL: page, Project: parts[1], Number: number}
	server := u.Scheme + "://" + u.Host
	if parts[2] == "pull" {
		t.Platform, t.Token = GitHub, getenv("GITHUB_TOKEN")
		t.API = cmp.Or(given.API, getenv("GITHUB_API_URL"), gitHubAPI(server))
		if strings.Count(t.Project, "/") != 1 {
			return Target{}, fmt.Errorf("%s: %q is not OWNER/REPOSITORY", page, t.Project)
		}
	} else {
		t.Platform, t.Token = GitLab, getenv("GITLAB_TOKEN")
		t.API = cmp.Or(given.API, getenv("CI_API_V4_URL"), server+"/api/v4")
	}
	t.JobURL = cmp.Or(actionsJob(getenv), getenv("CI_JOB_URL"), getenv("BUILD_URL"))
	if getenv("GITHUB_ACTIONS") == "true" {
		t.actor = "github-actions[bot]"
	}
	return t, nil
}

// gitHubAPI is the API of a server (docs: "Getting started with the REST API",
// for GitHub Enterprise Server /api/v3).
func gitHubAPI(server string) string {
	if server == "https://github.com" {
		return "https://api.github.com"
	}
	return server + "/api/v3"
}

var pullRef = regexp.MustCompile(`^refs/pull/([1-9][0-9]*)/`)

func fromActions(getenv func(string) string) string {
	ref := pullRef.FindStringSubmatch(getenv("GITHUB_REF"))
	server, repository := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY")
	if ref == nil || server == "" || repository == "" {
		return ""
	}
	return server + "/" + repository + "/pull/" + ref[1]
}

func fromGitLabCI(getenv func(string) string) string {
	// The project of the merge request: in a pipeline of a fork, CI_PROJECT_URL
	// is the fork's.
	project, number := getenv("CI_MERGE_REQUEST_PROJECT_URL"), getenv("CI_MERGE_REQUEST_IID")
	if project == "" || number == "" {
		return ""
	}
	return project + "/-/merge_requests/" + number
}

func actionsJob(getenv func(string) string) string {
	server, repository, run := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), getenv("GITHUB_RUN_ID")
	if server == "" || repository == "" || run == "" {
		return ""
	}
	return server + "/" + repository + "/actions/runs/" + run
}

func (t Target) tokenName() string {
	if t.Platform == GitLab {
		return "GITLAB_TOKEN"
	}
	return "GITHUB_TOKEN"
}

func (t Target) limit() int {
	if t.Platform == GitLab {
		return gitLabLimit
	}
	return gitHubLimit
}

func (t Target) open() (platform, error) {
	if t.Token == "" {
		return nil, fmt.Errorf("%w: %s is not set", ErrNoRights, t.tokenName())
	}
	if t.Platform == GitLab {
		return newGitLab(t)
	}
	return newGitHub(t)
}
