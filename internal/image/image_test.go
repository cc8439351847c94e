package image

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"kraftstack/config"
)

// parameters plays SSM: each parameter holds its own name.
func parameters(t *testing.T) aws.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ Name string }
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &ask) != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Name": ask.Name, "Value": "ami-of-" + ask.Name}})
	}))
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	}
}

func TestLatest(t *testing.T) {
	stack := config.Stack{
		Access:  config.Access{Bastion: config.Bastion{InstanceType: "t3.micro", Count: 1}},
		Brokers: config.Brokers{InstanceType: "m7g.large", Image: config.ImageUbuntu},
		Hosts:   config.Hosts{AMIs: map[string]string{"arm64": "ami-0123456789abcdef0"}},
	}
	rows, err := Latest(t.Context(), parameters(t), stack)
	if err != nil {
		t.Fatal(err)
	}
	const newest = "ami-of-/aws/service/canonical/ubuntu/server/24.04/stable/current/"
	want := []Row{
		{"amd64", "ubuntu", "", newest + "amd64/hvm/ebs-gp3/ami-id"},
		{"arm64", "ubuntu", "ami-0123456789abcdef0", newest + "arm64/hvm/ebs-gp3/ami-id"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if rows[0].Behind() || !rows[1].Behind() {
		t.Error("the pinned image alone is behind")
	}
	stack.Brokers.Image = "ami-0123456789abcdef0"
	if rows, err := Latest(t.Context(), parameters(t), stack); err != nil || len(rows) != 0 {
		t.Errorf("an image of one's own has the newest ones %v (%v)", rows, err)
	}
}
