package program_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kraftstack/render"
)

// TestKeysComeInGenerations: a host gets its keys over a connection that has those
// of the generation before pinned, and every other step has the current ones.
func TestKeysComeInGenerations(t *testing.T) {
	r := mustDeploy(t, small(map[string]any{"kraftstack:access": map[string]any{"adminCidrs": []string{"203.0.113.0/24"}, "keyGeneration": 3}}))
	shown := func(host string, generation int) string {
		_, public, err := render.HostKey(fmt.Sprintf("private-access-host-keys-%d", generation), host)
		if err != nil {
			t.Fatal(err)
		}
		return public
	}
	pinned := func(step string) string {
		connection := bare(r.get(t, step).Inputs["connection"]).ObjectValue()
		return bare(connection["privateKey"]).StringValue() + " " + bare(connection["hostKey"]).StringValue()
	}
	for _, host := range []string{"bastion", "broker-1002"} {
		if got := pinned(host + "-keys"); got != "private-access-key-2 "+shown(host, 2) {
			t.Errorf("%s gets its keys by %s", host, got)
		}
		if got := pinned(host + "-toolkit"); got != "private-access-key-3 "+shown(host, 3) {
			t.Errorf("%s is reached by %s", host, got)
		}
		if !r.get(t, host+"-toolkit").dependsOn(host + "-keys") {
			t.Errorf("%s is reached by its new keys before it has them", host)
		}
		if stdin := bare(r.get(t, host+"-keys").Inputs["stdin"]); !strings.HasPrefix(stdin.StringValue(), "ssh-ed25519 public-access-key-3\n"+shown(host, 3)) {
			t.Errorf("%s is given %s", host, stdin)
		}
	}
	if !r.get(t, "broker-1002-keys").dependsOn("bastion-toolkit") {
		t.Error("a node is reached over a bastion that may not have its new key yet")
	}
	if got := r.get(t, "access-key-pair").text("publicKey"); got != "ssh-ed25519 public-access-key-2" {
		t.Errorf("hosts are born with %s", got)
	}
	for _, res := range mustDeploy(t, small(nil)).ofType("command:remote:Command") {
		if strings.HasSuffix(res.Name, "-keys") {
			t.Errorf("the first generation has the step %s", res.Name)
		}
	}
}

// bare is a value without what wraps it.
func bare(value resource.PropertyValue) resource.PropertyValue {
	for value.IsSecret() || value.IsOutput() {
		if value.IsSecret() {
			value = value.SecretValue().Element
		} else {
			value = value.OutputValue().Element
		}
	}
	return value
}

// TestUserWithACertificate: it is one step as others are, has no password, and
// logs in by a pair of key and certificate under its name.
func TestUserWithACertificate(t *testing.T) {
	exported := outputs(t, small(map[string]any{
		"kraftstack:security": map[string]any{"clients": "both"},
		"kraftstack:users":    []any{map[string]any{"name": "audit", "authentication": "mtls"}},
	}))
	// Without rules there is nothing to say what is wanted by.
	step := mustDeploy(t, small(map[string]any{
		"kraftstack:security": map[string]any{"clients": "both"},
		"kraftstack:users":    []any{map[string]any{"name": "audit", "authentication": "mtls"}},
	})).get(t, "users-audit")
	if got := step.text("create"); !strings.HasSuffix(got, "user '--name=audit'") {
		t.Errorf("create is %s", got)
	}
	login := plain(exported["userLogins"]).(map[string]any)["audit"].(string)
	pair, err := tls.X509KeyPair([]byte(login), []byte(login))
	if err != nil {
		t.Fatal(err)
	}
	if got := pair.Leaf.Subject.String(); got != "CN=audit,O=kraftstack" {
		t.Errorf("it logs in as %s", got)
	}
}
