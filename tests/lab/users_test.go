package lab_test

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"

	"kraftstack/internal/cluster"
)

// Three users: one with a generated password and a quota, one with a given
// password that every format has to escape in its own way, one with a certificate.
const (
	shopUser = `    - name: shop
      acls:
        - {operations: [write, describe, read], resource: topic:shop., pattern: prefixed}
        - {operations: [read], resource: group:shop-, pattern: prefixed}
      quotas: {producerByteRate: 10000000}
`
	readerUser = `    - name: reader
      acls:
        - {operations: [write, read, describe], resource: topic:shop.orders}
        - {operations: [read], resource: group:reader}
`
	auditUser = `    - name: audit
      authentication: mtls
      acls:
        - {operations: [write, read, describe], resource: topic:shop.orders}
        - {operations: [read], resource: group:audit}
`
	oddPassword = `odd "\, =pass#word; ö`
)

// users is the story of users on a running cluster: added, changed and removed
// in place, used by clients of four makers, and never mixed up with what others
// made. It leaves the stack as it was.
func users(t *testing.T, s story, stack string) {
	s.admin(t, stack, "kafka-topics.sh", "--create --topic shop.orders --partitions 1 --replication-factor 3")
	s.admin(t, stack, "kafka-topics.sh", "--create --topic secrets --partitions 1 --replication-factor 3")
	t.Run("added", func(t *testing.T) { usersAdded(t, s, stack) })
	t.Run("clients of four makers", func(t *testing.T) { clientsOfFourMakers(t, s, stack) })
	t.Run("strangers are refused", func(t *testing.T) { strangersRefused(t, s, stack) })
	t.Run("a user is no member", func(t *testing.T) { noMember(t, s, stack) })
	t.Run("one rule more", func(t *testing.T) { oneRuleMore(t, s, stack) })
	t.Run("a quota slows down", func(t *testing.T) { quotaSlowsDown(t, s, stack) })
	t.Run("what others made stays", func(t *testing.T) { othersStay(t, s, stack) })
	t.Run("what was changed by hand is drift", func(t *testing.T) { changedUsersDrift(t, s, stack) })
	t.Run("a password rotated", func(t *testing.T) { passwordRotated(t, s, stack) })
	t.Run("the authority of users rotated", func(t *testing.T) { usersAuthorityRotated(t, s, stack) })
	t.Run("removed", func(t *testing.T) { usersRemoved(t, s, stack) })
}

// The authority of users as it is at first, and as it is in the end.
const firstAuthority, secondAuthority = "{generation: 1}", "{generation: 2}"

// bothFile writes the stack file of a cluster that lets users in by passwords and
// by certificates of an authority.
func (s story) bothFile(t *testing.T, stack, authority, more string) {
	t.Helper()
	s.stackFile(t, stack, "    heap: 384m\n", "    heap: 384m\n  kraftstack:security: {clients: both, clientCA: "+authority+"}\n"+more)
}

// usersFile writes the stack file with users, and the given password as the
// documentation has it.
func (s story) usersFile(t *testing.T, stack, shop string) {
	t.Helper()
	s.authorityFile(t, stack, firstAuthority, shop)
}

func (s story) authorityFile(t *testing.T, stack, authority, shop string) {
	t.Helper()
	s.bothFile(t, stack, authority, "  kraftstack:users:\n"+shop+readerUser+auditUser)
	s.setSecret(t, stack, "users[1].password", oddPassword)
}

// setSecret puts a secret into the stack file as the documentation has it.
func (s story) setSecret(t *testing.T, stack, path, value string) {
	t.Helper()
	env := s.environment(t)
	c := exec.Command(lookPath(t, "pulumi", env), "config", "set", "--secret", "--path", "kraftstack:"+path, "--stack", stack, "--non-interactive")
	c.Env, c.Dir, c.Stdin = append(c.Environ(), env...), s.dir, strings.NewReader(value)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("pulumi config set: %v\n%s", err, out)
	}
}

// admin calls one of Kafka's tools on the bastion as the administrator.
func (s story) admin(t *testing.T, stack, tool, args string) {
	t.Helper()
	s.ssh(t, stack, "bastion", fmt.Sprintf(
		"sudo /opt/kafka/current/bin/%s --bootstrap-server broker-1001.%s.kafka.internal:9092 --command-config /etc/kafka/client.properties %s", tool, stack, args))
}

// userSteps runs up, which must do these steps on users and nothing else.
func (s story) userSteps(t *testing.T, stack string, want ...string) {
	t.Helper()
	var got []string
	for _, change := range s.up(t, stack).Changes {
		got = append(got, change.Op+" "+change.Component+" "+change.Step)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// usersView is `kraftstack users --json`.
func (s story) usersView(t *testing.T, stack string) cluster.UsersView {
	t.Helper()
	var view cluster.UsersView
	s.mustJSON(t, &view, "users", "--stack", stack)
	return view
}

func usersAdded(t *testing.T, s story, stack string) {
	before := map[string]kafkaProcess{}
	for _, host := range three {
		before[host] = s.kafka(t, stack, host)
	}
	s.usersFile(t, stack, shopUser)
	s.userSteps(t, stack, "create users audit", "create users reader", "create users shop")
	nothing(t, "the up after it", s.up(t, stack))
	view := s.usersView(t, stack)
	if len(view.Users) != 3 || view.Users[0].Rules != 4 || view.Users[0].Quotas != 1 || view.Differences() != 0 {
		t.Errorf("the cluster's users are %+v", view)
	}
	for _, host := range three {
		if diff := cmp.Diff(before[host], s.kafka(t, stack, host)); diff != "" {
			t.Errorf("%s: Kafka is another process: %s", host, diff)
		}
	}
}

func oneRuleMore(t *testing.T, s story, stack string) {
	s.usersFile(t, stack, strings.Replace(shopUser, "      quotas", "        - {operations: [describe], resource: cluster}\n      quotas", 1))
	preview := s.must(t, "preview", "--stack", stack)
	if !strings.Contains(preview, "+acl allow describe cluster:kafka-cluster literal *") {
		t.Errorf("the preview does not show the rule:\n%s", preview)
	}
	s.userSteps(t, stack, "update users shop")
	if view := s.usersView(t, stack); view.Users[0].Rules != 5 || view.Differences() != 0 {
		t.Errorf("the cluster's users are %+v", view)
	}
}

func quotaSlowsDown(t *testing.T, s story, stack string) {
	throttled := func() string {
		return s.ssh(t, stack, "bastion", "/opt/kafka/current/bin/kafka-producer-perf-test.sh --topic shop.orders --num-records 400 --record-size 1000 "+
			"--throughput -1 --command-config /tmp/clients/properties/shop.properties --print-metrics | grep 'produce-throttle-time-max' | sed 's/.*: //'")
	}
	if got := strings.TrimSpace(throttled()); got != "0.000" {
		t.Errorf("within its quota the user waited up to %s ms", got)
	}
	s.usersFile(t, stack, strings.Replace(shopUser, "10000000", "25000", 1))
	s.userSteps(t, stack, "update users shop")
	if got := strings.TrimSpace(throttled()); got == "0.000" || got == "" {
		t.Errorf("beyond its quota the user waited up to %q ms", got)
	}
}

func othersStay(t *testing.T, s story, stack string) {
	s.admin(t, stack, "kafka-acls.sh", "--add --allow-principal User:shop --operation Read --group by-hand")
	s.admin(t, stack, "kafka-acls.sh", "--add --allow-principal User:stranger --operation Read --topic shop.orders")
	byHand := []string{"acl allow read group:by-hand literal *"}
	strangers := []cluster.OtherView{{Principal: "User:stranger", Has: []string{"acl allow read topic:shop.orders literal *"}}}
	shown := func() {
		t.Helper()
		view := s.usersView(t, stack)
		if diff := cmp.Diff(byHand, view.Users[0].Extra); diff != "" || len(view.Users[0].Missing) > 0 {
			t.Errorf("shop lacks %v and has more (-want +got):\n%s", view.Users[0].Missing, diff)
		}
		if diff := cmp.Diff(strangers, view.Others); diff != "" {
			t.Errorf("others (-want +got):\n%s", diff)
		}
	}
	shown()
	if status := s.must(t, "status", "--stack", stack); !strings.Contains(status, "User:stranger is not in the stack") {
		t.Errorf("status does not tell of the stranger:\n%s", status)
	}
	// A change of that very user takes away its own rule alone.
	s.usersFile(t, stack, strings.Replace(shopUser, "write, describe, read", "write, describe", 1))
	s.userSteps(t, stack, "update users shop")
	shown()
}

// changedUsersDrift: a rule removed and a quota raised behind the stack's back.
// The next change of the user, a rotation, makes both as they were.
func changedUsersDrift(t *testing.T, s story, stack string) {
	s.admin(t, stack, "kafka-acls.sh", "--remove --force --allow-principal User:reader --operation Read --group reader")
	s.admin(t, stack, "kafka-configs.sh", "--alter --entity-type users --entity-name shop --add-config producer_byte_rate=99000000")
	r := s.run(t, "drift", "--stack", stack)
	want := `users: 5 findings
  shop: lacks quota producer_byte_rate 10000000
  shop: has beyond the stack acl allow read group:by-hand literal *
  shop: has beyond the stack quota producer_byte_rate 99000000
  reader: lacks acl allow read group:reader literal *
  User:stranger: is not in the stack and has acl allow read topic:shop.orders literal *
`
	if r.code != 9 || !strings.Contains(r.stdout, want) {
		t.Errorf("exit code %d; it says\n%s%s", r.code, r.stdout, r.stderr)
	}
	s.admin(t, stack, "kafka-acls.sh", "--add --allow-principal User:reader --operation Read --group reader")
}

var rotatedShop = strings.Replace(shopUser, "      acls", "      rotation: 2\n      acls", 1)

func passwordRotated(t *testing.T, s story, stack string) {
	old := s.franz(t, stack, "shop")
	s.usersFile(t, stack, rotatedShop)
	s.userSteps(t, stack, "update users shop")
	if err := s.franzLogsIn(t, stack, old); err == nil {
		t.Error("the old password still logs in")
	}
	if err := s.franzLogsIn(t, stack, s.franz(t, stack, "shop")); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if view := s.usersView(t, stack); len(view.Users[0].Missing)+len(view.Users[1].Missing) > 0 {
		t.Errorf("what was changed by hand was not made again: %+v", view.Users)
	}
}

// usersAuthorityRotated: users with certificates change over while brokers let in
// clients of both authorities; then the old certificate is refused. No Kafka
// restarts.
func usersAuthorityRotated(t *testing.T, s story, stack string) {
	before := map[string]kafkaProcess{}
	for _, host := range three {
		before[host] = s.kafka(t, stack, host)
	}
	old := s.franz(t, stack, certified)
	turn := func(authority string) {
		t.Helper()
		s.authorityFile(t, stack, authority, rotatedShop)
		if changed := s.up(t, stack); len(changed.Restarts) > 0 {
			t.Errorf("%s: restarts of %v", authority, changed.Restarts)
		}
		nothing(t, authority+": the up after it", s.up(t, stack))
	}
	turn("{generation: 2, previous: true}")
	for name, login := range map[string]franzSettings{"the old": old, "the new": s.franz(t, stack, certified)} {
		if err := s.franzLogsIn(t, stack, login); err != nil {
			t.Errorf("with both authorities: %s certificate: %v", name, err)
		}
	}
	turn(secondAuthority)
	if err := s.franzLogsIn(t, stack, old); err == nil || !strings.Contains(err.Error(), "remote error: tls: ") {
		t.Errorf("a certificate of the old authority: %v", err)
	}
	if err := s.franzLogsIn(t, stack, s.franz(t, stack, certified)); err != nil {
		t.Errorf("a certificate of the new authority: %v", err)
	}
	for _, host := range three {
		if diff := cmp.Diff(before[host], s.kafka(t, stack, host)); diff != "" {
			t.Errorf("%s: Kafka is another process: %s", host, diff)
		}
	}
}

func usersRemoved(t *testing.T, s story, stack string) {
	shop, audit := s.franz(t, stack, "shop"), s.franz(t, stack, certified)
	s.bothFile(t, stack, secondAuthority, "")
	s.userSteps(t, stack, "delete users audit", "delete users reader", "delete users shop")
	if err := s.franzLogsIn(t, stack, shop); err == nil {
		t.Error("a removed user logs in")
	}
	// Its certificate has a while to go, and nothing that it may do.
	if err := s.franzLogsIn(t, stack, audit); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("a removed user's certificate: %v", err)
	}
	want := []cluster.OtherView{
		{Principal: "User:shop", Has: []string{"acl allow read group:by-hand literal *"}},
		{Principal: "User:stranger", Has: []string{"acl allow read topic:shop.orders literal *"}},
	}
	if diff := cmp.Diff(want, s.usersView(t, stack).Others); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	s.refused(t, 3, []string{`find user "shop"`}, "client-config", "--stack", stack, "--user", "shop", "--format", "franz", "--out", t.TempDir())
}

// restartedBrokersKnow: a broker that starts reads all of the metadata log,
// removed users included, and lets the administrator in after that
// (config.AdminUser tells of the fault of Kafka's that this is about).
func restartedBrokersKnow(t *testing.T, s story, stack string) {
	for _, host := range three {
		s.ssh(t, stack, host, "sudo systemctl restart kafka")
		eventually(t, host+" is back and the cluster is healthy", time.Minute, func() (bool, string) {
			r := s.run(t, "status", "--stack", stack)
			return r.code == 0, r.stdout
		})
	}
}
