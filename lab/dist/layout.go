package dist

import (
	"archive/zip"
	"fmt"
	"path/filepath"
	"strings"
)

// item is one file of the archive: its content is in the recipe or, for a jar,
// on disk.
type item struct {
	path    string // inside the archive, with slashes
	mode    int64
	content []byte
	file    string // read instead of content where it is set
}

// tool is a launcher in bin/ and the class it runs. Some classes move from one
// jar and package to another between versions: the first that exists is taken.
type tool struct {
	name    string
	classes []string
}

var tools = []tool{
	{"kafka-acls.sh", []string{"org.apache.kafka.tools.AclCommand", "kafka.admin.AclCommand"}},
	{"kafka-broker-api-versions.sh", []string{"org.apache.kafka.tools.BrokerApiVersionsCommand", "kafka.admin.BrokerApiVersionsCommand"}},
	{"kafka-client-metrics.sh", []string{"org.apache.kafka.tools.ClientMetricsCommand"}},
	{"kafka-cluster.sh", []string{"org.apache.kafka.tools.ClusterTool"}},
	{"kafka-configs.sh", []string{"org.apache.kafka.tools.ConfigCommand", "kafka.admin.ConfigCommand"}},
	{"kafka-console-consumer.sh", []string{"org.apache.kafka.tools.consumer.ConsoleConsumer"}},
	{"kafka-console-producer.sh", []string{"org.apache.kafka.tools.ConsoleProducer"}},
	{"kafka-consumer-groups.sh", []string{"org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"}},
	{"kafka-consumer-perf-test.sh", []string{"org.apache.kafka.tools.ConsumerPerformance"}},
	{"kafka-delete-records.sh", []string{"org.apache.kafka.tools.DeleteRecordsCommand"}},
	{"kafka-dump-log.sh", []string{"org.apache.kafka.tools.DumpLogSegments", "kafka.tools.DumpLogSegments"}},
	{"kafka-features.sh", []string{"org.apache.kafka.tools.FeatureCommand"}},
	{"kafka-get-offsets.sh", []string{"org.apache.kafka.tools.GetOffsetShell"}},
	{"kafka-groups.sh", []string{"org.apache.kafka.tools.GroupsCommand"}},
	{"kafka-jmx.sh", []string{"org.apache.kafka.tools.JmxTool"}},
	{"kafka-leader-election.sh", []string{"org.apache.kafka.tools.LeaderElectionCommand"}},
	{"kafka-log-dirs.sh", []string{"org.apache.kafka.tools.LogDirsCommand"}},
	{"kafka-metadata-quorum.sh", []string{"org.apache.kafka.tools.MetadataQuorumCommand"}},
	{"kafka-producer-perf-test.sh", []string{"org.apache.kafka.tools.ProducerPerformance"}},
	{"kafka-reassign-partitions.sh", []string{"org.apache.kafka.tools.reassign.ReassignPartitionsCommand"}},
	{"kafka-replica-verification.sh", []string{"org.apache.kafka.tools.ReplicaVerificationTool"}},
	{"kafka-storage.sh", []string{"org.apache.kafka.tools.StorageTool", "kafka.tools.StorageTool"}},
	{"kafka-topics.sh", []string{"org.apache.kafka.tools.TopicCommand"}},
	{"kafka-transactions.sh", []string{"org.apache.kafka.tools.TransactionsCommand"}},
	{"kafka-verifiable-consumer.sh", []string{"org.apache.kafka.tools.VerifiableConsumer"}},
	{"kafka-verifiable-producer.sh", []string{"org.apache.kafka.tools.VerifiableProducer"}},
}

// verbatim lists the recipe's files that enter the archive as they are.
var verbatim = []struct {
	path string
	mode int64
}{
	{"bin/kafka-run-class.sh", 0o755},
	{"bin/kafka-server-start.sh", 0o755},
	{"bin/kafka-server-stop.sh", 0o755},
	{"config/log4j2.yaml", 0o644},
	{"config/server.properties", 0o644},
	{"config/tools-log4j2.yaml", 0o644},
	{"NOTICE", 0o644},
}

// layout lists what goes into the archive of a version, given its jars. A
// launcher whose class is in none of them is an error: it would fail only in the
// hands of whoever needs it.
func layout(version string, jars []string) ([]item, error) {
	root := Name(version) + "/"
	var items []item
	for _, source := range verbatim {
		content, err := files.ReadFile("files/" + source.path)
		if err != nil {
			return nil, fmt.Errorf("read the recipe: %w", err)
		}
		items = append(items, item{path: root + source.path, mode: source.mode, content: content})
	}
	template, err := files.ReadFile("files/bin/tool.sh")
	if err != nil {
		return nil, fmt.Errorf("read the recipe: %w", err)
	}
	classes, err := kafkaClasses(jars)
	if err != nil {
		return nil, err
	}
	for _, tool := range tools {
		class, err := tool.class(classes)
		if err != nil {
			return nil, err
		}
		content := strings.ReplaceAll(string(template), "@CLASS@", class)
		items = append(items, item{path: root + "bin/" + tool.name, mode: 0o755, content: []byte(content)})
	}
	for _, jar := range jars {
		items = append(items, item{path: root + "libs/" + filepath.Base(jar), mode: 0o644, file: jar})
	}
	return items, nil
}

func (t tool) class(known map[string]bool) (string, error) {
	for _, class := range t.classes {
		if known[class] {
			return class, nil
		}
	}
	return "", fmt.Errorf("%s: none of the jars has its class (%s); next: add where this Kafka version keeps it to lab/dist/layout.go",
		t.name, strings.Join(t.classes, ", "))
}

// kafkaClasses lists the top-level classes in Kafka's own jars.
func kafkaClasses(jars []string) (map[string]bool, error) {
	classes := map[string]bool{}
	for _, jar := range jars {
		if !strings.HasPrefix(filepath.Base(jar), "kafka") {
			continue
		}
		reader, err := zip.OpenReader(jar)
		if err != nil {
			return nil, fmt.Errorf("look into %s: %w", filepath.Base(jar), err)
		}
		for _, entry := range reader.File {
			name, isClass := strings.CutSuffix(entry.Name, ".class")
			if isClass && !strings.Contains(name, "$") {
				classes[strings.ReplaceAll(name, "/", ".")] = true
			}
		}
		if err := reader.Close(); err != nil {
			return nil, fmt.Errorf("look into %s: %w", filepath.Base(jar), err)
		}
	}
	return classes, nil
}
