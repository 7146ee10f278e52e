#!/usr/bin/env bash
# Micronaut's client of server-sent events fails at a comment, an id or a `retry` that stands alone, and joins lines of data without a line end.
# Packages: io.micronaut:micronaut-http-client 4.10.15, io.micronaut:micronaut-jackson-databind 4.10.15 (Maven).
# A good guess: a comment keeps a connection open and means nothing, `retry` alone is how servers begin a stream, and two lines of data are one
# text with a line end between. Seen: each block without data ends the stream with "Cannot read the array length because "array" is null",
# and what comes behind it is lost. Two lines `a` and `b` are "ab". A comment in a block with data is read.
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
    <dependency><groupId>io.micronaut</groupId><artifactId>micronaut-http-client</artifactId><version>4.10.15</version></dependency>
    <dependency><groupId>io.micronaut</groupId><artifactId>micronaut-jackson-databind</artifactId><version>4.10.15</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.client.exceptions.HttpClientException;
import io.micronaut.http.client.sse.SseClient;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import reactor.core.publisher.Flux;

public class Look {
  static volatile String body = "";

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getResponseHeaders().set("content-type", "text/event-stream");
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    SseClient client = SseClient.create(URI.create("http://127.0.0.1:" + server.getAddress().getPort()).toURL());
    Map<String, String> bodies = new LinkedHashMap<>();
    bodies.put("plain", "id: 1\ndata: one\n\ndata: two\n\n");
    bodies.put("a comment within", ": keep-alive\nid: 1\ndata: one\n\ndata: two\n\n");
    bodies.put("two lines", "data: a\ndata: b\n\n");
    bodies.put("a comment", ": keep-alive\n\ndata: one\n\n");
    bodies.put("retry", "retry: 1000\n\ndata: one\n\n");
    bodies.put("an id", "id: 1\n\ndata: one\n\n");
    List<List<String>> all = new ArrayList<>();
    for (var it : bodies.entrySet()) {
      body = it.getValue();
      List<String> seen = new ArrayList<>();
      try {
        Flux.from(client.eventStream(HttpRequest.GET("/"), String.class)).doOnNext(event -> seen.add(event.getData())).blockLast();
        seen.add("complete");
      } catch (HttpClientException failure) {
        seen.add("error");
      }
      System.out.println(it.getKey() + ": " + seen);
      all.add(seen);
    }
    List<String> two = List.of("one", "two", "complete");
    List<String> error = List.of("error");
    System.exit(all.equals(List.of(two, two, List.of("ab", "complete"), error, error, error)) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
