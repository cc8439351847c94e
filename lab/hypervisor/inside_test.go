package hypervisor

import (
	"os/exec"
	"strconv"
)

// commandInside runs a shell command in every namespace of a process.
func commandInside(pid int, command string) *exec.Cmd {
	return exec.Command("nsenter", "--target="+strconv.Itoa(pid), "--all", "/bin/bash", "-c", command)
}
