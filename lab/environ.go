package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kraftstack/lab/control"
	"kraftstack/lab/daemon"
	"kraftstack/lab/providers"
	"kraftstack/lab/setup"
)

// Passphrase encrypts the secrets in a lab's Pulumi state. It is public, since
// a lab's secrets guard nothing but the lab.
const Passphrase = "lab"

// Variable is one variable of a shell that works on the lab.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Environ returns what a shell needs so that plain `pulumi preview` and
// `pulumi up` work on the running lab, in a fixed order. The error is
// daemon.ErrNotRunning, wrapped, when no lab runs.
func Environ(ctx context.Context, o Options) ([]Variable, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	status, err := daemon.NewClient(o.LabDir).Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the lab in %s: %w; next: run `kraftstack lab up`", o.LabDir, err)
	}
	tools, err := setup.Find(ctx, o.CacheDir)
	if err != nil {
		return nil, err
	}
	variables := environ(o.LabDir, os.Getenv("PATH"), tools, status)
	// A bucket that the shell has chosen is one of the lab's: its S3 answers.
	if chosen := os.Getenv(backendVariable); strings.HasPrefix(chosen, "s3://") {
		variables[0].Value = chosen
	}
	return variables, nil
}

// Profile is the AWS profile that the stacks of the lab name. It is in no file but
// the lab's own, so with anything but the lab such a stack has no credentials, and
// never reaches a real account.
const Profile = "kraftstack-lab"

// profileText is that file: programs that ask for the profile by its name take
// credentials from nowhere else.
func profileText() string {
	return fmt.Sprintf("[profile %s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", Profile, control.AccessKey, control.SecretKey)
}

const backendVariable = "PULUMI_BACKEND_URL"

func environ(labDir, path string, tools setup.Tools, status daemon.Status) []Variable {
	return []Variable{
		{backendVariable, "file://" + filepath.Join(labDir, backendName)},
		{"PULUMI_CONFIG_PASSPHRASE", Passphrase},
		// The user's own logins and plugins stay out of it.
		{"PULUMI_HOME", filepath.Join(labDir, homeName)},
		{"PULUMI_DEBUG_PROVIDERS", providers.Env(status.Providers)},
		// Nothing can be fetched, and nothing is wanted from elsewhere.
		{"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true"},
		{"PULUMI_SKIP_UPDATE_CHECK", "true"},
		{"AWS_ENDPOINT_URL", status.Cloud.URL},
		{"AWS_CONFIG_FILE", filepath.Join(labDir, profileName)},
		{"AWS_ACCESS_KEY_ID", control.AccessKey},
		{"AWS_SECRET_ACCESS_KEY", control.SecretKey},
		{"AWS_EC2_METADATA_DISABLED", "true"},
		{"PATH", searchPath(path, filepath.Dir(tools.Pulumi), tools.LanguageHostDir)},
	}
}

// searchPath puts folders first on a search path, once each.
func searchPath(path string, first ...string) string {
	var dirs []string
	for _, dir := range append(first, filepath.SplitList(path)...) {
		if dir != "" && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return strings.Join(dirs, string(filepath.ListSeparator))
}

// Exports writes variables as lines for a POSIX shell.
func Exports(variables []Variable) string {
	var b strings.Builder
	for _, v := range variables {
		fmt.Fprintf(&b, "export %s=%s\n", v.Name, quote(v.Value))
	}
	return b.String()
}

// quote makes one word of any text, for a POSIX shell.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
