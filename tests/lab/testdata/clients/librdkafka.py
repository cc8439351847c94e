"""Moves records with confluent-kafka, from a file of client-config as it is.

    librdkafka.py CONFIGURATION TOPIC GROUP COUNT
"""
import sys
import time

from confluent_kafka import Consumer, Producer

path, topic, group, count = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    settings = dict(line.rstrip("\n").split("=", 1) for line in file if not line.startswith("#"))

refused = []
producer = Producer({**settings, "acks": "all", "message.timeout.ms": 20000, "error_cb": lambda error: refused.append(error)})
for i in range(int(count)):
    producer.produce(topic, str(i), on_delivery=lambda error, _: error and refused.append(error))
producer.flush(30)
if refused:
    sys.exit(f"refused: {refused[0].name()}")

consumer = Consumer({**settings, "group.id": group, "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
read, deadline = 0, time.monotonic() + 40
while read < int(count) and time.monotonic() < deadline:
    record = consumer.poll(1)
    if record is None:
        continue
    if record.error():
        sys.exit(f"refused: {record.error().name()}")
    read += 1
consumer.close()
print(f"moved {read}")
