"""Moves records with kafka-python, from a file of client-config as it is: the
JSON form, whose fields are this library's under other names.

    kafkapython.py CONFIGURATION TOPIC GROUP COUNT
"""
import json
import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

path, topic, group, count = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    given = json.load(file)
settings = {"bootstrap_servers": given["seedBrokers"], "security_protocol": "SSL", "ssl_cafile": given["tls"]["caFile"]}
if "sasl" in given:
    settings.update(security_protocol="SASL_SSL", sasl_mechanism=given["sasl"]["mechanism"],
                    sasl_plain_username=given["sasl"]["user"], sasl_plain_password=given["sasl"]["password"])
else:
    settings.update(ssl_certfile=given["tls"]["certFile"], ssl_keyfile=given["tls"]["keyFile"])

try:
    producer = KafkaProducer(**settings, acks="all")
    for sent in [producer.send(topic, str(i).encode()) for i in range(int(count))]:
        sent.get(timeout=30)
    producer.close()
    consumer = KafkaConsumer(topic, **settings, group_id=group, auto_offset_reset="earliest", consumer_timeout_ms=30000)
    read = 0
    for _ in consumer:
        read += 1
        if read == int(count):
            break
    consumer.close()
except KafkaError as error:
    sys.exit(f"refused: {type(error).__name__}")
print(f"moved {read}")
