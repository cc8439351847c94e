package setup

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// debianPackage is a package, and the programs that tell that what it brings is
// there: looking for programs is quick, and takes one from elsewhere as well.
type debianPackage struct {
	name     string
	programs []string
	// file is another sign, a pattern, for what brings no program.
	file string
}

func labPackages() []debianPackage {
	return []debianPackage{
		{name: "debootstrap", programs: []string{"debootstrap"}},
		{name: "systemd-container", programs: []string{"systemd-nspawn"}},
		{name: "iproute2", programs: []string{"ip"}},
		{name: "nftables", programs: []string{"nft"}},
		{name: "xfsprogs", programs: []string{"mkfs.xfs"}},
		{name: "python3", programs: []string{"python3"}},
		{name: "python3-venv", file: "/usr/lib/python3*/ensurepip/__init__.py"},
		{name: "default-jre-headless", programs: []string{"java"}},
		{name: "maven", programs: []string{"mvn"}},
		{name: "ca-certificates", file: "/etc/ssl/certs/ca-certificates.crt"},
	}
}

// missingPackages lists the Debian packages that have to be installed.
func missingPackages() []string { return missingOf(labPackages()) }

func missingOf(packages []debianPackage) []string {
	var names []string
	for _, p := range packages {
		if !p.present() {
			names = append(names, p.name)
		}
	}
	return names
}

func (p debianPackage) present() bool {
	for _, program := range p.programs {
		if lookPath(program) == "" {
			return false
		}
	}
	if p.file == "" {
		return true
	}
	found, err := filepath.Glob(p.file)
	return err == nil && len(found) > 0
}

// lookPath finds a program on PATH or in the folders for root's programs, which
// are not on every root's PATH.
func lookPath(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path
		}
	}
	return ""
}

// installPackages installs Debian packages without their recommendations. The
// package lists are fetched only where the ones at hand do not do.
func installPackages(ctx context.Context, out io.Writer, names []string) error {
	fmt.Fprintln(out, "installing", strings.Join(names, " "))
	if err := apt(ctx, append([]string{"install", "--yes", "--no-install-recommends"}, names...)...); err == nil {
		return nil
	}
	fmt.Fprintln(out, "fetching the package lists first")
	if err := apt(ctx, "update"); err != nil {
		return fmt.Errorf("fetch the package lists: %w; next: check that the Debian mirror of /etc/apt can be reached", err)
	}
	if err := apt(ctx, append([]string{"install", "--yes", "--no-install-recommends"}, names...)...); err != nil {
		return fmt.Errorf("install %s: %w; next: try the same with apt-get by hand", strings.Join(names, " "), err)
	}
	return nil
}

func apt(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return runQuiet(cmd)
}

// EnsureShellcheck returns the path of shellcheck, installed on first use.
func EnsureShellcheck(ctx context.Context, out io.Writer) (string, error) {
	packages := []debianPackage{{name: "shellcheck", programs: []string{"shellcheck"}}}
	err := RunSteps(ctx, out, []Step{{
		Name:  "shellcheck",
		Ready: func() bool { return len(missingOf(packages)) == 0 },
		Run:   func(ctx context.Context, out io.Writer) error { return installPackages(ctx, out, missingOf(packages)) },
	}})
	return lookPath("shellcheck"), err
}
