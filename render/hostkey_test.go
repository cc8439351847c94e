package render

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestHostKey: each host and each secret has a key of its own, the same every time,
// and both halves belong together.
func TestHostKey(t *testing.T) {
	seen := map[string]bool{}
	for _, of := range [][2]string{{"one", "bastion"}, {"one", "broker-1001"}, {"two", "broker-1001"}} {
		private, public, err := HostKey(of[0], of[1])
		if err != nil {
			t.Fatal(err)
		}
		again, _, _ := HostKey(of[0]+"\n", of[1])
		if again != private {
			t.Errorf("%v has another key the second time", of)
		}
		if seen[public] {
			t.Errorf("%v has the key of another", of)
		}
		seen[public] = true
		signer, err := ssh.ParsePrivateKey([]byte(private))
		if err != nil {
			t.Fatal(err)
		}
		shown, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signer.Sign(rand.Reader, []byte("text"))
		if err != nil || shown.Verify([]byte("text"), signature) != nil {
			t.Errorf("%v: the halves do not belong together: %v", of, err)
		}
	}
}

// OpenSSH itself takes the key that is written here.
func TestOpenSSHReadsHostKey(t *testing.T) {
	private, public, err := HostKey("one", "bastion")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ssh-keygen", "-y", "-f", path).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != strings.TrimSpace(public) {
		t.Errorf("ssh-keygen says %s, %v; want %s", out, err, public)
	}
}
