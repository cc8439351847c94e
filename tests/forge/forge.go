// Package forge has stand-ins for GitHub and GitLab: HTTP servers on loopback
// that check what the real APIs check, and refuse what they refuse.
package forge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// What a test needs to know of the server.
const (
	Token    = "t0ken-that-nobody-may-see"
	Self     = 7 // the token's user
	Stranger = 8 // somebody else
	SHA      = "5d2c7a1f0b3e4d6c8a9b0c1d2e3f405162738495"
)

// Server is a platform on loopback: who may do what, and what it refuses. It
// knows the paths that the driver uses; everything else is an error of the test.
type Server struct {
	t *testing.T
	*httptest.Server

	mu       sync.Mutex
	Comments []Comment
	Statuses []map[string]any
	Calls    []string  // "GET /path"
	Refusals []Refusal // what to answer first, in turn

	ReadOnly bool // the token may read alone
	Hidden   bool // the token may see nothing: the project is private
	App      bool // the token is a job's, not a user's
}

// Comment is one comment on the server.
type Comment struct {
	ID     int64
	Author int64
	Body   string
}

// Refusal is an answer of a server that is busy.
type Refusal struct {
	Method  string // "" is any
	Status  int
	Headers map[string]string
	// Lost says that the request is done and only its answer is lost.
	Lost bool
}

// GitHub is one with pull request 12 of acme/kafka, at /acme/kafka/pull/12.
func GitHub(t *testing.T) *Server {
	t.Helper()
	return serve(t, gitHubServer)
}

// GitLab is one with merge request 12 of acme/platform/kafka, at
// /acme/platform/kafka/-/merge_requests/12.
func GitLab(t *testing.T) *Server {
	t.Helper()
	return serve(t, gitLabServer)
}

func serve(t *testing.T, platform func(*Server) http.Handler) *Server {
	t.Helper()
	s := &Server{t: t}
	inner := platform(s)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.Calls = append(s.Calls, r.Method+" "+r.URL.EscapedPath())
		if r.UserAgent() == "" {
			http.Error(w, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header", http.StatusForbidden)
			return
		}
		if s.refuse(w, r, inner) {
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// refuse answers in the place of the platform where a Refusal is due.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, inner http.Handler) bool {
	if len(s.Refusals) == 0 || s.Refusals[0].Method != "" && s.Refusals[0].Method != r.Method {
		return false
	}
	due := s.Refusals[0]
	s.Refusals = s.Refusals[1:]
	if due.Lost {
		inner.ServeHTTP(httptest.NewRecorder(), r)
	}
	for name, value := range due.Headers {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(due.Status)
	fmt.Fprint(w, `{"message":"API rate limit exceeded"}`)
	return true
}

func (s *Server) reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.t.Error(err)
	}
}

func (s *Server) message(w http.ResponseWriter, status int, text string) {
	s.reply(w, status, map[string]any{"message": text})
}

// body reads a request's JSON object, which must be declared as such.
func (s *Server) body(r *http.Request) map[string]any {
	var v map[string]any
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		s.t.Errorf("%s %s is of type %q", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		s.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return v
}

// dialect is how a platform speaks of comments.
type dialect struct {
	list, one string // the paths of all comments, and of one by {id}
	edit      string // the method that changes one
	form      func(Comment) map[string]any
	pages     func(header http.Header, r *http.Request, next, last int)
	writable  func(http.ResponseWriter, map[string]any) bool // answers where it is not
	// gone and foreign refuse a comment that is not there, and another user's.
	gone, foreign string
}

// comments are listed page by page, made and edited.
func (s *Server) comments(mux *http.ServeMux, d dialect) {
	mux.HandleFunc("GET "+d.list, func(w http.ResponseWriter, r *http.Request) {
		items, next, last := s.page(r)
		d.pages(w.Header(), r, next, last)
		list := []any{}
		for _, c := range items {
			list = append(list, d.form(c))
		}
		s.reply(w, http.StatusOK, list)
	})
	mux.HandleFunc("POST "+d.list, func(w http.ResponseWriter, r *http.Request) {
		if body := s.body(r); d.writable(w, body) {
			s.reply(w, http.StatusCreated, d.form(s.Add(Self, body["body"].(string))))
		}
	})
	mux.HandleFunc(d.edit+" "+d.one, func(w http.ResponseWriter, r *http.Request) {
		c, body := s.find(r.PathValue("id")), s.body(r)
		switch {
		case c == nil:
			s.message(w, http.StatusNotFound, d.gone)
		case c.Author != Self:
			s.t.Errorf("the comment of user %d is edited", c.Author)
			s.message(w, http.StatusForbidden, d.foreign)
		case d.writable(w, body):
			c.Body = body["body"].(string)
			s.reply(w, http.StatusOK, d.form(*c))
		}
	})
}

// known serves the paths that the driver should ask for; another one is an error
// of the test.
func (s *Server) known(inner *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	if _, pattern := inner.Handler(r); pattern == "" {
		s.t.Errorf("%s %s is nothing that the package should ask for", r.Method, r.URL)
	}
	inner.ServeHTTP(w, r)
}

// page is the wanted page of the comments, and the numbers of the next and the
// last one; 0 is no next one.
func (s *Server) page(r *http.Request) (items []Comment, next, last int) {
	query := r.URL.Query()
	size, _ := strconv.Atoi(query.Get("per_page"))
	if size == 0 {
		size = 30 // GitHub's default; GitLab's is 20
	}
	size = min(size, 100) // neither gives more
	number, _ := strconv.Atoi(query.Get("page"))
	number = max(number, 1)
	last = (len(s.Comments) + size - 1) / size
	items = s.Comments[min((number-1)*size, len(s.Comments)):min(number*size, len(s.Comments))]
	if number < last {
		next = number + 1
	}
	return items, next, last
}

// Add puts a comment of a user on the pull request.
func (s *Server) Add(author int64, body string) Comment {
	c := Comment{ID: int64(100 + len(s.Comments)), Author: author, Body: body}
	s.Comments = append(s.Comments, c)
	return c
}

func (s *Server) find(id string) *Comment {
	for i := range s.Comments {
		if strconv.FormatInt(s.Comments[i].ID, 10) == id {
			return &s.Comments[i]
		}
	}
	return nil
}

// Count is how often a method was called.
func (s *Server) Count(method string) int {
	n := 0
	for _, c := range s.Calls {
		if strings.HasPrefix(c, method+" ") {
			n++
		}
	}
	return n
}

func characters(body map[string]any, key string) int {
	text, _ := body[key].(string)
	return utf8.RuneCountInString(text)
}
