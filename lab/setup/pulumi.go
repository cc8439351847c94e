package setup

import (
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/blang/semver"
)

// oldestPulumi is the oldest release of the Pulumi command line that the lab
// was run with.
const oldestPulumi = "3.250.0"

// pathPulumi returns the Pulumi on the PATH where its version will do, else "".
// The answer is found once, because asking costs a process.
var pathPulumi = sync.OnceValue(func() string {
	path, err := exec.LookPath("pulumi")
	if err != nil {
		return ""
	}
	cmd := exec.Command(path, "version")
	cmd.Env = append(cmd.Environ(), "PULUMI_SKIP_UPDATE_CHECK=true")
	text, err := cmd.Output()
	if err != nil || !suitablePulumi(string(text)) {
		return ""
	}
	return path
})

// suitablePulumi takes the same major version, not older than oldestPulumi.
func suitablePulumi(text string) bool {
	version, err := semver.ParseTolerant(text)
	if err != nil {
		return false
	}
	oldest := semver.MustParse(oldestPulumi)
	return version.Major == oldest.Major && version.GE(oldest)
}

// pathLanguageHost returns the folder of the Go language host that belongs to
// the Pulumi on the PATH, else "". A host without a suitable Pulumi does not
// count: the two come together.
func pathLanguageHost() string {
	if pathPulumi() == "" {
		return ""
	}
	beside := filepath.Join(filepath.Dir(pathPulumi()), "pulumi-language-go")
	if path, err := exec.LookPath(beside); err == nil {
		return filepath.Dir(path)
	}
	if path, err := exec.LookPath("pulumi-language-go"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}
