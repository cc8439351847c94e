package cluster

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/term"
)

// watchSize passes every change of the terminal's size on to the session,
// until the returned function is called.
func watchSize(file *os.File, session *ssh.Session) (unwatch func()) {
	changed := make(chan os.Signal, 1)
	over := make(chan struct{})
	signal.Notify(changed, syscall.SIGWINCH)
	go func() {
		for {
			select {
			case <-over:
				return
			case <-changed:
				if width, height, err := term.GetSize(int(file.Fd())); err == nil {
					_ = session.WindowChange(height, width)
				}
			}
		}
	}()
	return func() {
		signal.Stop(changed)
		close(over)
	}
}
