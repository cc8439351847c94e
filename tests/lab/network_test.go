package lab_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNetwork follows the network of one stack of two nodes: without NAT, with
// a peer VPC, and every rule of it.
func TestNetwork(t *testing.T) {
	s, n := shared, networkStory{stack: "net"}
	n.peer = s.clientVPC(t, "client", "10.9.0.0/16")
	s.clientVPC(t, "outsider", "10.10.0.0/16")
	if !t.Run("is born without NAT", func(t *testing.T) { n.isBornWithoutNAT(t, s) }) {
		t.Fatal("there is no cluster to tell of")
	}
	t.Run("a client in the peer VPC produces and consumes", func(t *testing.T) { n.peerIsServed(t, s) })
	t.Run("NAT and a load balancer come later", func(t *testing.T) { n.moreComesLater(t, s) })
	t.Run("the load balancer outlives a broker", func(t *testing.T) { n.balancerOutlivesABroker(t, s) })
	t.Run("nothing else gets through", func(t *testing.T) { n.nothingElse(t, s) })
	if networkRules != nil {
		t.Run("every rule is needed", func(t *testing.T) { networkRules(t, s, n) })
	}
	t.Run("destroy leaves the peer as it was", func(t *testing.T) { n.destroyLeavesThePeer(t, s) })
}

// networkRules is the part that takes minutes, and belongs to `make test-long`:
// network_rules_test.go.
var networkRules func(t *testing.T, s story, n networkStory)

type networkStory struct{ stack, peer string }

// file writes the stack file: two nodes in two zones, and the client's VPC.
func (n networkStory) file(t *testing.T, s story, nat, entry string, replace ...string) {
	t.Helper()
	s.stackFile(t, n.stack, append([]string{
		"zones: [us-east-1a, us-east-1b, us-east-1c]\n    natGateways: one",
		fmt.Sprintf("zones: [us-east-1a, us-east-1b]\n    natGateways: %s\n    peerVpc:\n      id: %s", nat, n.peer),
		"    count: 3\n  kraftstack:brokers:\n    count: 3\n", "    count: 1\n  kraftstack:brokers:\n    count: 2\n",
		"  kraftstack:controllers:\n", "  kraftstack:entry:\n    loadBalancer: " + entry + "\n  kraftstack:controllers:\n",
		"http://downloads.kraftstack.lab/", "http://" + mirrorBucket + "/",
		preparedImage, "", // what Ubuntu publishes: it has no Java, and its list names the internet
		"  kraftstack:kafka:\n", "  kraftstack:hosts: {aptSources: [\"deb [trusted=yes] http://" + mirrorBucket + "/debian ./\"]}\n  kraftstack:kafka:\n",
	}, replace...)...)
}

func (n networkStory) host(name string) string { return n.stack + "-" + name }

// mirrorBucket is the lab's mirror in S3, which hosts reach by the VPC's endpoint.
const mirrorBucket = "kraftstack-mirror.s3.us-east-1.amazonaws.com"

// isBornWithoutNAT: hosts without a way to the internet find Kafka and Java in S3.
func (n networkStory) isBornWithoutNAT(t *testing.T, s story) {
	n.file(t, s, "none", "none")
	s.up(t, n.stack)
	nothing(t, "second up", s.up(t, n.stack))
	broker := s.namespaces(t)[n.host("broker-1001")]
	if (flow{from: broker, to: "198.51.100.80", port: 80}).open() {
		t.Error("a host without NAT reaches the internet")
	}
	if !(flow{from: broker, to: "198.51.100.90", port: 80}).open() {
		t.Error("a host without NAT does not reach S3")
	}
	java := s.ssh(t, n.stack, "broker-1001", "zgrep -h 'Commandline:.*jre' /var/log/apt/history.log*; cat /etc/apt/sources.list; "+
		"apt-get indextargets --format '$(SITE)' | sort -u")
	for _, text := range []string{"install openjdk", "deb [trusted=yes] http://downloads.kraftstack.lab/debian", "http://" + mirrorBucket + "/debian"} {
		if !strings.Contains(java, text) {
			t.Errorf("the host did not install Java from S3 alone: no %q in\n%s", text, java)
		}
	}
}

// peerIsServed moves records from a host of another VPC, by the brokers' names.
func (n networkStory) peerIsServed(t *testing.T, s story) {
	// What an administrator has on the bastion, somebody gave to the client.
	files := s.root(t, n.host("bastion"), "tar -C / -cz etc/kafka/client.properties $(sed -n 's,^ssl.truststore.location=/,,p' /etc/kafka/client.properties) | base64 -w0")
	s.root(t, "client", fmt.Sprintf("echo '%s' | base64 -d | tar -C / -xz && curl -sS http://downloads.kraftstack.lab/%s | tar xz -C /opt", files, archive))
	n.tools(t, s, "broker-1001", "kafka-topics.sh", "--create --topic peered --partitions 2 --replication-factor 2")
	s.root(t, "client", "seq 1 100 >/tmp/records")
	n.tools(t, s, "broker-1001", "kafka-console-producer.sh", "--topic peered --command-property acks=all </tmp/records")
	n.consumes(t, s, "broker-1001")
	if out := s.root(t, "outsider", fmt.Sprintf("getent hosts broker-1001.%s.kafka.internal || echo unknown", n.stack)); strings.TrimSpace(out) != "unknown" {
		t.Errorf("a VPC that is not peered resolves the brokers' names: %s", out)
	}
}

// tools runs one of Kafka's tools on the client, by a name of the stack.
func (n networkStory) tools(t *testing.T, s story, server, tool, args string) string {
	t.Helper()
	return s.root(t, "client", fmt.Sprintf("/opt/kafka_2.13-4.3.0/bin/%s --bootstrap-server %s.%s.kafka.internal:9092 "+
		"--command-config /etc/kafka/client.properties %s 2>/tmp/errors || { cat /tmp/errors; exit 1; }", tool, server, n.stack, args))
}

// consumes reads the 100 records back, each once.
func (n networkStory) consumes(t *testing.T, s story, server string) {
	t.Helper()
	out := n.tools(t, s, server, "kafka-console-consumer.sh", "--topic peered --from-beginning --max-messages 100 --timeout-ms 30000")
	records := strings.Fields(out)
	slices.Sort(records)
	if got := len(slices.Compact(records)); got != 100 {
		t.Errorf("100 records went in, %d came out by %s", got, server)
	}
}

// balancerOutlivesABroker starts from the load balancer's name, and again while
// one of its two targets is dead: AWS says so, and nobody is led there.
func (n networkStory) balancerOutlivesABroker(t *testing.T, s story) {
	health := func() string {
		return s.aws(t, `
elb = boto3.client("elbv2", endpoint_url=ec2.meta.endpoint_url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
g = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
print(sorted(h["TargetHealth"]["State"] for h in elb.describe_target_health(TargetGroupArn=g)["TargetHealthDescriptions"]))`)
	}
	settles := func(want string) {
		t.Helper()
		eventually(t, "targets to be "+want, time.Minute, func() (bool, string) { got := health(); return got == want, got })
	}
	settles("['healthy', 'healthy']")
	n.consumes(t, s, "bootstrap")
	s.root(t, n.host("broker-1002"), "systemctl stop kafka")
	settles("['healthy', 'unhealthy']")
	at := strings.Fields(s.root(t, "client", fmt.Sprintf("getent ahostsv4 bootstrap.%s.kafka.internal | awk '/STREAM/ {print $1}'", n.stack)))
	if len(at) != 2 {
		t.Errorf("the load balancer has the addresses %v, not one in each zone", at)
	}
	client := s.namespaces(t)["client"]
	for range 8 {
		for _, address := range at {
			if !(flow{from: client, to: address, port: 9092}).open() {
				t.Errorf("a connection to %s came to the dead broker", address)
			}
		}
	}
	s.root(t, n.host("broker-1002"), "systemctl start kafka")
	eventually(t, "the broker is back", 3*time.Minute, func() (bool, string) {
		r := s.run(t, "status", "--stack", n.stack)
		return r.code == 0, r.stdout
	})
	settles("['healthy', 'healthy']")
}

func (n networkStory) moreComesLater(t *testing.T, s story) {
	n.file(t, s, "one", "internal", "    natGateways: one\n", "    natGateways: one\n    flowLogs: {to: cloudwatch, traffic: reject}\n")
	for _, change := range s.up(t, n.stack).Changes {
		if !slices.Contains([]string{"network", "access", "entry"}, change.Component) {
			t.Errorf("up also did: %s %s %s", change.Op, change.Component, change.Step)
		}
	}
	nothing(t, "the up after it", s.up(t, n.stack))
	logs := s.aws(t, fmt.Sprintf(`print([(f["TrafficType"], f["LogDestinationType"]) for f in ec2.describe_flow_logs()["FlowLogs"] if f["ResourceId"] == %q])`, s.vpc(t, n.stack)))
	if want := "[('REJECT', 'cloud-watch-logs')]"; logs != want {
		t.Errorf("the flow logs are %s, want %s", logs, want)
	}
}

// vpc is the id of a stack's VPC.
func (s story) vpc(t *testing.T, stack string) string {
	t.Helper()
	return s.aws(t, fmt.Sprintf(`print(ec2.describe_vpcs(Filters=[{"Name": "tag:kraftstack:stack", "Values": [%q]}])["Vpcs"][0]["VpcId"])`, stack))
}

// balancer is an address of a stack's load balancer, asked of the bastion.
func (s story) balancer(t *testing.T, stack string) string {
	t.Helper()
	out := strings.Fields(s.root(t, stack+"-bastion", "getent ahostsv4 bootstrap."+stack+".kafka.internal"))
	if len(out) == 0 {
		t.Fatal("the load balancer has no address")
	}
	return out[0]
}

// alias is where the bastion's Elastic IP is in the lab's internet.
func (s story) alias(t *testing.T) string {
	t.Helper()
	for _, address := range s.aliases(t) {
		if (flow{from: s.lab(t).Internet, to: address, port: 22, as: operator}).open() {
			return address
		}
	}
	t.Fatalf("no Elastic IP of the lab answers SSH")
	return ""
}

func (n networkStory) nothingElse(t *testing.T, s story) {
	ns, at := s.namespaces(t), s.addresses(t)
	bastion, one, two := n.host("bastion"), n.host("broker-1001"), n.host("broker-1002")
	serve(t, ns[one], at[one], 7777) // so that silence is the firewall's
	serve(t, s.lab(t).Internet, "198.51.100.80", 8080)
	for _, f := range []flow{
		{"outsider to a broker", ns["outsider"], at[one], 9092, ""},
		{"outsider to the bastion", ns["outsider"], at[bastion], 22, ""},
		{"client to the quorum", ns["client"], at[one], 9093, ""},
		{"client to a node's SSH", ns["client"], at[one], 22, ""},
		{"client to another port", ns["client"], at[one], 7777, ""},
		{"client to the bastion", ns["client"], at[bastion], 22, ""},
		{"outsider to the load balancer", ns["outsider"], s.balancer(t, n.stack), 9092, ""},
		{"node to the port for clients", ns[two], at[one], 9092, ""},
		{"node to node, SSH", ns[two], at[one], 22, ""},
		{"node to node, another port", ns[two], at[one], 7777, ""},
		{"node to the bastion", ns[two], at[bastion], 22, ""},
		{"bastion to the quorum", ns[bastion], at[one], 9093, ""},
		{"bastion to another port", ns[bastion], at[one], 7777, ""},
		{"node to the client", ns[one], at["client"], 22, ""},
		{"stranger to the bastion", s.lab(t).Internet, s.alias(t), 22, "198.51.100.10"},
		{"node to another port of the web", ns[one], "198.51.100.80", 8080, ""},
	} {
		if f.open() {
			t.Errorf("%s gets through to port %d", f.name, f.port)
		}
	}
}

func (n networkStory) destroyLeavesThePeer(t *testing.T, s story) {
	s.must(t, "destroy", "--stack", n.stack, "--yes")
	left := s.aws(t, fmt.Sprintf(`
t = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [%q]}])["RouteTables"]
print([r["DestinationCidrBlock"] for x in t for r in x["Routes"]])`, n.peer))
	if left != "['10.9.0.0/16', '0.0.0.0/0']" {
		t.Errorf("the peer's routes are %s", left)
	}
}
