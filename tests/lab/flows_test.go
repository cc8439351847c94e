package lab_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kraftstack/lab/image"
)

// flow is one thing that one place wants of another: a TCP connection.
type flow struct {
	name string
	from string // path of a network namespace
	to   string // address
	port int
	as   string // the address that it comes from; empty: the host's own
}

// operator is where the lab's administrators are.
const operator = "203.0.113.10"

// patience is how long a connection may take: a firewall's silence ends it. The
// kernels of both sides make it without any process, so it is far too long.
const patience = 500 * time.Millisecond

// open says whether the connection comes about.
func (f flow) open() bool {
	dialer := net.Dialer{Timeout: patience}
	if f.as != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(f.as)}
	}
	var conn net.Conn
	err := inNamespace(f.from, func() (err error) {
		conn, err = dialer.Dial("tcp4", net.JoinHostPort(f.to, strconv.Itoa(f.port)))
		return err
	})
	return err == nil && conn.Close() == nil
}

// inNamespace runs do on a thread in the network namespace at that path. What do
// opens stays there; the thread ends with it.
func inNamespace(path string, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: nobody else may get this thread
		namespace, err := os.Open(path)
		if err == nil {
			err = errors.Join(unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET), namespace.Close())
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}

// namespaces maps the names of all hosts to their network namespaces.
func (s story) namespaces(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, host := range s.lab(t).Hosts {
		found[host.Name] = host.Namespace
	}
	return found
}

// addresses maps the names of all hosts to their private addresses.
func (s story) addresses(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, host := range s.lab(t).Hosts {
		found[host.Name] = host.PrivateIP
	}
	return found
}

// root runs a shell command on a host as root, without SSH: on hosts that are
// no part of a stack.
func (s story) root(t *testing.T, host, command string) string {
	t.Helper()
	for _, h := range s.lab(t).Hosts {
		if h.Name != host {
			continue
		}
		c := exec.Command("nsenter", "--target", fmt.Sprint(h.Leader), "--all", "--", "bash", "-c", command)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("on %s: %s: %v\n%s", host, command, err, out)
		}
		return string(out)
	}
	t.Fatalf("there is no host %s", host)
	return ""
}

// aliases lists where Elastic IPs are in the lab's internet: it has a route to
// each.
func (s story) aliases(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("nsenter", "--net="+s.lab(t).Internet, "ip", "-4", "route").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 0 && strings.HasPrefix(fields[0], "198.18.") {
			found = append(found, fields[0])
		}
	}
	return found
}

// serve listens on a port of an address in a namespace until the test ends. It
// takes every connection: a queue that is full looks like a firewall.
func serve(t *testing.T, namespace, address string, port int) {
	t.Helper()
	var listener net.Listener
	err := inNamespace(namespace, func() (err error) {
		listener, err = net.Listen("tcp4", net.JoinHostPort(address, strconv.Itoa(port)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
}

// clientVPC makes a VPC with one host of that name, made through the AWS API as
// somebody else would, and returns the VPC's id.
func (s story) clientVPC(t *testing.T, name, cidr string) string {
	t.Helper()
	subnet := strings.TrimSuffix(cidr, "0.0/16") + "1.0/24"
	return s.aws(t, fmt.Sprintf(`
name, cidr, subnet = %q, %q, %q
vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
net = ec2.create_subnet(VpcId=vpc, CidrBlock=subnet, AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
host = ec2.run_instances(ImageId=%q, InstanceType="t3.small", MinCount=1, MaxCount=1, SubnetId=net,
  TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}])["Instances"][0]["InstanceId"]
address = ec2.allocate_address(Domain="vpc")["AllocationId"]
ec2.associate_address(AllocationId=address, InstanceId=host)
print(vpc)`, name, cidr, subnet, image.Prepared))
}

// defaultVPCHost starts a host of that name in the account's default VPC, until the
// test ends.
func (s story) defaultVPCHost(t *testing.T, name string) {
	t.Helper()
	made := strings.Fields(s.aws(t, fmt.Sprintf(`
vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
net = ec2.create_subnet(VpcId=vpc, CidrBlock="172.31.240.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
print(net, ec2.run_instances(ImageId="ami-0123456789abcdef0", InstanceType="t3.small", MinCount=1, MaxCount=1, SubnetId=net,
  TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": %q}]}])["Instances"][0]["InstanceId"])`, name)))
	t.Cleanup(func() {
		s.aws(t, fmt.Sprintf("ec2.terminate_instances(InstanceIds=[%q]); ec2.delete_subnet(SubnetId=%q)", made[1], made[0]))
	})
}

// preparedImage is the line of Pulumi.lab.yaml that has hosts boot with Java.
const preparedImage = "    # An image of the lab's own, which has Java. `ubuntu` works too: each host then\n    # installs it, as on AWS.\n    image: " + image.Prepared + "\n"

// archive is the archive's path on the lab's download server.
var archive = filepath.Join("kafka", "4.3.0", "kafka_2.13-4.3.0.tgz")
