// Package control runs the lab's AWS API: moto, a process of its own that
// outlives the daemon, with the lab's additions inside it (the Python package
// in extension/). It also reads the cloud that the API has promised, through
// the public AWS API alone, as a cloud.Snapshot.
//
// moto keeps its cloud in memory. The extension writes every changing request to
// a journal and replays it at start, so that a killed moto comes back with the
// same cloud, ids and addresses included.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	startTimeout  = 90 * time.Second // a replay on a busy machine takes its time
	stopTimeout   = 10 * time.Second
	answerTimeout = 5 * time.Second
	pollTimeout   = 30 * time.Second // how long Changes lets the server hold a poll

	// AccessKey and SecretKey are what every client of the lab's API signs with.
	AccessKey = "lab"
	// SecretKey belongs to AccessKey. It protects nothing: the API listens on
	// loopback and checks no signature.
	SecretKey = "lab"
	// Region is read even while nothing is in it.
	Region = "us-east-1"
)

// ErrGone means that moto was lost and its journal does not bring the same
// cloud back.
var ErrGone = errors.New("this lab's cloud is gone: take the lab down with " +
	"'kraftstack lab down' and up again")

// ErrNotRunning means that no moto of this folder runs.
var ErrNotRunning = errors.New("the lab's AWS API is not running")

// Config says where the control keeps things.
type Config struct {
	Dir      string    // its own folder: journal, port, pid, log, the extension
	CacheDir string    // where moto is found or made
	Log      io.Writer // progress lines; nil for none
}

// Control is a handle to a running moto.
type Control struct {
	dir     string
	process process
	client  *http.Client

	mu     sync.Mutex
	launch map[string]launchData // by instance id
}

// Start runs moto, or takes over the one that this folder's earlier Start left
// running. After moto was killed it brings the same cloud back, or fails with
// ErrGone. It returns once the API answers, at most startTimeout (90 s) later.
func Start(ctx context.Context, cfg Config) (*Control, error) {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	running, err := Attach(ctx, cfg)
	if err == nil {
		fmt.Fprintf(cfg.Log, "aws: took over moto, process %d\n", running.process.Pid)
		return running, nil
	}
	if !errors.Is(err, ErrNotRunning) {
		return nil, err
	}
	python, err := Moto().Ensure(ctx, cfg.CacheDir, cfg.Log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	started, err := launch(cfg.Dir, python)
	if err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	c := newControl(cfg.Dir, started)
	if err := c.waitUntilServing(ctx); err != nil {
		_ = started.kill() // it never served, so nobody depends on it
		return nil, err
	}
	fmt.Fprintf(cfg.Log, "aws: moto serves at %s, process %d\n", c.URL(), started.Pid)
	return c, nil
}

// Attach returns the moto that runs for this folder, or ErrNotRunning. A moto
// that is still starting is waited for.
func Attach(ctx context.Context, cfg Config) (*Control, error) {
	found, err := findProcess(cfg.Dir)
	if err != nil {
		return nil, err
	}
	c := newControl(cfg.Dir, found)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := c.waitUntilServing(ctx); err != nil {
		if !found.runs() && !errors.Is(err, ErrGone) {
			return nil, ErrNotRunning // it was about to end when it was found
		}
		return nil, fmt.Errorf("take over moto, process %d: %w", found.Pid, err)
	}
	return c, nil
}

func newControl(dir string, p process) *Control {
	return &Control{
		dir:     dir,
		process: p,
		client:  &http.Client{Timeout: pollTimeout + answerTimeout},
		launch:  map[string]launchData{},
	}
}

// URL is the endpoint of every AWS service, such as http://127.0.0.1:40123.
func (c *Control) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", c.process.Port) }

// Pid is moto's process id.
func (c *Control) Pid() int { return c.process.Pid }

// Alive says whether moto's process runs and answers as the lab's own.
func (c *Control) Alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return c.process.runs() && c.answers(ctx) == nil
}

// Stop ends moto and waits until its process is gone. What it served can be
// started again from the journal in the folder, until the folder is removed.
func (c *Control) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := c.process.terminate(); err != nil {
		return fmt.Errorf("stop moto, process %d: %w", c.process.Pid, err)
	}
	gone := func() (bool, error) { return !c.process.runs(), nil }
	if waitFor(ctx, gone) == nil {
		return nil
	}
	if err := c.process.kill(); err != nil {
		return fmt.Errorf("kill moto, process %d: %w", c.process.Pid, err)
	}
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer stop()
	if err := waitFor(last, gone); err != nil {
		return fmt.Errorf("moto, process %d, is still there after SIGKILL: %w", c.process.Pid, err)
	}
	return nil
}

// Changes waits until the cloud's version is another one than after, and
// returns it. Every changing API call raises the version by one. Without a
// change it returns after about half a minute, with the same number. A number
// smaller than after means that moto started anew.
func (c *Control) Changes(ctx context.Context, after int64) (int64, error) {
	var got struct{ Version int64 }
	path := fmt.Sprintf("/kraftstack/changes?after=%d&timeout=%.0f", after, pollTimeout.Seconds())
	if err := c.get(ctx, path, &got); err != nil {
		return 0, fmt.Errorf("wait for a change of the lab's cloud: %w", err)
	}
	return got.Version, nil
}

// waitUntilServing waits for the answer, and explains a process that ended.
func (c *Control) waitUntilServing(ctx context.Context) error {
	err := waitFor(ctx, func() (bool, error) {
		if c.answers(ctx) == nil {
			return true, nil
		}
		if c.process.runs() {
			return false, nil
		}
		return false, explainEnd(c.dir)
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("moto did not answer at %s in time; next: look at %s", c.URL(), logPath(c.dir))
	}
	return err
}

// answers checks that the one who answers is the process that we mean: the
// port could have been taken by a stranger.
func (c *Control) answers(ctx context.Context) error {
	var got struct{ Pid int }
	if err := c.get(ctx, "/kraftstack/id", &got); err != nil {
		return err
	}
	if got.Pid != c.process.Pid {
		return fmt.Errorf("%s is served by process %d, not by %d", c.URL(), got.Pid, c.process.Pid)
	}
	return nil
}

func (c *Control) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL()+path, nil)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// waitFor asks a condition about ten times a second until it holds, fails, or
// the context ends.
func waitFor(ctx context.Context, condition func() (bool, error)) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if done, err := condition(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
