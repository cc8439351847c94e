package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLogin(t *testing.T) {
	p, err := parse("# a comment\nsasl.jaas.config = org.apache.kafka.common.security.scram.ScramLoginModule required \\\n" +
		`  username="orders" password="a\\"b = c";` + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if p.login("username") != "orders" || p.login("password") != `a"b = c` {
		t.Errorf("reads %q and %q", p.login("username"), p.login("password"))
	}
}

func TestOptionsRefuseWhatTheyDoNotObey(t *testing.T) {
	const servers = "bootstrap.servers=a:9092\n"
	if _, err := Options(write(t, servers), "10.0.0.2"); err != nil {
		t.Errorf("a plain client is refused: %v", err)
	}
	for text, want := range map[string]string{
		"security.protocol=SSL\n":                                             "names no bootstrap.servers",
		servers + "acks=0\n":                                                  "does not know the property acks",
		servers + "security.protocol=TELNET\n":                                "security.protocol",
		servers + "security.protocol=SASL_PLAINTEXT\n":                        "no username",
		servers + "security.protocol=SSL\nssl.truststore.type=JKS\n":          "is not PEM",
		servers + "security.protocol=SSL\nssl.truststore.certificates=none\n": "no certificate",
		servers + "nonsense\n":                                                "no =",
		servers + "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=x username=\"u\" password=\"sesame\";\n": "sasl.mechanism",
	} {
		_, err := Options(write(t, text), "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("the error holds the password: %v", err)
		}
	}
}
