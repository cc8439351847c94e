package forge

import (
	"fmt"
	"net/http"
	"strconv"
)

// gitLabServer answers as GitLab's REST API does (docs.gitlab.com/api: notes,
// merge_requests, commits, users).
func gitLabServer(s *Server) http.Handler {
	mux := http.NewServeMux()
	const project = "/api/v4/projects/acme%2Fplatform%2Fkafka"
	mux.HandleFunc("GET "+project+"/merge_requests/12", func(w http.ResponseWriter, _ *http.Request) {
		s.reply(w, http.StatusOK, map[string]any{"iid": 12, "sha": SHA, "source_project_id": 44, "target_project_id": 43})
	})
	mux.HandleFunc("GET /api/v4/user", func(w http.ResponseWriter, _ *http.Request) {
		s.reply(w, http.StatusOK, map[string]any{"id": Self, "username": "builder"})
	})
	s.comments(mux, dialect{
		list: project + "/merge_requests/12/notes", one: project + "/merge_requests/12/notes/{id}", edit: http.MethodPut,
		form: gitLabNote, writable: s.gitLabWritable, gone: "404 Note Not Found", foreign: "403 Forbidden",
		pages: func(header http.Header, _ *http.Request, next, last int) {
			header.Set("X-Next-Page", "")
			if next > 0 {
				header.Set("X-Next-Page", strconv.Itoa(next))
			}
			header.Set("X-Total-Pages", strconv.Itoa(last))
		},
	})
	mux.HandleFunc("POST /api/v4/projects/44/statuses/{sha}", func(w http.ResponseWriter, r *http.Request) {
		body := s.body(r)
		state, _ := body["state"].(string)
		switch {
		case s.ReadOnly:
			s.message(w, http.StatusForbidden, "403 Forbidden")
		case r.PathValue("sha") != SHA:
			s.message(w, http.StatusNotFound, "404 Commit Not Found")
		case state != "success" && state != "failed", characters(body, "description") > 255:
			s.message(w, http.StatusBadRequest, "state does not have a valid value")
		default:
			s.Statuses = append(s.Statuses, body)
			s.reply(w, http.StatusCreated, body)
		}
	})
	return s.gitLabDoor(mux)
}

func (s *Server) gitLabDoor(inner *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Private-Token") != Token:
			s.message(w, http.StatusUnauthorized, "401 Unauthorized")
		case s.Hidden:
			s.message(w, http.StatusNotFound, "404 Project Not Found")
		default:
			s.known(inner, w, r)
		}
	})
}

func (s *Server) gitLabWritable(w http.ResponseWriter, body map[string]any) bool {
	switch n := characters(body, "body"); {
	case s.ReadOnly:
		s.message(w, http.StatusForbidden, "403 Forbidden")
	case n == 0:
		s.message(w, http.StatusBadRequest, "400 Bad request - Note {:note=>[\"can't be blank\"]}")
	case n > 1_000_000:
		s.message(w, http.StatusBadRequest, "400 Bad request - Note {:note=>[\"is too long (maximum is 1000000 characters)\"]}")
	default:
		return true
	}
	return false
}

func gitLabNote(c Comment) map[string]any {
	return map[string]any{
		"id": c.ID, "body": c.Body, "system": false, "created_at": "2026-11-28T20:00:00.000Z",
		"author": map[string]any{"id": c.Author, "username": fmt.Sprintf("user-%d", c.Author)},
	}
}
