package comment

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kraftstack/tests/forge"
)

const marker = "<!-- kraftstack preview of stack lab -->"

func content(text string) Content {
	return Content{
		Stack: "lab", Marker: marker,
		Body: func(limit int) string {
			body := marker + "\n" + text
			return body[:min(len(body), limit)]
		},
		Status: Status{Name: "kraftstack/lab", Passed: true, Description: strings.Repeat("routine ", 60)},
	}
}

// each runs a test against both platforms.
func each(t *testing.T, tell func(*testing.T, *forge.Server, Target)) {
	t.Helper()
	for _, platform := range []struct {
		name, page, api string
		serve           func(*testing.T) *forge.Server
	}{
		{GitHub, "/acme/kafka/pull/12", "/api/v3", forge.GitHub},
		{GitLab, "/acme/platform/kafka/-/merge_requests/12", "/api/v4", forge.GitLab},
	} {
		t.Run(platform.name, func(t *testing.T) {
			s := platform.serve(t)
			target, err := Detect(Where{URL: s.URL + platform.page}, environment(map[string]string{
				"GITHUB_TOKEN": forge.Token, "GITLAB_TOKEN": forge.Token, "BUILD_URL": "https://builds.example/7"}))
			if err != nil {
				t.Fatal(err)
			}
			if target.API != s.URL+platform.api {
				t.Fatalf("the API is at %s", target.API)
			}
			tell(t, s, target)
		})
	}
}

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// posted runs Post with waits that take no time; it gives how long they were.
func posted(ctx context.Context, target Target, c Content) (Posted, []time.Duration, error) {
	p, err := target.open()
	if err != nil {
		return Posted{}, nil, err
	}
	var waits []time.Duration
	done, err := post(ctx, p, c, func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		return ctx.Err()
	})
	if err != nil && strings.Contains(err.Error(), forge.Token) {
		return done, waits, errors.New("the error holds the token")
	}
	return done, waits, err
}

func TestFirstAndLaterRuns(t *testing.T) {
	each(t, func(t *testing.T, s *forge.Server, target Target) {
		// More than a page of others' comments, and one of a forge.Stranger who
		// copied a report: none of them may be touched.
		for range 130 {
			s.Add(forge.Stranger, "looks good")
		}
		s.Add(forge.Stranger, marker+"\na copy")
		s.Add(forge.Self, "a note of one's own that is no report")
		first, _, err := posted(t.Context(), target, content("one"))
		if err != nil || first.Edited || first.StatusRefused != nil {
			t.Fatalf("first: %+v, %v", first, err)
		}
		for range 130 {
			s.Add(forge.Stranger, "still good")
		}
		second, _, err := posted(t.Context(), target, content("two"))
		if err != nil || !second.Edited || first.URL != second.URL {
			t.Fatalf("second: %+v after %+v, %v", second, first, err)
		}
		writes := len(s.Calls) - s.Count(http.MethodGet)
		if _, _, err := posted(t.Context(), target, content("two")); err != nil {
			t.Fatal(err)
		}
		if again := len(s.Calls) - s.Count(http.MethodGet) - writes; again != 1 {
			t.Errorf("the same report again made %d changes, want the status alone", again)
		}
		var bodies []string
		for _, c := range s.Comments {
			if c.Author == forge.Self {
				bodies = append(bodies, c.Body)
			}
		}
		want := []string{"a note of one's own that is no report", marker + "\ntwo\n\n<sub>of commit " + forge.SHA + "</sub>\n"}
		if diff := cmp.Diff(want, bodies); diff != "" {
			t.Errorf("own comments (-want +got):\n%s", diff)
		}
		last := s.Statuses[len(s.Statuses)-1]
		if last["state"] != "success" || last["target_url"] != "https://builds.example/7" {
			t.Errorf("the status is %v", last)
		}
	})
}

func TestSizeLimit(t *testing.T) {
	each(t, func(t *testing.T, s *forge.Server, target Target) {
		if _, _, err := posted(t.Context(), target, content(strings.Repeat("x", 2_000_000))); err != nil {
			t.Fatal(err)
		}
		if n := len(s.Comments[0].Body); n > target.limit() || n < target.limit()-200 {
			t.Errorf("the comment has %d bytes, the limit is %d", n, target.limit())
		}
	})
}

func TestRefusedPolicyFailsTheStatus(t *testing.T) {
	each(t, func(t *testing.T, s *forge.Server, target Target) {
		c := content("one")
		c.Status.Passed = false
		if _, _, err := posted(t.Context(), target, c); err != nil {
			t.Fatal(err)
		}
		if state := s.Statuses[0]["state"]; state != "failure" && state != "failed" {
			t.Errorf("the state is %v", state)
		}
	})
}

func TestNoRights(t *testing.T) {
	for name, set := range map[string]func(*forge.Server, *Target){
		"no token":       func(_ *forge.Server, t *Target) { t.Token = "" },
		"read only":      func(s *forge.Server, _ *Target) { s.ReadOnly = true },
		"hidden project": func(s *forge.Server, _ *Target) { s.Hidden = true },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *forge.Server, target Target) {
				set(s, &target)
				_, waits, err := posted(t.Context(), target, content("one"))
				if !errors.Is(err, ErrNoRights) || len(waits) > 0 {
					t.Errorf("the error is %v after waits %v", err, waits)
				}
			})
		})
	}
}

// A token that is wrong is a fault of the job, and no fork.
func TestWrongToken(t *testing.T) {
	each(t, func(t *testing.T, _ *forge.Server, target Target) {
		target.Token = "expired"
		if _, _, err := posted(t.Context(), target, content("one")); err == nil || errors.Is(err, ErrNoRights) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestLimitsAreWaitedFor(t *testing.T) {
	reset := strconv.FormatInt(time.Now().Add(40*time.Second).Unix(), 10)
	for name, c := range map[string]struct {
		refusal forge.Refusal
		least   time.Duration
	}{
		"429":             {forge.Refusal{Status: 429, Headers: map[string]string{"Retry-After": "17"}}, 17 * time.Second},
		"secondary limit": {forge.Refusal{Status: 403, Headers: map[string]string{"Retry-After": "20"}}, 20 * time.Second},
		"primary limit": {forge.Refusal{Status: 403, Headers: map[string]string{
			"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}}, 35 * time.Second},
		"bad gateway":   {forge.Refusal{Status: 502}, time.Second},
		"while writing": {forge.Refusal{Method: http.MethodPost, Status: 503}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *forge.Server, target Target) {
				s.Refusals = []forge.Refusal{c.refusal}
				done, waits, err := posted(t.Context(), target, content("one"))
				if err != nil || done.StatusRefused != nil {
					t.Fatalf("%+v, %v", done, err)
				}
				if len(waits) != 1 || waits[0] < c.least || len(s.Comments) != 1 {
					t.Errorf("%d comments after waits %v, want one after %s", len(s.Comments), waits, c.least)
				}
			})
		})
	}
}

// An answer that is lost on its way must not make a second comment.
func TestLostAnswer(t *testing.T) {
	each(t, func(t *testing.T, s *forge.Server, target Target) {
		s.Refusals = []forge.Refusal{{Method: http.MethodPost, Status: 504, Lost: true}}
		if _, _, err := posted(t.Context(), target, content("one")); err != nil {
			t.Fatal(err)
		}
		if len(s.Comments) != 1 {
			t.Errorf("there are %d comments", len(s.Comments))
		}
	})
}

func TestBusyServerIsGivenUp(t *testing.T) {
	each(t, func(t *testing.T, s *forge.Server, target Target) {
		for range 50 {
			s.Refusals = append(s.Refusals, forge.Refusal{Status: 503})
		}
		_, waits, err := posted(t.Context(), target, content("one"))
		if err == nil || errors.Is(err, ErrNoRights) || len(waits) != attempts-1 {
			t.Errorf("the error is %v after %d waits", err, len(waits))
		}
		s.Refusals = []forge.Refusal{{Status: 429, Headers: map[string]string{"Retry-After": "3600"}}}
		if _, waits, err = posted(t.Context(), target, content("one")); err == nil || len(waits) > 0 {
			t.Errorf("an hour is waited for: %v, %v", waits, err)
		}
	})
}

// The token of a job on GitHub is an app's: it may not ask who it is.
func TestTokenOfAnApp(t *testing.T) {
	s := forge.GitHub(t)
	s.App = true
	s.Add(forge.Stranger, marker+"\na copy")
	target, err := Detect(Where{}, environment(map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": s.URL, "GITHUB_API_URL": s.URL + "/api/v3",
		"GITHUB_REPOSITORY": "acme/kafka", "GITHUB_REF": "refs/pull/12/merge", "GITHUB_TOKEN": forge.Token}))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		if _, _, err := posted(t.Context(), target, content(text)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.Comments) != 2 || !strings.Contains(s.Comments[1].Body, "two") {
		t.Errorf("the comments are %+v", s.Comments)
	}
}
