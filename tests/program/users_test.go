package program_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/program"
)

const givenPassword = "correct horse battery"

// users are two users, with changes to the first.
func users(changes ...func(map[string]any)) map[string]any {
	shop := map[string]any{
		"name": "shop", "acls": []any{map[string]any{"operations": []string{"read", "write"}, "resource": "topic:orders"}},
	}
	for _, change := range changes {
		change(shop)
	}
	return map[string]any{"kraftstack:users": []any{shop, map[string]any{"name": "audit", "password": givenPassword}}}
}

// deployUsers runs the program as an engine does whose stack file has secrets in
// the users.
func deployUsers(t *testing.T, secrets []string, changes ...func(map[string]any)) (*recorder, error) {
	t.Helper()
	r, config := &recorder{}, asConfig(t, small(users(changes...)))
	err := pulumi.RunErr(program.Deploy, pulumi.WithMocks("kraftstack", "test", r),
		func(info *pulumi.RunInfo) { info.Config, info.ConfigSecretKeys = config, secrets })
	return r, err
}

func mustDeployUsers(t *testing.T, changes ...func(map[string]any)) *recorder {
	t.Helper()
	r, err := deployUsers(t, []string{"kraftstack:users"}, changes...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestUsersAreOneStepEach(t *testing.T) {
	r := mustDeployUsers(t)
	var steps []string
	for _, res := range r.resources {
		if strings.HasPrefix(res.Name, "users") {
			steps = append(steps, res.Name)
		}
	}
	slices.Sort(steps)
	if diff := cmp.Diff([]string{"users", "users-audit", "users-seed", "users-shop"}, steps); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	shop := r.get(t, "users-shop")
	const wanted = "user '--name=shop' '--wanted=scram\nacl allow read topic:orders literal *\nacl allow write topic:orders literal *'"
	if got := shop.text("create"); !strings.HasSuffix(got, wanted) {
		t.Errorf("create is %s, want it to end in %s", got, wanted)
	}
	if got := shop.text("update"); !strings.HasSuffix(got, wanted+" '--known'") {
		t.Errorf("update is %s, want the same and --known", got)
	}
	if got := shop.text("delete"); !strings.HasSuffix(got, "user '--name=shop' '--known'") {
		t.Errorf("delete is %s, want it to remove what is known", got)
	}
	if triggers := shop.Inputs["triggers"]; !triggers.IsArray() || len(triggers.ArrayValue()) != 0 {
		t.Errorf("triggers are %v: a user would be made anew with a host", triggers)
	}
	if !shop.Inputs["addPreviousOutputInEnv"].BoolValue() {
		t.Error("what was applied is not remembered")
	}
	if with := resource.URN(shop.RPC.GetDeletedWith()).Name(); with != "network-vpc" {
		t.Errorf("the user is deleted with %q: destroy would remove user after user", with)
	}
	if !shop.dependsOn("broker-1003-roll-leader") {
		t.Errorf("the user does not wait for the last roll but for %v", shop.RPC.GetDependencies())
	}
}

// Passwords are on standard input alone, and secret there.
func TestUsersPasswords(t *testing.T) {
	r := mustDeployUsers(t)
	generated := r.get(t, "users-shop").text("stdin")
	if len(generated) != 43 || generated == r.get(t, "users-audit").text("stdin") {
		t.Errorf("the generated password is %q", generated)
	}
	if got := r.get(t, "users-audit").text("stdin"); got != givenPassword {
		t.Errorf("the given password became %q", got)
	}
	for _, res := range r.resources {
		if stdin := res.Inputs["stdin"]; strings.HasPrefix(res.Name, "users-") && !stdin.IsNull() && !stdin.IsSecret() {
			t.Errorf("%s: standard input is no secret", res.Name)
		}
		for key := range res.Inputs {
			if value := res.text(string(key)); key != "stdin" && (strings.Contains(value, givenPassword) || strings.Contains(value, generated)) {
				t.Errorf("%s has a password in %s", res.Name, key)
			}
		}
	}
	if again := mustDeployUsers(t, func(shop map[string]any) {
		shop["quotas"] = map[string]any{"producerByteRate": 1}
	}).get(t, "users-shop").text("stdin"); again != generated {
		t.Error("another quota is another password")
	}
	if rotated := mustDeployUsers(t, func(shop map[string]any) { shop["rotation"] = 2 }).get(t, "users-shop").text("stdin"); rotated == generated {
		t.Error("a rotation leaves the password as it is")
	}
}

func TestUsersInPlainTextAreRefused(t *testing.T) {
	r, err := deployUsers(t, nil)
	if err == nil || !strings.Contains(err.Error(), "kraftstack:users has a secret in plain text") || strings.Contains(err.Error(), givenPassword) {
		t.Errorf("got %v", err)
	}
	if len(r.resources) > 1 { // the stack itself
		t.Errorf("%d resources were registered before the refusal", len(r.resources)-1)
	}
}
