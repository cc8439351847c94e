package dist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// copyDependencies is the Maven goal that fetches jars without building
// anything, pinned so that a day's newest plugin changes nothing.
const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

// fetchJars brings the jars of a Kafka version into work/libs and returns their
// paths, sorted. Maven keeps what it fetched in its own local repository, so a
// second version shares most of it.
func fetchJars(ctx context.Context, work, version string) ([]string, error) {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return nil, errors.New("mvn is not on the PATH; next: apt-get install maven")
	}
	pom, err := files.ReadFile("files/pom.xml")
	if err != nil {
		return nil, fmt.Errorf("read the list of jars: %w", err)
	}
	pomFile := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(pomFile, pom, 0o644); err != nil {
		return nil, fmt.Errorf("write the list of jars: %w", err)
	}
	libs := filepath.Join(work, "libs")
	// --strict-checksums: a jar that is not the one its publisher summed is an
	// error instead of a warning.
	cmd := exec.CommandContext(ctx, mvn, "--batch-mode", "--quiet", "--strict-checksums", "-Dstyle.color=never",
		"--file", pomFile, "-Dkafka.version="+version, "-DincludeScope=runtime",
		"-DoutputDirectory="+libs, copyDependencies)
	cmd.Dir = work
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("fetch jars with mvn: %w: %s; next: check that this version exists and that Maven Central is reachable", err, firstErrors(output.String()))
	}
	jars, err := filepath.Glob(filepath.Join(libs, "*.jar"))
	if err != nil {
		return nil, fmt.Errorf("list the jars: %w", err)
	}
	if len(jars) == 0 {
		return nil, errors.New("fetch jars with mvn: it said nothing and brought nothing")
	}
	sort.Strings(jars)
	return jars, nil
}

// firstErrors is the part of Maven's output that says what is wrong: the rest
// is advice on its own switches.
func firstErrors(output string) string {
	var found []string
	for line := range strings.SplitSeq(output, "\n") {
		// Not a prefix: mvn may write terminal codes before it.
		_, text, isError := strings.Cut(line, "[ERROR] ")
		if isError && text != "" && len(found) < 1 {
			found = append(found, strings.TrimSpace(text))
		}
	}
	if len(found) == 0 {
		return strings.TrimSpace(output)
	}
	return strings.Join(found, " | ")
}
