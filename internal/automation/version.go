package automation

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/blang/semver"

	"kraftstack/internal/fail"
)

// oldest is the first CLI that streams events over gRPC instead of a file.
var oldest = semver.MustParse("3.206.0")

// seenCLI is a CLI that told its version. Asking costs a start of it, 0.2 s, which
// is most of what a preview takes beyond the engine; so the answer is kept until
// the file is another one.
type seenCLI struct {
	Path     string
	Size     int64
	Modified time.Time
	Version  string
}

// cliVersion is the version of the CLI on the PATH. One that is too old is refused,
// and asked anew each time.
func cliVersion(ctx context.Context) (semver.Version, error) {
	var cli seenCLI
	path, err := exec.LookPath("pulumi")
	if err != nil {
		return semver.Version{}, noCLI(err)
	}
	if info, err := os.Stat(path); err == nil {
		cli = seenCLI{Path: path, Size: info.Size(), Modified: info.ModTime().UTC()}
	}
	if version, err := semver.Parse(cli.remembered()); err == nil {
		return version, nil
	}
	out, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return semver.Version{}, noCLI(err)
	}
	version, err := semver.ParseTolerant(strings.TrimSpace(string(out)))
	if err != nil || version.LT(oldest) {
		return semver.Version{}, &fail.Error{
			Cause: fail.Config, Op: "find the Pulumi CLI",
			Err:  fmt.Errorf("the pulumi on the PATH is %q; %s or newer is needed", strings.TrimSpace(string(out)), oldest),
			Next: "install a newer pulumi",
		}
	}
	cli.Version = version.String()
	cli.remember()
	return version, nil
}

// seenPath is where the CLI that was seen last is kept; "" where there is no place
// for it.
func seenPath() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "kraftstack", "pulumi-version.json")
}

// remembered is the version of this very file; "" where it is not known.
func (c seenCLI) remembered() string {
	text, err := os.ReadFile(seenPath())
	if err != nil {
		return ""
	}
	var seen seenCLI
	if err := json.Unmarshal(text, &seen); err != nil {
		return ""
	}
	version := seen.Version
	seen.Version = ""
	if seen != c {
		return ""
	}
	return version
}

// remember keeps it. Where that fails the next run asks again.
func (c seenCLI) remember() {
	text, err := json.Marshal(c)
	path := seenPath()
	if err != nil || path == "" || os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	made, err := os.CreateTemp(filepath.Dir(path), ".pulumi-version-")
	if err != nil {
		return
	}
	_, err = made.Write(text)
	if closed := made.Close(); err != nil || closed != nil || os.Rename(made.Name(), path) != nil {
		_ = os.Remove(made.Name())
	}
}

func noCLI(err error) error {
	return &fail.Error{
		Cause: fail.Config, Op: "find the Pulumi CLI", Err: err,
		Next: "install pulumi, or use the lab's: eval \"$(kraftstack lab env)\"",
	}
}
