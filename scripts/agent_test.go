package scripts

import (
	"strings"
	"testing"
)

// The agent is started anew once the name of its service leads into the network, and a
// host without one says so.
func TestAgentIsStartedAnew(t *testing.T) {
	h := newHost(t)
	h.write("opt/agent", Agent(), 0o755)
	// In the place of systemd it runs the program that it is given.
	systemd := func(seconds string) {
		h.write("bin/systemd-run", "#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\ntimeout "+seconds+" \"$@\"\n", 0o755)
	}
	systemd("60") // far longer than it takes, also on a busy machine
	h.inside("bash", "/opt/agent", "localhost", "127.0.0.0/8")
	if calls := h.read("calls"); !strings.HasSuffix(calls, "restart snap.amazon-ssm-agent.amazon-ssm-agent.service\n") {
		t.Errorf("it called\n%s", calls)
	}
	systemd("3")
	if err := h.namespaced("bash", "/opt/agent", "localhost", "10.0.0.0/16").Run(); err == nil || strings.Count(h.read("calls"), "restart") != 1 {
		t.Errorf("it did not wait for the name to lead into the network: %v\n%s", err, h.read("calls"))
	}
	h.write("bin/systemctl", "#!/bin/bash\nexit 1\n", 0o755)
	out, err := h.namespaced("bash", "/opt/agent", "localhost", "127.0.0.0/8").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "there is no amazon-ssm-agent") {
		t.Errorf("a host without an agent says %q, %v", out, err)
	}
}
