package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"golang.org/x/crypto/ssh"

	"kraftstack/scripts"
)

// AuditTimeout bounds an audit where the caller's context does not.
const AuditTimeout = 2 * time.Minute

// Drift is one thing on a host that is not as the stack made it.
type Drift struct {
	// Kind is file, mode, unit, service, generation, sysctl, version, volume,
	// certificate, storage, listener, sshd, login or toolkit.
	Kind string `json:"kind"`
	What string `json:"what"`
	Why  string `json:"why"`
}

const (
	driftService    = "service"
	driftGeneration = "generation"
)

// Mendable says whether applying the stack to the host again would mend it.
// Nobody but a person can tell what a strange listener, login or disk means,
// and sshd is closed before the first login.
func (d Drift) Mendable() bool {
	switch d.Kind {
	case "listener", "login", "sshd", "volume", "storage":
		return false
	}
	return true
}

// NeedsRoll says whether mending it may take a restart of Kafka.
func (d Drift) NeedsRoll() bool {
	return d.Kind == driftService || d.Kind == driftGeneration || d.Kind == "version"
}

// HostAudit is what was found on one host.
type HostAudit struct {
	Name  string  `json:"name"`
	Error string  `json:"error,omitempty"` // why nothing is known of it
	Drift []Drift `json:"drift"`
}

// Audit is what was found on all hosts of a stack, the bastion, if there is one, first.
type Audit struct {
	Stack string      `json:"stack"`
	Clean bool        `json:"clean"` // every host was asked, and none differs
	Hosts []HostAudit `json:"hosts"`
}

// Differing lists the hosts on which something differs.
func (a Audit) Differing() []HostAudit {
	return a.only(func(h HostAudit) bool { return len(h.Drift) > 0 })
}

// Unknown lists the hosts that could not be asked.
func (a Audit) Unknown() []HostAudit { return a.only(func(h HostAudit) bool { return h.Error != "" }) }

func (a Audit) only(wanted func(HostAudit) bool) []HostAudit {
	var hosts []HostAudit
	for _, h := range a.Hosts {
		if wanted(h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// AuditHosts compares every host of a stack, the bastion included, with what the
// stack made of it: what the host itself finds, who can log in, and whether its
// toolkit is this program's. An error means that there was no way to look; a
// single host that cannot be asked is in the result with the reason.
func AuditHosts(ctx context.Context, out Outputs) (Audit, error) {
	ctx, cancel := context.WithTimeout(ctx, AuditTimeout)
	defer cancel()
	t, err := Dial(ctx, out)
	if err != nil {
		return Audit{}, err
	}
	defer func() { _ = t.Close() }()
	audit := Audit{Stack: out.Stack, Hosts: make([]HostAudit, len(out.Nodes))}
	bastion := make(chan HostAudit, 1)
	if t.bastion != nil {
		go func() {
			found, err := check(ctx, t.bastion, checkCommand+" --bastion")
			bastion <- t.judgeDrift(bastionName, found, err)
		}()
	}
	t.eachNode(func(i int, node NodeOutput) {
		found, err := t.checkNode(ctx, node)
		audit.Hosts[i] = t.judgeDrift(node.Name, found, err)
	})
	if t.bastion != nil {
		audit.Hosts = append([]HostAudit{<-bastion}, audit.Hosts...)
	}
	audit.Clean = len(audit.Differing()) == 0 && len(audit.Unknown()) == 0
	return audit, ctxCancelled(ctx)
}

// judgeDrift adds to what a host found what only the stack can tell.
func (t *Tunnel) judgeDrift(name string, found checked, err error) HostAudit {
	host := HostAudit{Name: name, Drift: []Drift{}}
	if err != nil {
		host.Error = reason(err)
		return host
	}
	host.Drift = append(host.Drift, found.Drift...)
	own := ssh.FingerprintSHA256(t.signer.PublicKey())
	for _, login := range found.Logins {
		if login.Key != own {
			host.Drift = append(host.Drift, Drift{Kind: "login", What: login.User, Why: "the key " + login.Key + " can log in, and is not the stack's"})
		}
	}
	if len(found.Drift) == 0 && !found.OK {
		host.Drift = append(host.Drift, Drift{Kind: "toolkit", What: "kafka-node", Why: "it says that something differs, and not what"})
	}
	sum := sha256.Sum256([]byte(scripts.Bundle()))
	if found.Toolkit != hex.EncodeToString(sum[:]) {
		host.Drift = append(host.Drift, Drift{Kind: "toolkit", What: "kafka-node", Why: "it is not the one that this kraftstack brings"})
	}
	return host
}
