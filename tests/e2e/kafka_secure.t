#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A broker that speaks TLS only and wants to know who comes: right and wrong credentials, the wrong CA, the wrong host, a
# user who may not write. What is wrong is named in status, no secret is shown, and the files go on. A reload with what is
# right delivers what was held, none lost.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/kafka/lib.sh"
kafka_fetch || skip_all "$KAFKA_MISSING"
command -v openssl >/dev/null || skip_all "openssl is not installed"

# ca NAME: a CA of its own; signed NAME CA: a key and a certificate for 127.0.0.1
mkdir -m 755 "$T/tls"
ca() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$T/tls/$1.key" -out "$T/tls/$1.pem" 2>/dev/null; }
signed() {
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$T/tls/$1.key" -out "$T/tls/$1.csr" 2>/dev/null &&
		openssl x509 -req -days 2 -in "$T/tls/$1.csr" -CA "$T/tls/$2.pem" -CAkey "$T/tls/$2.key" -CAcreateserial \
			-extfile <(echo subjectAltName=IP:127.0.0.1) -out "$T/tls/$1.pem" 2>/dev/null &&
		cat "$T/tls/$1.key" "$T/tls/$1.pem" >"$T/tls/$1.both"
}
check "keys and certificates" eval "ca right && ca wrong && signed server right && signed client right"
jaas="org.apache.kafka.common.security"
KAFKA_LISTENERS="SASL:SASL_SSL MUTUAL:SSL"
KAFKA_FORMAT="--add-scram SCRAM-SHA-256=[name=agent,password=s3cret-right]"
check "a broker with TLS, SASL and an authorizer starts" eval 'kafka_setup ssl.keystore.type=PEM ssl.keystore.location=$T/tls/server.both \
	ssl.truststore.type=PEM ssl.truststore.location=$T/tls/right.pem listener.name.mutual.ssl.client.auth=required \
	sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256 \
	"listener.name.sasl.scram-sha-256.sasl.jaas.config=$jaas.scram.ScramLoginModule required;" \
	"listener.name.sasl.plain.sasl.jaas.config=$jaas.plain.PlainLoginModule required user_agent=s3cret-right user_guest=s3cret-right;" \
	authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer \
	"super.users=User:ANONYMOUS;User:agent;User:CN=client" && kafka_up'

# configure CA PASSWORD: sinkd.yaml
mkdir -p "$T/conf"
echo s3cret-right >"$T/tls/right.password"
echo s3cret-wrong >"$T/tls/wrong.password"
chmod 644 "$T"/tls/*
configure() {
	cat >"$T/conf/sinkd.yaml" <<Y
kafka:
  brokers: 127.0.0.1:$PORT_SASL
  topic: "{program}"
  settings:
    security.protocol: sasl_ssl
    ssl.ca.location: $T/tls/$1.pem
    ssl.certificate.location: $T/tls/client.pem
    ssl.key.location: $T/tls/client.key
    sasl.mechanism: SCRAM-SHA-256
    sasl.username: agent
    sasl.password_file: $T/tls/$2.password
Y
}
program scram true
program plain "{ settings: { sasl.mechanism: PLAIN } }"
program mutual "{ brokers: \"127.0.0.1:$PORT_MUTUAL\", settings: { security.protocol: ssl } }"
program nobody "{ settings: { sasl.username: nobody } }"
program guest "{ settings: { sasl.mechanism: PLAIN, sasl.username: guest } }"
program host "{ brokers: \"localhost:$PORT_MUTUAL\", settings: { security.protocol: ssl } }"
well="scram plain mutual" bad="nobody guest host"
configure right right
start x --config "$T/conf" "$T"/{scram,plain,mutual,nobody,guest,host}.yaml || { not_ok "an instance gets ready"; done_testing; }
ok "an instance with six programs gets ready"
ticker 1000
for p in $well; do check "$p: all is delivered" wait_for 20 sink_is $p kafka acked 1000; done
for p in $bad; do check "$p: the file has all" wait_for 10 sink_is $p file acked 1000; done
said "wrong credentials are said" 'nobody: Kafka: .*127.0.0.1:[0-9]*.*[Aa]uthentication fail'
said "a topic that is refused is said" 'guest: topic guest: .*[Tt]opic authorization failed'
said "a certificate of another host is said" 'host: Kafka: .*localhost.*(certificate verify failed|verify)'
for p in $bad; do is "$p: what is not delivered is pending" "$(sink $p kafka pending)" 1000; done
shown() { ctl config sinkd; ctl status --json; ctl show nobody; cat "$T/x.err"; }
is "no secret is shown anywhere" "$(shown | grep -c 's3cret')" 0
check "but whence it comes is" eval 'ctl config sinkd | grep "sasl.password_file.*right.password"'

reload() { kill -HUP "$(daemon_pid sinkd)"; }
configure wrong right
reload
said "with the wrong CA, that is said" 'scram: Kafka: .*certificate verify failed'
ticker 500 1000
check "the file goes on" wait_for 10 sink_is scram file acked 1500
is "what is not delivered is pending" "$(sink scram kafka pending)" 500
configure right wrong
reload
said "with the wrong password, that is said" 'scram: Kafka: .*[Aa]uthentication fail'
echo "kafka: { settings: { acks: 1 } }" >"$T/conf/sinkd.yaml"
reload
refused() { grep -q 'sinkd.yaml:1: .*acks cannot be set to anything but all' "$T/x.err"; }
check "a reload that would break a promise is refused by file and line" wait_for 10 refused
configure right right
reload
for p in $well; do check "$p: with what is right, the rest is delivered" wait_for 30 sink_is $p kafka acked 1500; done
quiet() { ! says 'scram: |plain: |mutual: '; }
check "and nobody speaks of them any more" wait_for 10 quiet
check "the ledger balances" eval "ctl ledger --json | json_is .balanced"
check "programs with a dead Kafka are unloaded by force" eval "ctl unload --force nobody && ctl unload --force guest && ctl unload --force host"
for p in $well; do
	kafka_read "$p" '%s\n' | grep -o '"n":[0-9]*' | cut -d: -f2 >"$T/got"
	is "$p: none is missing" "$(sort -nu "$T/got" | cksum)" "$(seq 0 1499 | cksum)"
	check "$p: repeats are as the ledger says" test $(($(wc -l <"$T/got") - 1500)) -le "$(sink "$p" kafka resent)"
done
check "stops orderly" stop
kafka_down
done_testing
