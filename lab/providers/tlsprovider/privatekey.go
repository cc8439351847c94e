package tlsprovider

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the real provider's id of a key, no protection
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
)

type privateKeyArgs struct {
	Algorithm  string  `pulumi:"algorithm" provider:"replaceOnChanges"`
	EcdsaCurve *string `pulumi:"ecdsaCurve,optional" provider:"replaceOnChanges"`
	RsaBits    *int    `pulumi:"rsaBits,optional" provider:"replaceOnChanges"`
}

type privateKeyState struct {
	Algorithm                  string `pulumi:"algorithm"`
	EcdsaCurve                 string `pulumi:"ecdsaCurve"`
	RsaBits                    int    `pulumi:"rsaBits"`
	PrivateKeyOpenssh          string `pulumi:"privateKeyOpenssh" provider:"secret"`
	PrivateKeyPem              string `pulumi:"privateKeyPem" provider:"secret"`
	PrivateKeyPemPkcs8         string `pulumi:"privateKeyPemPkcs8" provider:"secret"`
	PublicKeyFingerprintMd5    string `pulumi:"publicKeyFingerprintMd5"`
	PublicKeyFingerprintSha256 string `pulumi:"publicKeyFingerprintSha256"`
	PublicKeyOpenssh           string `pulumi:"publicKeyOpenssh"`
	PublicKeyPem               string `pulumi:"publicKeyPem"`
}

// Defaults of the real provider.
const (
	defaultCurve = "P224"
	defaultBits  = 2048
)

var curves = map[string]elliptic.Curve{
	"P224": elliptic.P224(), "P256": elliptic.P256(), "P384": elliptic.P384(), "P521": elliptic.P521(),
}

// privateKey makes keys that exist in the stack's state only.
type privateKey struct{}

func (*privateKey) Annotate(a infer.Annotator) { a.SetToken("index/privateKey", "PrivateKey") }

// Check refuses values that no key can be made of. Unknown values are empty
// here and are checked when they are known.
func (*privateKey) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[privateKeyArgs], error) {
	in, failures, err := infer.DefaultCheck[privateKeyArgs](ctx, req.NewInputs)
	if err != nil || len(failures) > 0 {
		return infer.CheckResponse[privateKeyArgs]{Inputs: in, Failures: failures}, err
	}
	switch in.Algorithm {
	case "", "RSA", "ECDSA", "ED25519":
	default:
		failures = append(failures, p.CheckFailure{Property: "algorithm",
			Reason: fmt.Sprintf("algorithm is %q, allowed are RSA, ECDSA and ED25519", in.Algorithm)})
	}
	if in.EcdsaCurve != nil && *in.EcdsaCurve != "" && curves[*in.EcdsaCurve] == nil {
		failures = append(failures, p.CheckFailure{Property: "ecdsaCurve",
			Reason: fmt.Sprintf("ecdsaCurve is %q, allowed are P224, P256, P384 and P521", *in.EcdsaCurve)})
	}
	if in.RsaBits != nil && *in.RsaBits != 0 && (*in.RsaBits < 1024 || *in.RsaBits > 16384) {
		failures = append(failures, p.CheckFailure{Property: "rsaBits",
			Reason: fmt.Sprintf("rsaBits is %d, allowed are 1024 to 16384", *in.RsaBits)})
	}
	return infer.CheckResponse[privateKeyArgs]{Inputs: in, Failures: failures}, nil
}

func (*privateKey) Create(_ context.Context, req infer.CreateRequest[privateKeyArgs]) (infer.CreateResponse[privateKeyState], error) {
	in := req.Inputs
	st := privateKeyState{Algorithm: in.Algorithm, EcdsaCurve: defaultCurve, RsaBits: defaultBits}
	if in.EcdsaCurve != nil {
		st.EcdsaCurve = *in.EcdsaCurve
	}
	if in.RsaBits != nil {
		st.RsaBits = *in.RsaBits
	}
	if req.DryRun {
		return infer.CreateResponse[privateKeyState]{Output: st}, nil
	}
	key, err := generate(st)
	if err != nil {
		return infer.CreateResponse[privateKeyState]{}, fmt.Errorf("tls: PrivateKey %s: %w", req.Name, err)
	}
	if err := st.encode(key); err != nil {
		return infer.CreateResponse[privateKeyState]{}, fmt.Errorf("tls: PrivateKey %s: %w", req.Name, err)
	}
	id, err := keyID(key)
	return infer.CreateResponse[privateKeyState]{ID: id, Output: st}, err
}

func generate(st privateKeyState) (crypto.Signer, error) {
	switch st.Algorithm {
	case "RSA":
		return rsa.GenerateKey(rand.Reader, st.RsaBits)
	case "ECDSA":
		return ecdsa.GenerateKey(curves[st.EcdsaCurve], rand.Reader)
	case "ED25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("algorithm %q, allowed are RSA, ECDSA and ED25519", st.Algorithm)
}

// keyID is the SHA-1 of the public key's DER form, as the real provider's.
func keyID(key crypto.Signer) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", fmt.Errorf("tls: public key: %w", err)
	}
	sum := sha1.Sum(der) //nolint:gosec // as the import
	return hex.EncodeToString(sum[:]), nil
}

// encode writes the key in all its forms. OpenSSH has none for P224: those
// outputs stay empty, as with the real provider.
func (st *privateKeyState) encode(key crypto.Signer) error {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("PKCS#8 form: %w", err)
	}
	st.PrivateKeyPemPkcs8 = pemText("PRIVATE KEY", pkcs8)
	switch k := key.(type) {
	case *rsa.PrivateKey:
		st.PrivateKeyPem = pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k))
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			return fmt.Errorf("SEC 1 form: %w", err)
		}
		st.PrivateKeyPem = pemText("EC PRIVATE KEY", der)
	default:
		st.PrivateKeyPem = st.PrivateKeyPemPkcs8
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	st.PublicKeyPem = pemText("PUBLIC KEY", public)
	if k, ok := key.(*ecdsa.PrivateKey); ok && k.Curve == elliptic.P224() {
		return nil
	}
	return st.encodeOpenSSH(key)
}

func (st *privateKeyState) encodeOpenSSH(key crypto.Signer) error {
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return fmt.Errorf("OpenSSH form: %w", err)
	}
	st.PrivateKeyOpenssh = string(pem.EncodeToMemory(block))
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("OpenSSH form: %w", err)
	}
	st.PublicKeyOpenssh = string(ssh.MarshalAuthorizedKey(public))
	st.PublicKeyFingerprintMd5 = ssh.FingerprintLegacyMD5(public)
	st.PublicKeyFingerprintSha256 = ssh.FingerprintSHA256(public)
	return nil
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// WireDependencies: the private forms are always secret.
func (*privateKey) WireDependencies(f infer.FieldSelector, _ *privateKeyArgs, st *privateKeyState) {
	f.OutputField(&st.PrivateKeyOpenssh).AlwaysSecret()
	f.OutputField(&st.PrivateKeyPem).AlwaysSecret()
	f.OutputField(&st.PrivateKeyPemPkcs8).AlwaysSecret()
}
