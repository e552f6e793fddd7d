#!/usr/bin/env bash
# Runs a class of Kafka's jars; the tools are links to it.
set -e
case "$(basename "$0" .sh)" in
  kafka-configs) class=kafka.admin.ConfigCommand ;;
  kafka-storage) class=kafka.tools.StorageTool ;;
  kafka-server-start) class=kafka.Kafka ;;
  *) class=$1; shift ;;
esac
heap="-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
[ "$class" = kafka.Kafka ] && heap="${KAFKA_HEAP_OPTS:--Xms1G -Xmx1G} ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseG1GC} -Dorg.slf4j.simpleLogger.defaultLogLevel=info -Dorg.slf4j.simpleLogger.logFile=System.out"
exec java $heap -cp "/opt/kafka/libs/*" $class "$@"
