package comment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// How long a server may keep a run waiting.
const (
	attempts    = 6
	longestWait = 2 * time.Minute // for one answer; a limit that lasts longer is an error
	firstWait   = time.Second     // where the server does not say; doubles each time
)

// waiter waits, or says that the context ended.
type waiter func(context.Context, time.Duration) error

func realWait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// apiError is a request that a server refused, or did not answer.
type apiError struct {
	status int // 0: no answer
	busy   bool
	after  time.Duration // that the server asks to wait; 0: it does not say
	err    error
}

func (e *apiError) Error() string {
	if e.noRights() {
		return ErrNoRights.Error() + ": " + e.err.Error()
	}
	return e.err.Error()
}

// Is tells errors.Is of what a status means: a server hides with 404 what a
// token may not see.
func (e *apiError) Is(target error) bool { return target == ErrNoRights && e.noRights() }

func (e *apiError) Unwrap() error { return e.err }

func (e *apiError) noRights() bool {
	return e.status == http.StatusForbidden && !e.busy || e.status == http.StatusNotFound
}

// answer makes an apiError of a failed request: what the status and the headers
// say about trying again. GitHub tells its limits with 403 as well as with 429
// (docs: "Rate limits for the REST API"); GitLab with 429.
func answer(response *http.Response, err error) error {
	if err == nil {
		return nil
	}
	if response == nil {
		return &apiError{busy: true, err: err}
	}
	e := &apiError{status: response.StatusCode, err: err}
	header := response.Header
	limited := header.Get("X-Ratelimit-Remaining") == "0" || header.Get("Retry-After") != ""
	switch {
	case e.status == http.StatusTooManyRequests,
		e.status == http.StatusForbidden && limited,
		e.status >= http.StatusInternalServerError:
		e.busy = true
		e.after = askedWait(header, time.Now())
	}
	return e
}

// askedWait is how long a server asks to wait: Retry-After in seconds or as a
// date, else the time at which a limit is lifted.
func askedWait(header http.Header, now time.Time) time.Duration {
	if text := header.Get("Retry-After"); text != "" {
		if seconds, err := strconv.Atoi(text); err == nil {
			return time.Duration(seconds) * time.Second
		}
		if at, err := http.ParseTime(text); err == nil {
			return max(0, at.Sub(now))
		}
	}
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		if at, err := strconv.ParseInt(header.Get(name), 10, 64); err == nil {
			return max(0, time.Unix(at, 0).Sub(now)) + time.Second
		}
	}
	return 0
}

// retry runs do until it works, fails for good, or the server has been asked
// often enough.
func retry(ctx context.Context, wait waiter, do func(context.Context) error) error {
	pause := firstWait
	for n := 1; ; n++ {
		err := attempt(ctx, do)
		var refused *apiError
		if err == nil || ctx.Err() != nil || !errors.As(err, &refused) || !refused.busy {
			return err
		}
		if n == attempts {
			return fmt.Errorf("%w (tried %d times)", err, n)
		}
		after := max(refused.after, pause)
		if after > longestWait {
			return fmt.Errorf("%w (the server asks to wait %s, more than %s)", err, after.Round(time.Second), longestWait)
		}
		if err := wait(ctx, after); err != nil {
			return err
		}
		pause *= 2
	}
}

func attempt(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout*attempts)
	defer cancel()
	return do(ctx)
}
