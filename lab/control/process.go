package control

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"kraftstack/lab/ports"
)

//go:embed extension/*.py
var extension embed.FS

//go:embed amis.json
var images []byte

// process is moto's, told from a later one with the same pid by its start time
// (clock ticks since boot).
type process struct {
	Port      int    `json:"port"`
	Pid       int    `json:"pid"`
	StartTime uint64 `json:"startTime"`
}

func statePath(dir string) string { return filepath.Join(dir, "process.json") }
func logPath(dir string) string   { return filepath.Join(dir, "moto.log") }
func gonePath(dir string) string  { return filepath.Join(dir, "gone") }

// launch writes what moto needs into dir and starts it in a session of its own.
func launch(dir, python string) (process, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return process{}, err
	}
	p := process{}
	if err := readState(dir, &p); err != nil {
		return p, err
	}
	port, err := choosePort(p.Port, dir)
	if err != nil {
		return p, err
	}
	p.Port = port
	// The port is known before the process exists: a daemon killed right after
	// the start finds its moto again by the port and the folder in its arguments.
	p.Pid, p.StartTime = 0, 0
	if err := saveState(dir, p); err != nil {
		return p, err
	}
	if err := writeExtension(dir); err != nil {
		return p, err
	}
	if err := os.Remove(gonePath(dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return p, err
	}
	if err := p.spawn(dir, python); err != nil {
		return p, err
	}
	return p, saveState(dir, p)
}

func (p *process) spawn(dir, python string) error {
	log, err := os.OpenFile(logPath(dir), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(python, arguments(dir, p.Port)...)
	cmd.Dir = "/"
	cmd.Env = environment(dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.Pid = cmd.Process.Pid
	p.StartTime, _, err = statOf(p.Pid)
	go func() { _ = cmd.Wait() }() // reap it, should it end before us
	return err
}

func arguments(dir string, port int) []string {
	return []string{"-m", "extension", strconv.Itoa(port), dir}
}

// environment is all that moto gets: nothing of the caller's AWS settings.
func environment(dir string) []string {
	return []string{
		"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC", "HOME=/nonexistent",
		"PYTHONPATH=" + filepath.Join(dir, "python"),
		"PYTHONDONTWRITEBYTECODE=1",
		"PYTHONHASHSEED=0", // sets must come in the same order in a replay
		"PYTHONUNBUFFERED=1",
		"MOTO_AMIS_PATH=" + filepath.Join(dir, "amis.json"),
		"MOTO_ENABLE_AMI_VALIDATION=true",
		"MOTO_ENABLE_KEYPAIR_VALIDATION=true",
		"MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION=true",
		"MOTO_IAM_LOAD_MANAGED_POLICIES=true",
		"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

func writeExtension(dir string) error {
	files := map[string][]byte{"amis.json": images}
	entries, err := extension.ReadDir("extension")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := "extension/" + entry.Name()
		content, err := extension.ReadFile(name)
		if err != nil {
			return err
		}
		files["python/"+name] = content
	}
	// Modules of an older version must not linger beside the new ones.
	if err := os.RemoveAll(filepath.Join(dir, "python")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "python", "extension"), 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func readState(dir string, into *process) error {
	content, err := os.ReadFile(statePath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("read %s: %w", statePath(dir), err)
	}
	return nil
}

func saveState(dir string, p process) error {
	content, err := json.Marshal(p)
	if err != nil {
		return err
	}
	temp := statePath(dir) + ".new"
	if err := os.WriteFile(temp, append(content, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, statePath(dir))
}

// findProcess returns the moto of this folder, saved or not, or ErrNotRunning.
func findProcess(dir string) (process, error) {
	p := process{}
	if err := readState(dir, &p); err != nil {
		return p, err
	}
	if p.Port == 0 {
		return p, ErrNotRunning
	}
	if p.Pid != 0 && p.runs() {
		return p, nil
	}
	pid, err := pidByArguments(arguments(dir, p.Port))
	if err != nil {
		return p, err
	}
	p.Pid = pid
	if p.StartTime, _, err = statOf(pid); err != nil {
		return p, ErrNotRunning
	}
	return p, saveState(dir, p)
}

// pidByArguments looks for a process with exactly these arguments.
func pidByArguments(args []string) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	want := []byte("\x00" + strings.Join(args, "\x00") + "\x00")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err == nil && bytes.HasSuffix(line, want) {
			return pid, nil
		}
	}
	return 0, ErrNotRunning
}

// statOf reads a process's start time and state letter.
func statOf(pid int) (uint64, string, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", err
	}
	// The name in parentheses may hold anything; fields count from behind it.
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	if len(fields) < 20 {
		return 0, "", fmt.Errorf("read /proc/%d/stat: too short", pid)
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	return start, fields[0], err
}

// runs says whether this very process is there and no zombie.
func (p *process) runs() bool {
	start, state, err := statOf(p.Pid)
	return err == nil && start == p.StartTime && state != "Z" && state != "X"
}

func (p *process) terminate() error { return p.signal(syscall.SIGTERM) }
func (p *process) kill() error      { return p.signal(syscall.SIGKILL) }

func (p *process) signal(s syscall.Signal) error {
	if !p.runs() {
		return nil
	}
	if err := syscall.Kill(p.Pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// choosePort keeps the port of the last time, which shells and stacks may still
// point at, unless somebody else has taken it.
func choosePort(last int, dir string) (int, error) {
	listener, err := ports.Listen(last, dir)
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	address, err := netip.ParseAddrPort(listener.Addr().String())
	return int(address.Port()), err
}

// explainEnd says why moto is not there any more.
func explainEnd(dir string) error {
	if why, err := os.ReadFile(gonePath(dir)); err == nil {
		return fmt.Errorf("%w (%s)", ErrGone, strings.TrimSpace(string(why)))
	}
	log, err := os.ReadFile(logPath(dir))
	if err != nil {
		return fmt.Errorf("moto ended, and its log cannot be read: %w", err)
	}
	return fmt.Errorf("moto ended: %s; next: look at %s", lastLines(string(log), 3), logPath(dir))
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "; ")
}
