package render

import (
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
	WriteFiles       []cloudFile       `yaml:"write_files"`
	RunCommands      [][]string        `yaml:"runcmd"`
}

type cloudFile struct {
	Path        string `yaml:"path"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// sshd is a drop-in that is read before the distributions' own, and of two
// settings sshd takes the first. It has no Port and no ListenAddress: where
// systemd holds the socket (Ubuntu 24.04), sshd would ignore them. MaxStartups
// is for the bastion, through which every host is reached at once: the default
// of 10 drops connections at random.
const sshd = `# Written by kraftstack.
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
X11Forwarding no
AllowAgentForwarding no
LoginGraceTime 60
MaxStartups 200:30:400
`

// reload makes an sshd that already runs read the drop-in. The unit is named
// ssh on Debian and Ubuntu and sshd on Amazon Linux; one that is not running,
// as with an idle socket, is left alone.
const reload = "systemctl try-reload-or-restart ssh.service 2>/dev/null || systemctl try-reload-or-restart sshd.service"

// CloudConfig is a host's user data: its name and its SSH host key, so that the
// first connection can already be pinned. The key is an ed25519 pair in
// OpenSSH's forms and the host's only one. Whoever may read the instance's user
// data can read that key, so nothing else that is secret belongs here.
//
// User data is read on a host's first boot only.
func CloudConfig(fqdn, ed25519PrivateKeyOpenSSH, publicKeyOpenSSH string) string {
	host, _, _ := strings.Cut(fqdn, ".")
	text, err := yaml.Marshal(cloudConfig{
		Hostname: host, FQDN: fqdn,
		DisableRoot: true, SSHDeleteKeys: true,
		SSHKeys: map[string]string{
			"ed25519_private": strings.TrimRight(ed25519PrivateKeyOpenSSH, "\n") + "\n",
			"ed25519_public":  strings.TrimSpace(publicKeyOpenSSH),
		},
		WriteFiles: []cloudFile{{
			Path: "/etc/ssh/sshd_config.d/10-kraftstack.conf", Owner: "root:root", Permissions: "0600", Content: sshd,
		}},
		RunCommands: [][]string{{"sh", "-c", reload}},
	})
	if err != nil {
		// Marshal fails only for types that this struct has none of.
		return ""
	}
	return "#cloud-config\n" + string(text)
}
