#!/usr/bin/env bash
# OpenTelemetry's Prometheus exporter for Java answers every scrape with 500 once there are counters `jobs` and `jobs.created`.
# Packages: io.opentelemetry:opentelemetry-exporter-prometheus 1.66.0-alpha, io.opentelemetry:opentelemetry-sdk 1.66.0 (Maven).
# A good guess: two counters of different names are two metrics, `jobs_total` and `jobs_created_total`, and one that can't be shown is left out with a
# warning, as the others must still be seen. Seen: `created` is cut off as what Prometheus reserves, both become `jobs`, and from then on no metric of the
# process is shown: a server whose code meets the second name for the first time an hour after its start goes dark. With tags that differ, the
# two are added up under one name.
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
    <dependency><groupId>io.opentelemetry</groupId><artifactId>opentelemetry-exporter-prometheus</artifactId><version>1.66.0-alpha</version></dependency>
    <dependency><groupId>io.opentelemetry</groupId><artifactId>opentelemetry-sdk</artifactId><version>1.66.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.exporter.prometheus.PrometheusHttpServer;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.stream.Collectors;

public class Look {
  /** The status of a scrape, and its lines of jobs and of temperatures. */
  static String scrape(int port) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics")).build();
    HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    return answer.statusCode() + answer.body().lines().filter(it -> it.matches("(jobs|temperature).*")).map(it -> ", " + it).collect(Collectors.joining());
  }

  static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  static String[] watch(Attributes ofJobs, Attributes ofCreated) throws Exception {
    int port = freePort();
    var exporter = PrometheusHttpServer.builder().setHost("127.0.0.1").setPort(port).setOtelScopeLabelsEnabled(false).build();
    try (var provider = SdkMeterProvider.builder().registerMetricReader(exporter).build()) {
      var meter = provider.get("look");
      meter.gaugeBuilder("temperature").build().set(60);
      meter.counterBuilder("jobs").build().add(1, ofJobs);
      String before = scrape(port);
      meter.counterBuilder("jobs.created").build().add(5, ofCreated);
      return new String[] {before, scrape(port)};
    }
  }

  public static void main(String[] args) throws Exception {
    String[] bare = watch(Attributes.empty(), Attributes.empty());
    AttributeKey<String> model = AttributeKey.stringKey("model");
    String[] tagged = watch(Attributes.of(model, "a"), Attributes.of(model, "b"));
    System.out.println("before:   " + bare[0] + "\nafter:    " + bare[1] + "\nwith tags: " + tagged[1]);
    boolean same = bare[0].equals("200, jobs_total 1.0, temperature 60.0") && bare[1].equals("500");
    System.exit(same && tagged[1].equals("200, jobs_total{model=\"a\"} 1.0, jobs_total{model=\"b\"} 5.0, temperature 60.0") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
