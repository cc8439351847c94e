package scripts

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// releaser is who signs releases: a PGP key.
type releaser struct {
	t      *testing.T
	entity *openpgp.Entity
}

func newReleaser(t *testing.T, config *packet.Config) releaser {
	t.Helper()
	entity, err := openpgp.NewEntity("Release manager", "", "releases@kafka.example", config)
	if err != nil {
		t.Fatal(err)
	}
	return releaser{t, entity}
}

// keys is the public key as it stands in a KEYS file, with text around it.
func (r releaser) keys() string {
	r.t.Helper()
	var text bytes.Buffer
	writer, err := armor.Encode(&text, openpgp.PublicKeyType, map[string]string{"Comment": "for the test"})
	if err == nil {
		err = r.entity.Serialize(writer)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return "pub   Release manager\n" + text.String() + "\n"
}

// sign signs with the key as soon as it is made.
func (r releaser) sign(content []byte) string {
	r.t.Helper()
	var text bytes.Buffer
	now := packet.Config{Time: func() time.Time { return r.entity.PrimaryKey.CreationTime }}
	if err := openpgp.ArmoredDetachSign(&text, r.entity, bytes.NewReader(content), &now); err != nil {
		r.t.Fatal(err)
	}
	return text.String()
}

func TestInstallChecksTheSignature(t *testing.T) {
	h, d := newHost(t), serve(t)
	apache, stranger := newReleaser(t, nil), newReleaser(t, nil)
	expired := newReleaser(t, &packet.Config{KeyLifetimeSecs: 60, Time: func() time.Time { return time.Now().Add(-time.Hour) }})
	signed := func(signature, keys string, more ...string) result {
		t.Helper()
		d.signature = signature
		return h.run(keys, append([]string{"install", "--version=4.3.0", "--url=" + d.url(), "--retry-seconds=1"}, more...)...)
	}
	good := apache.sign(d.archive)
	const refused = "is not signed by one of the keys that were given"
	for name, c := range map[string]struct{ signature, keys, want string }{
		"by a stranger":      {stranger.sign(d.archive), apache.keys(), refused},
		"of another archive": {apache.sign([]byte("another archive")), apache.keys(), refused},
		"by an expired key":  {expired.sign(d.archive), expired.keys(), refused},
		"is no signature":    {"-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", apache.keys(), refused},
		"no keys":            {good, "these are no keys\n", "no PGP public key"},
		"is not there":       {"", apache.keys(), ".asc could not be fetched"},
	} {
		signed(c.signature, c.keys, "--keys").failed(t, c.want)
		if h.exists("opt/kafka/" + root) {
			t.Fatalf("%s: the archive was unpacked", name)
		}
	}
	h.noJunk()
	got := signed(good, stranger.keys()+apache.keys(), "--keys")
	got.good(t)
	if !strings.Contains(got.stdout, "signed by Release manager") {
		t.Errorf("it does not say who signed:\n%s", got.stdout)
	}
	h.noJunk()
}

func TestInstallFetchesKeys(t *testing.T) {
	h, d := newHost(t), serve(t)
	apache := newReleaser(t, nil)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, apache.keys()) }))
	t.Cleanup(keys.Close)
	d.signature = apache.sign(d.archive)
	d.install(h, "--keys-url="+keys.URL+"/KEYS").good(t)
}
