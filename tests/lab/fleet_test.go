package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/bootstrap"
	"kraftstack/lab/paths"
	"kraftstack/lab/venv"
)

// TestFleet follows one stack as production has it (its state in S3, its secrets
// under a KMS key, its hosts and disks protected), small so that it is quick. The
// parts build on each other, in this order.
func TestFleet(t *testing.T) {
	s := shared
	const stack = "fleet"
	s.soloFile(t, stack)
	var place bootstrap.Result
	s.mustJSON(t, &place, "bootstrap", "--stack", stack)
	s.mustJSON(t, &place, "bootstrap", "--stack", stack)
	if place.Made {
		t.Error("the second bootstrap made something")
	}
	t.Setenv("PULUMI_BACKEND_URL", place.Backend)
	file := fleetFile(place)
	s.defaultVPCHost(t, "neighbour")
	before := s.everything(t)
	s.soloFile(t, stack, file("2", "384m", true)...)
	s.up(t, stack)
	t.Run("the state has one user at a time", func(t *testing.T) { stateHasOneUser(t, s, stack, file) })
	t.Run("the account's default VPC is served", func(t *testing.T) { defaultVPCIsServed(t, s, stack) })
	t.Run("inventories reach every host", func(t *testing.T) { inventoriesReachEveryHost(t, s, stack) })
	t.Run("a volume grows under load", func(t *testing.T) { volumeGrows(t, s, stack, file) })
	t.Run("a terminated bastion comes back", func(t *testing.T) { bastionComesBack(t, s, stack) })
	t.Run("destroy respects protection", func(t *testing.T) { destroyRespectsProtection(t, s, stack, file) })
	if diff := cmp.Diff(before, s.everything(t)); diff != "" {
		t.Errorf("the cloud is not what it was before the stack (-before +after):\n%s", diff)
	}
}

// fleetFile gives what makes the solo stack a production-like one.
func fleetFile(place bootstrap.Result) func(gib, heap string, protected bool) []string {
	return func(gib, heap string, protected bool) []string {
		return []string{
			"    natGateways: one\n", "    natGateways: one\n    peerVpc: {id: default}\n",
			preparedImage, "", // what Ubuntu publishes: Java comes from a package archive
			"      sizeGiB: 2\n", "      sizeGiB: " + gib + "\n",
			"    heap: 384m\n", "    heap: " + heap + "\n",
			"  kraftstack:kafka:\n", fmt.Sprintf("  kraftstack:hosts: {terminationProtection: %t, protectData: %[1]t, detailedMonitoring: true}\n  kraftstack:kafka:\n", protected),
			"encryptionsalt:", "secretsprovider: " + place.SecretsProvider + "\n# no passphrase:",
		}
	}
}

// everything lists what the account has, but for what only grows.
func (s story) everything(t *testing.T) []string {
	t.Helper()
	return strings.Split(s.aws(t, `
def client(name): return boto3.client(name,endpoint_url=ec2.meta.endpoint_url,region_name='us-east-1',aws_access_key_id='x',aws_secret_access_key='x')
iam,r53=client('iam'),client('route53')
for r in ec2.describe_instances()['Reservations']:
  for i in r['Instances']:
    if i['State']['Name']!='terminated': print('instance',i['InstanceId'])
for what,call,key,name in [
  ('vpc',ec2.describe_vpcs,'Vpcs','VpcId'),('subnet',ec2.describe_subnets,'Subnets','SubnetId'),('volume',ec2.describe_volumes,'Volumes','VolumeId'),
  ('address',ec2.describe_addresses,'Addresses','AllocationId'),('key',ec2.describe_key_pairs,'KeyPairs','KeyName'),
  ('group',ec2.describe_security_groups,'SecurityGroups','GroupId'),('routes',ec2.describe_route_tables,'RouteTables','RouteTableId'),
  ('acl',ec2.describe_network_acls,'NetworkAcls','NetworkAclId'),('gateway',ec2.describe_internet_gateways,'InternetGateways','InternetGatewayId'),
  ('template',ec2.describe_launch_templates,'LaunchTemplates','LaunchTemplateName'),('placement',ec2.describe_placement_groups,'PlacementGroups','GroupName'),
  ('interface',ec2.describe_network_interfaces,'NetworkInterfaces','NetworkInterfaceId'),
  ('role',iam.list_roles,'Roles','RoleName'),('profile',iam.list_instance_profiles,'InstanceProfiles','InstanceProfileName'),('zone',r53.list_hosted_zones,'HostedZones','Name')]:
  for item in sorted(i[name] for i in call()[key]): print(what,item)
`), "\n")
}

func stateHasOneUser(t *testing.T, s story, stack string, file func(string, string, bool) []string) {
	s.soloFile(t, stack, file("2", "385m", true)...) // a restart of Kafka takes its time
	p := s.start(t, "up", "--stack", stack)
	eventually(t, "the lock of the first run", time.Minute, func() (bool, string) {
		locks := s.aws(t, "s3=boto3.client('s3',endpoint_url=ec2.meta.endpoint_url,region_name='us-east-1',aws_access_key_id='x',aws_secret_access_key='x')\n"+
			"b=[b['Name'] for b in s3.list_buckets()['Buckets'] if b['Name'].startswith('kraftstack-state-')][0]\n"+
			"print(len(s3.list_objects_v2(Bucket=b,Prefix='.pulumi/locks/').get('Contents',[])))")
		return locks != "0", locks
	})
	s.refused(t, 4, []string{"locked by", "since 20", "kraftstack unlock --stack " + stack}, "up", "--stack", stack)
	for _, pid := range append(children(p.cmd.Process.Pid), p.cmd.Process.Pid) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	_ = p.cmd.Wait()
	s.refused(t, 4, []string{"locked by", "since 20", "kraftstack unlock --stack " + stack}, "up", "--stack", stack)
	s.must(t, "unlock", "--stack", stack)
	s.up(t, stack)
	nothing(t, "the up after it", s.up(t, stack))
	s.view(t, stack)
}

// defaultVPCIsServed: a host of the VPC that every account has knows the broker's
// name and reaches its port for clients, and nothing else of it.
func defaultVPCIsServed(t *testing.T, s story, stack string) {
	from, at := s.namespaces(t)["neighbour"], s.addresses(t)[stack+"-broker-1001"]
	if name := s.root(t, "neighbour", fmt.Sprintf("getent hosts broker-1001.%s.kafka.internal", stack)); !strings.HasPrefix(name, at+" ") {
		t.Errorf("the broker's name leads to %q, and it is at %s", name, at)
	}
	if !(flow{from: from, to: at, port: 9092}).open() {
		t.Error("a client in the default VPC does not reach the broker")
	}
	if (flow{from: from, to: at, port: 22}).open() {
		t.Error("a host in the default VPC reaches the broker's SSH")
	}
}

func inventoriesReachEveryHost(t *testing.T, s story, stack string) {
	if said := s.must(t, "image", "latest", "--stack", stack); !strings.Contains(said, "newest is ami-0123456789abcdef0") || !strings.Contains(said, "not pinned") {
		t.Errorf("image latest says:\n%s", said)
	}
	config := filepath.Join(s.dir, "fleet.ssh")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config, s.must(t, "inventory", "--stack", stack, "--format", "ssh-config"))
	hosts := []string{"bastion", "broker-1001"}
	for _, host := range hosts {
		out, err := exec.Command("ssh", "-F", config, host, "hostname").CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != host {
			t.Errorf("ssh -F %s answers %q (%v)", host, got, err)
		}
	}
	list := filepath.Join(s.dir, "hosts.yml")
	write(list, s.must(t, "inventory", "--stack", stack, "--format", "ansible"))
	var known struct {
		Meta struct {
			Hosts map[string]map[string]any `json:"hostvars"`
		} `json:"_meta"`
		Brokers struct{ Hosts []string } `json:"brokers"`
	}
	ansible := ansibleBin(t)
	out, err := exec.Command(filepath.Join(ansible, "ansible-inventory"), "-i", list, "--list").Output()
	if err != nil || json.Unmarshal(out, &known) != nil || len(known.Meta.Hosts) != 2 || len(known.Brokers.Hosts) != 1 {
		t.Errorf("ansible-inventory --list (%v):\n%s", err, out)
	}
	ping := exec.Command(filepath.Join(ansible, "ansible"), "-i", list, "all", "-m", "ping", "-o")
	ping.Env = append(os.Environ(), "PATH="+ansible+":"+os.Getenv("PATH"), "LC_ALL=C.UTF-8")
	pong, err := ping.CombinedOutput()
	if err != nil || strings.Count(string(pong), `"ping": "pong"`) != 2 {
		t.Errorf("ansible -m ping (%v):\n%s", err, pong)
	}
}

// ansibleBin is the folder of a real ansible-core's programs.
func ansibleBin(t *testing.T) string {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(repository(), "bench", "ansible", "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	python, err := venv.Venv{Name: "ansible-core", Requirements: list}.Ensure(context.Background(), cache, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(python)
}

func volumeGrows(t *testing.T, s story, stack string, file func(string, string, bool) []string) {
	const records = 300
	tools := "sudo /opt/kafka/current/bin/"
	as := fmt.Sprintf(" --command-config /etc/kafka/client.properties --bootstrap-server broker-1001.%s.kafka.internal:9092 --topic load", stack)
	s.ssh(t, stack, "bastion", tools+"kafka-topics.sh"+as+" --create --partitions 1 --replication-factor 1")
	load := s.start(t, "ssh", "bastion", "--stack", stack, "--",
		fmt.Sprintf("for i in $(seq 1 %d); do echo $i; sleep 0.05; done | %skafka-console-producer.sh%s --command-property acks=all", records, tools, as))
	process := s.kafka(t, stack, "broker-1001")
	s.soloFile(t, stack, file("3", "385m", true)...)
	grown := s.up(t, stack)
	for _, change := range grown.Changes {
		if change.Op != "update" || change.Step != "data" && change.Step != "prepare" {
			t.Errorf("growing also did: %s %s %s", change.Op, change.Component, change.Step)
		}
	}
	if r := load.wait(t); r.code != 0 {
		t.Errorf("the producer ended with %d:\n%s", r.code, r.stderr)
	}
	if diff := cmp.Diff(process, s.kafka(t, stack, "broker-1001")); diff != "" {
		t.Errorf("Kafka was restarted: %s", diff)
	}
	if size := strings.TrimSpace(s.ssh(t, stack, "broker-1001", "df -BG --output=size /var/lib/kafka | tail -1")); size != "3G" {
		t.Errorf("the data has %s, want 3G", size)
	}
	out := s.ssh(t, stack, "bastion", fmt.Sprintf("%skafka-console-consumer.sh%s --from-beginning --max-messages %d --timeout-ms 30000 | sort -n | uniq | wc -l", tools, as, records))
	if got := strings.TrimSpace(out); got != fmt.Sprint(records) {
		t.Errorf("%d records went in, %s came out", records, got)
	}
	s.soloFile(t, stack, file("2", "385m", true)...)
	s.refused(t, 3, []string{"never shrinks", "sizeGiB: 3"}, "preview", "--stack", stack)
	s.soloFile(t, stack, file("3", "385m", true)...)
	nothing(t, "the up after it", s.up(t, stack))
}

func bastionComesBack(t *testing.T, s story, stack string) {
	config := filepath.Join(s.dir, "fleet.ssh") // from before
	instance := s.instances(t, stack)["bastion"]
	address := s.aws(t, "print([a['PublicIp'] for a in ec2.describe_addresses()['Addresses'] if a.get('InstanceId')])")
	process, runs := s.kafka(t, stack, "broker-1001"), s.commands(t, stack, "broker-1001")
	s.aws(t, fmt.Sprintf("ec2.terminate_instances(InstanceIds=[%q])", instance))
	s.must(t, "refresh", "--stack", stack)
	for _, change := range s.up(t, stack).Changes {
		if strings.HasPrefix(change.Component, "broker-") {
			t.Errorf("up touched %s: %s %s", change.Component, change.Op, change.Step)
		}
	}
	if now := s.instances(t, stack)["bastion"]; now == instance || now == "" {
		t.Errorf("the bastion is instance %q, it was %q", now, instance)
	}
	if now := s.aws(t, "print([a['PublicIp'] for a in ec2.describe_addresses()['Addresses'] if a.get('InstanceId')])"); now != address {
		t.Errorf("the bastion's address is %s, it was %s", now, address)
	}
	out, err := exec.Command("ssh", "-F", config, "broker-1001", "hostname").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "broker-1001" {
		t.Errorf("ssh with the keys from before answers %q (%v)", out, err)
	}
	if diff := cmp.Diff(process, s.kafka(t, stack, "broker-1001")); diff != "" {
		t.Errorf("Kafka was restarted: %s", diff)
	}
	if now := s.commands(t, stack, "broker-1001"); now != runs {
		t.Errorf("%s toolkit runs on broker-1001 became %s", runs, now)
	}
	nothing(t, "the up after it", s.up(t, stack))
}

func destroyRespectsProtection(t *testing.T, s story, stack string, file func(string, string, bool) []string) {
	all := s.everything(t)
	s.refused(t, 7, []string{
		"broker-1001-data", "broker-1001-instance", "pulumi config set --path kraftstack:hosts.protectData false --stack " + stack,
	}, "destroy", "--stack", stack, "--yes")
	if diff := cmp.Diff(all, s.everything(t)); diff != "" {
		t.Errorf("the refused destroy changed the cloud:\n%s", diff)
	}
	s.soloFile(t, stack, file("3", "385m", false)...)
	s.up(t, stack)
	s.must(t, "destroy", "--stack", stack, "--yes")
}
