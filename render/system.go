package render

import (
	_ "embed"
	"fmt"

	"kraftstack/config"
)

//go:embed files/kafka.service
var unit string

//go:embed files/kafka-classes.service
var classesUnit string

//go:embed files/kafka-classes.timer
var classesTimer string

//go:embed files/log4j2.yaml
var log4j2 string

// Unit is kafka.service, the same on every node. Its settings are explained in
// the file itself.
func Unit() string { return unit }

// Log4j2 is the logging configuration: all of it into bounded files under
// LogDir, warnings and worse into the journal too. Kafka reads a changed file
// within half a minute, so it is no part of the generation.
func Log4j2() string { return log4j2 }

// regionHeap is the heap, in MiB, from which 16 MiB regions leave the
// collector enough of them; below it the JVM chooses.
const regionHeap = 4096

// JVMEnv is the environment of kafka.service: Kafka's version, which
// `kafka-node activate` links as the current one, and the JVM's settings. They
// are those of Kafka's own docs (docs/operations/java-version.md), with a heap
// of fixed size and an end of the process when memory runs out, so that systemd
// starts it anew instead of leaving half of it running.
func JVMEnv(s config.Stack) string {
	region := ""
	if config.HeapMiB(s.Kafka.Heap) >= regionHeap {
		region = " -XX:G1HeapRegionSize=16M"
	}
	return fmt.Sprintf(`# Written by kraftstack: change the stack file, not this file.
KAFKA_VERSION=%s
KAFKA_HEAP_OPTS="-Xms%[2]s -Xmx%[2]s"
KAFKA_JVM_PERFORMANCE_OPTS="-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35%[3]s -XX:MetaspaceSize=96m -XX:MinMetaspaceFreeRatio=50 -XX:MaxMetaspaceFreeRatio=80 -XX:+ExplicitGCInvokesConcurrent -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true"
KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=/etc/kafka/log4j2.yaml"
KAFKA_GC_LOG_OPTS="-Xlog:gc*:file=%[4]s/gc.log:time,tags:filecount=5,filesize=10M"
EXTRA_ARGS="-name kafkaServer"
LOG_DIR=%[4]s
`, s.Kafka.Version, s.Kafka.Heap, region, LogDir)
}
