package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsers(t *testing.T) {
	s, err := read(t, "lab", wholeFile(`kraftstack:users:
  - name: shop
    password: {secure: v1:abc}
    acls:
      - {operations: [read, describe], resource: topic:orders}
      - {operations: [read], resource: group:shop-, pattern: prefixed, host: 10.0.0.7, permission: deny}
      - {operations: [describe], resource: cluster}
    quotas: {producerByteRate: 1048576, requestPercentage: 50}
  - {name: audit}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []User{
		{
			Name: "shop", Authentication: AuthSCRAM, Password: SecretMarker, Rotation: 1,
			ACLs: []ACL{
				{Operations: []string{"read", "describe"}, Type: "topic", Name: "orders", Pattern: PatternLiteral, Host: "*", Permission: PermissionAllow},
				{Operations: []string{"read"}, Type: "group", Name: "shop-", Pattern: PatternPrefixed, Host: "10.0.0.7", Permission: PermissionDeny},
				{Operations: []string{"describe"}, Type: "cluster", Name: ClusterName, Pattern: PatternLiteral, Host: "*", Permission: PermissionAllow},
			},
			Quotas: map[string]int{"producer_byte_rate": 1048576, "request_percentage": 50},
		},
		{Name: "audit", Authentication: AuthSCRAM, Rotation: 1},
	}
	if diff := cmp.Diff(want, s.Users); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Passwords come decrypted to the program, and are shown in no problem.
func TestPasswords(t *testing.T) {
	load := func(password any) error {
		users, err := json.Marshal([]any{map[string]any{"name": "shop", "password": password}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = Load("lab", map[string]string{
			"aws:region": "us-east-1", "kraftstack:access": `{"adminCidrs":["203.0.113.0/24"]}`, "kraftstack:users": string(users),
		})
		return err
	}
	for _, good := range []string{"twelve chars", "p,w=1\"\\-okay!", strings.Repeat("x", 128), "schön-genug-so"} {
		if err := load(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, says := range map[string]string{
		"":                          "has 0 characters",
		"eleven char":               "has 11 characters",
		strings.Repeat("x", 129):    "has 129 characters",
		"a tab\tin the middle":      "SASLprep",
		"a line\nin the middle":     "SASLprep",
		"no\u00a0break\u00a0spaces": "SASLprep",
		" a space before all":       "a space",
		"a soft\u00adhyphen":        "SASLprep",
		"romanⅣnumerals":            "SASLprep",
	} {
		err := load(bad)
		if err == nil || !strings.Contains(err.Error(), says) || bad != "" && bad != SecretMarker && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: got %v, want it to say %q and not the password", bad, err, says)
		}
	}
	if err := load(123456789012); err == nil || strings.Contains(err.Error(), "123456789012") {
		t.Errorf("a number: got %v", err)
	}
}

func TestPasswordInPlainText(t *testing.T) {
	values, err := Values([]byte(wholeFile("kraftstack:users: [{name: shop, password: in plain text}]\n")))
	if err != nil {
		t.Fatal(err)
	}
	_, err = LoadFile("lab", values)
	const want = "kraftstack:users[0].password: is in plain text; write it as a secret: pulumi config set --secret --path 'kraftstack:users[0].password'"
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "in plain text]") {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestSecretIsNotShown(t *testing.T) {
	secret := Secret("hunter2")
	encoded, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(secret), fmt.Sprintf("%q %x %#v", secret, secret, secret), string(encoded), fmt.Sprint(User{Password: secret})} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, "68756e") {
			t.Errorf("the secret is shown: %s", shown)
		}
	}
}
