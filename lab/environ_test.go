package lab

import (
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kraftstack/lab/daemon"
	"kraftstack/lab/setup"
)

func TestEnviron(t *testing.T) {
	status := daemon.Status{
		Cloud:     daemon.Cloud{URL: "http://127.0.0.1:5000"},
		Providers: map[string]int{"tls": 3, "aws": 1, "command": 2},
	}
	got := map[string]string{}
	for _, v := range environ("/lab", "/bin:/tools/p", setup.Tools{Pulumi: "/tools/p/pulumi", LanguageHostDir: "/tools/l"}, status) {
		got[v.Name] = v.Value
	}
	want := map[string]string{
		"PULUMI_BACKEND_URL":                          "file:///lab/state",
		"PULUMI_CONFIG_PASSPHRASE":                    "lab",
		"PULUMI_HOME":                                 "/lab/pulumi-home",
		"PULUMI_DEBUG_PROVIDERS":                      "aws:1,command:2,tls:3",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
		"PULUMI_SKIP_UPDATE_CHECK":                    "true",
		"AWS_ENDPOINT_URL":                            "http://127.0.0.1:5000",
		"AWS_CONFIG_FILE":                             "/lab/aws-profile",
		"AWS_ACCESS_KEY_ID":                           "lab",
		"AWS_SECRET_ACCESS_KEY":                       "lab",
		"AWS_EC2_METADATA_DISABLED":                   "true",
		"PATH":                                        "/tools/p:/tools/l:/bin",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExportsSurviveAShell(t *testing.T) {
	value := `it's $HOME "and" \ more`
	script := Exports([]Variable{{"X_TEST", value}}) + `printf %s "$X_TEST"`
	got, err := exec.Command("sh", "-c", script).Output()
	if err != nil || string(got) != value {
		t.Errorf("the shell gives %q, %v", got, err)
	}
}
