package render

import (
	_ "embed"
	"strings"

	"gopkg.in/yaml.v3"
)

// MaxUserData is EC2's limit for user data before base64, in bytes.
const MaxUserData = 16 * 1024

type cloudConfig struct {
	Hostname         string            `yaml:"hostname"`
	FQDN             string            `yaml:"fqdn"`
	PreserveHostname bool              `yaml:"preserve_hostname"`
	DisableRoot      bool              `yaml:"disable_root"`
	SSHPasswords     bool              `yaml:"ssh_pwauth"`
	SSHDeleteKeys    bool              `yaml:"ssh_deletekeys"`
	SSHKeys          map[string]string `yaml:"ssh_keys"`
	PackageUpdate    bool              `yaml:"package_update"`
	PackageUpgrade   bool              `yaml:"package_upgrade"`
	BootCommands     [][]string        `yaml:"bootcmd"`
	WriteFiles       []cloudFile       `yaml:"write_files"`
	RunCommands      [][]string        `yaml:"runcmd"`
}

type cloudFile struct {
	Path        string `yaml:"path"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// sshdConfig is a drop-in for sshd. It has no Port and no ListenAddress: where
// systemd holds the socket (Ubuntu 24.04), sshd would ignore them.
//
//go:embed files/sshd.conf
var sshdConfig string

// sshdAlgorithms writes the drop-in that depends on the host's OpenSSH.
//
//go:embed files/sshd-algorithms.sh
var sshdAlgorithms string

// reload makes an sshd that already runs read the drop-in. The unit is named
// ssh on Debian and Ubuntu and sshd on Amazon Linux; one that is not running,
// as with an idle socket, is left alone.
const reload = "systemctl try-reload-or-restart ssh.service 2>/dev/null || systemctl try-reload-or-restart sshd.service"

// Login is how a host is logged in to.
type Login struct {
	FQDN string // its name in the private zone
	User string // the image's login user, and the only one that sshd admits
	// HostKey and HostKeyPublic are an ed25519 pair in OpenSSH's forms, the
	// host's only one.
	HostKey, HostKeyPublic string
	// Hop says that connections to other hosts pass through this one: its sshd
	// forwards TCP. No other does.
	Hop bool
}

// SSHDConfig is the drop-in with which sshd lets people in to a host.
func SSHDConfig(l Login) string {
	forwarding := "no"
	if l.Hop {
		forwarding = "local"
	}
	return strings.NewReplacer("USER", l.User, "FORWARDING", forwarding).Replace(sshdConfig)
}

// CloudConfig is a host's user data: its name, its SSH host key, so that the
// first connection can already be pinned, and a hardened sshd. Whoever may read
// the instance's user data can read that key, so nothing else that is secret
// belongs here.
//
// User data is read on a host's first boot only; the choice of algorithms is
// made again at each boot.
func CloudConfig(l Login) string {
	host, _, _ := strings.Cut(l.FQDN, ".")
	text, err := yaml.Marshal(cloudConfig{
		Hostname: host, FQDN: l.FQDN,
		DisableRoot: true, SSHDeleteKeys: true,
		SSHKeys: map[string]string{
			"ed25519_private": strings.TrimRight(l.HostKey, "\n") + "\n",
			"ed25519_public":  strings.TrimSpace(l.HostKeyPublic),
		},
		BootCommands: [][]string{{"bash", "-c", sshdAlgorithms}},
		WriteFiles: []cloudFile{{
			Path: "/etc/ssh/sshd_config.d/10-kraftstack.conf", Owner: "root:root", Permissions: "0600", Content: SSHDConfig(l),
		}},
		RunCommands: [][]string{{"sh", "-c", reload}},
	})
	if err != nil {
		// Marshal fails only for types that this struct has none of.
		return ""
	}
	return "#cloud-config\n" + string(text)
}
