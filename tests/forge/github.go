package forge

import (
	"fmt"
	"net/http"
	"strings"
)

// gitHubServer answers as GitHub's REST API does (docs.github.com/rest:
// issues/comments, commits/statuses, pulls, users).
func gitHubServer(s *Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v3/repos/acme/kafka/pulls/12", func(w http.ResponseWriter, _ *http.Request) {
		s.reply(w, http.StatusOK, map[string]any{"number": 12, "head": map[string]any{"sha": SHA}})
	})
	mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, _ *http.Request) {
		if s.App {
			s.message(w, http.StatusForbidden, "Resource not accessible by integration")
			return
		}
		s.reply(w, http.StatusOK, map[string]any{"login": "builder", "id": Self, "type": "User"})
	})
	s.comments(mux, dialect{
		list: "/api/v3/repos/acme/kafka/issues/12/comments", one: "/api/v3/repos/acme/kafka/issues/comments/{id}", edit: http.MethodPatch,
		form: s.gitHubComment, writable: s.gitHubWritable, gone: "Not Found", foreign: "Must have admin rights to Repository.",
		pages: func(header http.Header, r *http.Request, next, last int) {
			link := func(page int, rel string) string {
				return fmt.Sprintf(`<%s%s?page=%d&per_page=%s>; rel=%q`, s.URL, r.URL.Path, page, r.URL.Query().Get("per_page"), rel)
			}
			if next > 0 {
				header.Set("Link", link(next, "next")+", "+link(last, "last"))
			}
		},
	})
	mux.HandleFunc("POST /api/v3/repos/acme/kafka/statuses/{sha}", s.gitHubStatus)
	return s.gitHubDoor(mux)
}

func (s *Server) gitHubStatus(w http.ResponseWriter, r *http.Request) {
	body := s.body(r)
	state, _ := body["state"].(string)
	switch {
	case s.ReadOnly:
		s.message(w, http.StatusForbidden, "Resource not accessible by integration")
	case r.PathValue("sha") != SHA:
		s.message(w, http.StatusUnprocessableEntity, "No commit found for SHA: "+r.PathValue("sha"))
	case state != "success" && state != "failure" && state != "error" && state != "pending", characters(body, "description") > 140:
		s.message(w, http.StatusUnprocessableEntity, "Validation Failed")
	default:
		s.Statuses = append(s.Statuses, body)
		s.reply(w, http.StatusCreated, body)
	}
}

// gitHubDoor checks who comes, as the API does before it looks at a path.
func (s *Server) gitHubDoor(inner *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+Token:
			s.message(w, http.StatusUnauthorized, "Bad credentials")
		case !strings.Contains(r.Header.Get("Accept"), "application/vnd.github") || r.Header.Get("X-Github-Api-Version") == "":
			s.t.Errorf("%s %s says which API it means with %v", r.Method, r.URL.Path, r.Header)
		case s.Hidden:
			s.message(w, http.StatusNotFound, "Not Found")
		default:
			s.known(inner, w, r)
		}
	})
}

// gitHubWritable refuses what the API refuses.
func (s *Server) gitHubWritable(w http.ResponseWriter, body map[string]any) bool {
	switch n := characters(body, "body"); {
	case s.ReadOnly:
		s.message(w, http.StatusForbidden, "Resource not accessible by integration")
	case n == 0:
		s.message(w, http.StatusUnprocessableEntity, "Validation Failed")
	case n > 65536:
		s.reply(w, http.StatusUnprocessableEntity, map[string]any{"message": "Validation Failed", "errors": []any{map[string]any{
			"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long (maximum is 65536 characters)"}}})
	default:
		return true
	}
	return false
}

func (s *Server) gitHubComment(c Comment) map[string]any {
	user := map[string]any{"id": c.Author, "login": fmt.Sprintf("user-%d", c.Author), "type": "User"}
	if s.App && c.Author == Self {
		user["login"], user["type"] = "github-actions[bot]", "Bot"
	}
	return map[string]any{
		"id": c.ID, "user": user,
		// As lines come back from there.
		"body":     strings.ReplaceAll(c.Body, "\n", "\r\n"),
		"html_url": fmt.Sprintf("%s/acme/kafka/pull/12#issuecomment-%d", s.URL, c.ID),
	}
}
