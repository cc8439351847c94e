//go:build long

package lab_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// window is how many bytes of a secret are looked for at once: enough that
// nothing has them by chance, and so few that a line break in an encoded secret
// leaves one of its windows whole.
const window = 12

// needles finds secrets in any text, in the forms that programs give them: as
// they are, in hexadecimal, and in base64 at whatever place of a longer text.
type needles struct {
	names  []string
	filter [1 << 16]bool
	index  map[uint64][]form
}

// form is a form of a part of a secret.
type form struct{ secret, text string }

func newNeedles() *needles { return &needles{index: map[uint64][]form{}} }

// add looks for a secret's bytes from now on.
func (n *needles) add(t *testing.T, name string, secret []byte) {
	t.Helper()
	if len(secret) < 2*window {
		t.Fatalf("secret %s has %d bytes: too few to be told from chance", name, len(secret))
	}
	n.names = append(n.names, name)
	for at := 0; at+window <= len(secret); at += window - 2 {
		part := secret[at : at+window]
		n.put(name, string(part))
		n.put(name, hex.EncodeToString(part))
		n.put(name, strings.ToUpper(hex.EncodeToString(part)))
		for shift, skip := range []int{0, 2, 3} {
			// What stands before and after the part decides about the digits
			// at its edges.
			text := base64.StdEncoding.EncodeToString(append(make([]byte, shift), part...))
			text = strings.TrimRight(text, "=")
			if len(text)*6%8 != 0 {
				text = text[:len(text)-1]
			}
			text = text[skip:]
			n.put(name, text)
			n.put(name, strings.NewReplacer("+", "-", "/", "_").Replace(text))
		}
	}
}

func (n *needles) put(name, text string) {
	key := binary.LittleEndian.Uint64([]byte(text))
	n.filter[bucket(key)] = true
	if !slices.Contains(n.index[key], form{name, text}) {
		n.index[key] = append(n.index[key], form{name, text})
	}
}

func bucket(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> 48 }

// in lists the secrets that a text holds.
func (n *needles) in(text []byte) []string {
	var found []string
	for i := 0; i+8 <= len(text); i++ {
		key := binary.LittleEndian.Uint64(text[i:])
		if !n.filter[bucket(key)] {
			continue
		}
		for _, f := range n.index[key] {
			if strings.HasPrefix(string(text[i:min(len(text), i+len(f.text))]), f.text) && !slices.Contains(found, f.secret) {
				found = append(found, f.secret)
			}
		}
	}
	return found
}

// inFile lists the secrets that a file holds, piece by piece, since a disk is a
// file too.
func (n *needles) inFile(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	const overlap = 4 * window
	var found []string
	buffer := make([]byte, 8<<20)
	kept := 0
	for {
		count, err := io.ReadFull(file, buffer[kept:])
		for _, name := range n.in(buffer[:kept+count]) {
			if !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		kept = copy(buffer, buffer[len(buffer)-overlap:])
	}
}

// leak is a secret and the file that it was found in.
type leak struct{ secret, path string }

// below lists what the files of a folder hold.
func (n *needles) below(t *testing.T, folder string) []leak {
	t.Helper()
	var leaks []leak
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // ended while we looked
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		found, err := n.inFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, name := range found {
			leaks = append(leaks, leak{name, path})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatalf("%s has no file: nothing was looked at", folder)
	}
	return leaks
}

// keyBytes is the secret part of a private key in PEM.
func keyBytes(text string) ([]byte, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM")
	}
	var key any
	var err error
	switch block.Type {
	case "OPENSSH PRIVATE KEY":
		key, err = ssh.ParseRawPrivateKey([]byte(text))
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *ed25519.PrivateKey:
		return key.Seed(), nil
	case ed25519.PrivateKey:
		return key.Seed(), nil
	case *ecdsa.PrivateKey:
		return key.Bytes()
	default:
		return nil, fmt.Errorf("a key of type %T", key)
	}
}
