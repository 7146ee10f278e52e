#!/usr/bin/env bash
# CXF's event source says that it is complete at the end of each stream, and goes on: it asks again, and hands on more events.
# Package: org.apache.cxf:cxf-rt-rs-sse 4.1.5 (Maven).
# A good guess: onComplete comes last and once, as the API's documentation has it, a 404 ends the source, since it asks again after a 503
# with `Retry-After` alone, and the last id is kept where an event has none. Seen: each stream that ends is "complete", and the events of the
# next one follow. A 404 is an onError and asked again after each pause, for ever. Behind an event without an id, the next request has no
# `Last-Event-ID`, so the events of a server that goes on from there come again.
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
    <dependency><groupId>org.apache.cxf</groupId><artifactId>cxf-rt-rs-sse</artifactId><version>4.1.5</version></dependency>
    <dependency><groupId>org.apache.cxf</groupId><artifactId>cxf-rt-rs-client</artifactId><version>4.1.5</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import jakarta.ws.rs.client.ClientBuilder;
import jakarta.ws.rs.sse.SseEventSource;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

public class Look {
  record Seen(List<String> heard, List<String> lastIds) {}

  /** What is heard in four seconds of a server that answers with each of `streams` and then with 404, and the last ids that it was sent. */
  static Seen watch(String... streams) throws Exception {
    List<String> lastIds = Collections.synchronizedList(new ArrayList<>());
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      int turn = lastIds.size();
      lastIds.add(exchange.getRequestHeaders().getFirst("Last-Event-ID"));
      if (turn < streams.length) {
        exchange.getResponseHeaders().set("content-type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        exchange.getResponseBody().write(streams[turn].getBytes(StandardCharsets.UTF_8));
      } else {
        exchange.sendResponseHeaders(404, -1);
      }
      exchange.close();
    });
    server.start();
    List<String> heard = Collections.synchronizedList(new ArrayList<>());
    var target = ClientBuilder.newClient().target("http://127.0.0.1:" + server.getAddress().getPort());
    SseEventSource source = SseEventSource.target(target).reconnectingEvery(200, TimeUnit.MILLISECONDS).build();
    source.register(event -> heard.add(event.readData()), error -> heard.add(error.getMessage()), () -> heard.add("complete"));
    source.open();
    Thread.sleep(4000);
    source.close(1, TimeUnit.SECONDS);
    server.stop(0);
    return new Seen(List.copyOf(heard), new ArrayList<>(lastIds));
  }

  public static void main(String[] args) throws Exception {
    Seen streams = watch("id: 1\ndata: one\n\ndata: two\n\n", "data: three\n\n");
    Seen none = watch();
    System.out.println("streams: " + streams);
    System.out.println("404:     " + none);
    // whether it asks a third time after the streams differs from run to run
    boolean same = streams.heard().subList(0, Math.min(4, streams.heard().size())).equals(List.of("one", "two", "complete", "three"));
    same &= streams.lastIds().get(1) == null;
    same &= none.heard().size() > 3 && none.heard().stream().allMatch("HTTP 404 Not Found"::equals);
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
