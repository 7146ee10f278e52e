#!/usr/bin/env bash
# Micrometer shows a counter `jobs.created` to Prometheus as `jobs_total`, or not at all if there is a counter `jobs`, and a gauge `model.info` as 1.
# Package: io.micrometer:micrometer-registry-prometheus 1.15.4 (Maven).
# A good guess: `jobs.created` is `jobs_created_total`, as `jobs.failed` is `jobs_failed_total`, and a gauge of 3 is 3. Seen: the end of the name is
# cut off as one that Prometheus reserves, so two meters may have one name; if their tags differ, the second goes on counting and is in no
# scrape, which a warning in the log tells. A gauge whose name ends in `info` has the value 1, whatever it measures.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>look</groupId>
  <artifactId>look</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>io.micrometer</groupId><artifactId>micrometer-registry-prometheus</artifactId><version>1.15.4</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.stream.Collectors;

public class Look {
  static final Integer MODELS = 3;

  static String scrape(PrometheusMeterRegistry registry) {
    return registry.scrape().lines().filter(line -> !line.startsWith("#")).sorted().collect(Collectors.joining("; "));
  }

  static PrometheusMeterRegistry registry() {
    return new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  }

  public static void main(String[] args) {
    var one = registry();
    one.counter("jobs.failed").increment();
    one.counter("jobs.created").increment(2);
    one.gauge("model.info", MODELS);
    var two = registry();
    two.counter("jobs", "model", "m").increment();
    two.counter("jobs.created", "lane", "l").increment(2);
    System.out.println("jobs.failed, jobs.created, model.info: " + scrape(one));
    System.out.println("jobs of a model, jobs.created of a lane: " + scrape(two));
    System.out.println("which has counted: " + two.counter("jobs.created", "lane", "l").count());
    boolean same = scrape(one).equals("jobs_failed_total 1.0; jobs_total 2.0; model_info 1");
    System.exit(same && scrape(two).equals("jobs_total{model=\"m\"} 1.0") && two.counter("jobs.created", "lane", "l").count() == 2 ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
