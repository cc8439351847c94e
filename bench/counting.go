package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"kraftstack/lab"
)

// counting is the counting pair of tests/counting under way, in the network of a
// stack's bastion.
type counting struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Reader
}

// counted is what it says at its end.
type counted struct {
	Acked, Unknown, Refused int

	Phases []struct {
		Name      string
		Failed    int
		P99Millis float64
	}
	Faults []struct {
		Check    string
		Count    int
		Examples []string
	}
}

// countingRate is in records a second, few enough for brokers that share two cores
// with all else.
const countingRate = "400"

// count builds the pair and starts it on a topic of its own.
func (s *site) count(ctx context.Context, topic string) (*counting, error) {
	binary := filepath.Join(s.work, "counting")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./tests/counting")
	build.Dir = s.source
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the counting pair: %w: %s", err, text)
	}
	client, err := s.clientFile(ctx)
	if err != nil {
		return nil, err
	}
	namespace, err := s.bastionNetwork(ctx)
	if err != nil {
		return nil, err
	}
	// Not bound to ctx: stop and quit end it, and the first wants its report.
	c := &counting{cmd: exec.Command("nsenter", "--net="+namespace, binary, "--client", client, "--resolver", labResolver,
		"--topic", topic, "--rate", countingRate, "--min-rate", "100")}
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.lines, c.cmd.Stderr = bufio.NewReader(output), s.out
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the counting pair: %w", err)
	}
	if err := c.expect("running"); err != nil {
		return nil, errors.Join(err, c.quit())
	}
	return c, nil
}

// labResolver answers in every VPC of the lab's stacks, as in EC2: the network's
// second address.
const labResolver = "10.0.0.2"

var locationLine = regexp.MustCompile(`(?m)^ssl\.\w+\.location=(.+)$`)

// clientFile is the bastion's own client.properties with what it refers to.
func (s *site) clientFile(ctx context.Context) (string, error) {
	text, err := s.onHost(ctx, "bastion", "sudo cat /etc/kafka/client.properties")
	if err != nil {
		return "", err
	}
	files := map[string]string{}
	for _, location := range locationLine.FindAllStringSubmatch(text, -1) {
		name := filepath.Base(location[1])
		if files[name], err = s.onHost(ctx, "bastion", "sudo cat "+location[1]); err != nil {
			return "", err
		}
		text = strings.ReplaceAll(text, location[1], filepath.Join(s.dir, "client", name))
	}
	files["client.properties"] = text
	return filepath.Join(s.dir, "client", "client.properties"), writeFiles(filepath.Join(s.dir, "client"), files)
}

// bastionNetwork is the file of its network namespace.
func (s *site) bastionNetwork(ctx context.Context) (string, error) {
	found, err := lab.Status(ctx, lab.Options{})
	if err != nil {
		return "", err
	}
	for _, host := range found.Hosts {
		if host.Name == s.stack+"-bastion" {
			return host.Namespace, nil
		}
	}
	return "", fmt.Errorf("the lab has no host %s-bastion", s.stack)
}

func (c *counting) expect(want string) error {
	line, err := c.lines.ReadString('\n')
	if got := strings.TrimSpace(line); err != nil || got != want {
		return fmt.Errorf("the counting pair says %q (%w), want %q", got, err, want)
	}
	return nil
}

// during does something and tells the pair of it.
func (c *counting) during(action string, do func() error) error {
	if _, err := fmt.Fprintln(c.input, "begin "+action); err != nil {
		return err
	}
	if err := c.expect("begun " + action); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.input, "end "+action); err != nil {
		return err
	}
	return c.expect("ended " + action)
}

// stop ends the pair and returns its report. A fault that its checks found is an
// error: nothing that was measured would count.
func (c *counting) stop() (r counted, err error) {
	if _, err := fmt.Fprintln(c.input, "stop"); err != nil {
		return r, err
	}
	if err := json.NewDecoder(c.lines).Decode(&r); err != nil {
		return r, fmt.Errorf("read the counting pair's report: %w", err)
	}
	_ = c.cmd.Wait() // its exit code repeats the faults
	c.cmd = nil
	if len(r.Faults) > 0 {
		return r, fmt.Errorf("the counting pair found faults: %+v", r.Faults)
	}
	return r, nil
}

// quit ends a pair whose report nobody wants any more.
func (c *counting) quit() error {
	if c.cmd == nil {
		return nil
	}
	err := c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
