package comment

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

const token = "t0ken-that-nobody-may-see"

// server is what both stand-ins for a platform share: who may do what, and what
// they refuse. It knows the paths that the package uses; everything else is an
// error of the test.
type server struct {
	t *testing.T
	*httptest.Server

	mu       sync.Mutex
	comments []stored
	statuses []map[string]any
	calls    []string
	refusals []refusal // what to answer first, in turn

	readOnly bool // the token may read alone
	hidden   bool // the token may see nothing: the project is private
	app      bool // the token is a job's, not a user's
	pageSize int
}

// stored is one comment on the server.
type stored struct {
	ID     int64
	Author int64
	Body   string
	System bool
	Bot    bool
}

// refusal is an answer of a server that is busy.
type refusal struct {
	method  string
	status  int
	headers map[string]string
	// lost says that the request is done and only its answer is lost.
	lost bool
}

const (
	self     = 7 // the token's user
	stranger = 8 // somebody else, who copied a report
	sha      = "5d2c7a1f0b3e4d6c8a9b0c1d2e3f405162738495"
)

func newServer(t *testing.T, platform func(*server) http.Handler) *server {
	t.Helper()
	s := &server{t: t, pageSize: 100}
	inner := platform(s)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, r.Method+" "+r.URL.EscapedPath())
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

// refuse answers in the place of the platform where a refusal is due.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, inner http.Handler) bool {
	if len(s.refusals) == 0 || s.refusals[0].method != "" && s.refusals[0].method != r.Method {
		return false
	}
	due := s.refusals[0]
	s.refusals = s.refusals[1:]
	if due.lost {
		inner.ServeHTTP(httptest.NewRecorder(), r)
	}
	for name, value := range due.headers {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(due.status)
	fmt.Fprint(w, `{"message":"API rate limit exceeded"}`)
	return true
}

func (s *server) reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.t.Error(err)
	}
}

func (s *server) message(w http.ResponseWriter, status int, text string) {
	s.reply(w, status, map[string]any{"message": text})
}

// body reads a request's JSON object, which must be declared as such.
func (s *server) body(r *http.Request) map[string]any {
	var v map[string]any
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		s.t.Errorf("%s %s is of type %q", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		s.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return v
}

// page is the wanted page of the comments, and the numbers of the next and the
// last one; 0 is no next one.
func (s *server) page(r *http.Request) (items []stored, next, last int) {
	query := r.URL.Query()
	size, _ := strconv.Atoi(query.Get("per_page"))
	if size == 0 {
		size = 30 // GitHub's default; GitLab's is 20
	}
	size = min(size, s.pageSize)
	number, _ := strconv.Atoi(query.Get("page"))
	number = max(number, 1)
	last = (len(s.comments) + size - 1) / size
	items = s.comments[min((number-1)*size, len(s.comments)):min(number*size, len(s.comments))]
	if number < last {
		next = number + 1
	}
	return items, next, last
}

func (s *server) add(author int64, body string) stored {
	c := stored{ID: int64(100 + len(s.comments)), Author: author, Body: body}
	s.comments = append(s.comments, c)
	return c
}

func (s *server) find(id string) *stored {
	for i := range s.comments {
		if strconv.FormatInt(s.comments[i].ID, 10) == id {
			return &s.comments[i]
		}
	}
	return nil
}

// count is how often a method was called.
func (s *server) count(method string) int {
	n := 0
	for _, c := range s.calls {
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
