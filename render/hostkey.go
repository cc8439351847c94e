package render

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"
)

// HostKey is the ed25519 pair that a host's sshd shows, in OpenSSH's forms. It
// follows from a secret of at least 256 bits and the host's name, so that a host
// costs no key in the state, and who has one host's key has no other's.
//
// It is written here, since ssh.MarshalPrivateKey draws its check number at random:
// the same key would be another text in each run, and so a change of every host.
func HostKey(secret, host string) (private, public string, err error) {
	code := hmac.New(sha256.New, []byte(strings.TrimSpace(secret)))
	_, _ = code.Write([]byte("host key\x00" + host)) // a hash takes everything
	key := ed25519.NewKeyFromSeed(code.Sum(nil))
	shown, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return "", "", err
	}
	return openSSH(key, shown), string(ssh.MarshalAuthorizedKey(shown)), nil
}

// openSSH writes a private key without a passphrase as ssh-keygen does
// (OpenSSH, PROTOCOL.key). The check number, twice the same, tells a wrong
// passphrase; without one any number does.
func openSSH(key ed25519.PrivateKey, public ssh.PublicKey) string {
	const block = 8 // of the cipher "none"
	raw := []byte(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
	secret := ssh.Marshal(struct {
		Check1, Check2 uint32
		Type           string
		Public, Pair   []byte
		Comment        string
	}{0, 0, ssh.KeyAlgoED25519, raw, key, ""})
	for pad := byte(1); len(secret)%block != 0; pad++ {
		secret = append(secret, pad)
	}
	body := ssh.Marshal(struct {
		Cipher, KDF, Options string
		Keys                 uint32
		Public, Secret       []byte
	}{"none", "none", "", 1, public.Marshal(), secret})
	return string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: append([]byte("openssh-key-v1\x00"), body...)}))
}
