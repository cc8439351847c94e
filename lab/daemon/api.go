package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// api is what the socket offers: GET /status, POST /stop, and
// POST /fault?name=…&on=true|false.
type api struct {
	status func() Status
	stop   func()
	fault  func(name string, on bool) error
	log    *slog.Logger
}

// serve answers on the lab's socket until ctx ends. The caller holds the
// daemon's lock, so a socket that lies there is a dead daemon's.
func (a *api) serve(ctx context.Context, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear the old socket: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("open the lab's socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return fmt.Errorf("open the lab's socket: %w", err)
	}
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: clientTimeout}
	stopped := context.AfterFunc(ctx, func() {
		// Answers on their way are given a moment.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(last)
	})
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the lab's socket: %w", err)
	}
	return nil
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(a.status()); err != nil {
			a.log.Error("answer a status call", "error", err)
		}
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		a.log.Info("told to stop")
		w.WriteHeader(http.StatusAccepted)
		a.stop()
	})
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("name")
		on, err := strconv.ParseBool(r.URL.Query().Get("on"))
		if err == nil {
			err = a.fault(name, on)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		a.log.Info("fault", "name", name, "on", on)
	})
	return mux
}
