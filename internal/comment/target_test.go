package comment

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDetect(t *testing.T) {
	for name, c := range map[string]struct {
		given Where
		env   map[string]string
		want  Target
	}{
		"GitHub Actions": {
			env: map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_API_URL": "https://api.github.com",
				"GITHUB_REPOSITORY": "acme/kafka", "GITHUB_REF": "refs/pull/12/merge", "GITHUB_RUN_ID": "99", "GITHUB_TOKEN": "g",
			},
			want: Target{
				Platform: GitHub, URL: "https://github.com/acme/kafka/pull/12", API: "https://api.github.com",
				Project: "acme/kafka", Number: 12, Token: "g", JobURL: "https://github.com/acme/kafka/actions/runs/99",
			},
		},
		"GitLab CI, from a fork": {
			env: map[string]string{
				"GITLAB_CI": "true", "CI_API_V4_URL": "https://git.example/api/v4", "CI_PROJECT_URL": "https://git.example/fork/kafka",
				"CI_MERGE_REQUEST_PROJECT_URL": "https://git.example/acme/platform/kafka", "CI_MERGE_REQUEST_IID": "3",
				"CI_JOB_URL": "https://git.example/acme/platform/kafka/-/jobs/5", "GITLAB_TOKEN": "l",
			},
			want: Target{
				Platform: GitLab, URL: "https://git.example/acme/platform/kafka/-/merge_requests/3", API: "https://git.example/api/v4",
				Project: "acme/platform/kafka", Number: 3, Token: "l", JobURL: "https://git.example/acme/platform/kafka/-/jobs/5",
			},
		},
		"Jenkins on GitHub Enterprise": {
			env: map[string]string{"CHANGE_ID": "4", "CHANGE_URL": "https://ghe.example/acme/kafka/pull/4", "BUILD_URL": "https://ci.example/job/kafka/4/", "GITHUB_TOKEN": "g"},
			want: Target{
				Platform: GitHub, URL: "https://ghe.example/acme/kafka/pull/4", API: "https://ghe.example/api/v3",
				Project: "acme/kafka", Number: 4, Token: "g", JobURL: "https://ci.example/job/kafka/4/",
			},
		},
		"Jenkins on GitLab": {
			env:  map[string]string{"CHANGE_URL": "https://git.example/acme/kafka/-/merge_requests/5", "GITLAB_TOKEN": "l"},
			want: Target{Platform: GitLab, URL: "https://git.example/acme/kafka/-/merge_requests/5", API: "https://git.example/api/v4", Project: "acme/kafka", Number: 5, Token: "l"},
		},
		"what is given wins": {
			given: Where{URL: "https://github.com/acme/other/pull/9/files", API: "https://proxy.example/github"},
			env:   map[string]string{"CHANGE_URL": "https://git.example/acme/kafka/-/merge_requests/5", "GITHUB_TOKEN": "g"},
			want: Target{
				Platform: GitHub, URL: "https://github.com/acme/other/pull/9/files", API: "https://proxy.example/github",
				Project: "acme/other", Number: 9, Token: "g",
			},
		},
	} {
		got, err := Detect(c.given, environment(c.env))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(Target{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDetectRefuses(t *testing.T) {
	if _, err := Detect(Where{}, environment(map[string]string{"GITHUB_REF": "refs/heads/main", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/kafka"})); !errors.Is(err, ErrNoPullRequest) {
		t.Errorf("a push to a branch is taken for a pull request: %v", err)
	}
	for _, page := range []string{
		"ftp://github.com/acme/kafka/pull/1", "https://user:secret@github.com/acme/kafka/pull/1", "github.com/acme/kafka/pull/1",
		"https://github.com/acme/kafka/issues/1", "https://github.com/acme/kafka/pull/0", "https://github.com/a/b/c/pull/1",
	} {
		if got, err := Detect(Where{URL: page}, environment(nil)); err == nil {
			t.Errorf("%s is taken for %+v", page, got)
		}
	}
}
