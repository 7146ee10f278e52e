#!/usr/bin/env bash
# Unirest's client of server-sent events gives a refused stream as an empty one: a 401, 404, 429 or 503 is no error, and its status nowhere.
# Package: com.konghq:unirest-java-core 4.5.0 (Maven).
# A good guess: `sse(url).connect()` throws if the answer is no stream, or says its status. Seen: the stream of events has none, and its end is that of a
# good one; the form with a handler completes its future too. What the server said is lost, and so is its `Retry-After`.
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
    <dependency><groupId>com.konghq</groupId><artifactId>unirest-java-core</artifactId><version>4.5.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import kong.unirest.core.Unirest;
import kong.unirest.core.UnirestException;

public class Look {
  static volatile int status;

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      boolean good = status == 200;
      exchange.getResponseHeaders().set("Content-Type", good ? "text/event-stream" : "application/json");
      if (!good) exchange.getResponseHeaders().set("Retry-After", "5");
      exchange.sendResponseHeaders(status, 0);
      exchange.getResponseBody().write((good ? "data: one\n\n" : "{\"error\":\"refused\"}").getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/";
    boolean same = true;
    for (int code : new int[] {200, 401, 404, 429, 503}) {
      status = code;
      List<String> pulled = new ArrayList<>();
      List<String> pushed = Collections.synchronizedList(new ArrayList<>());
      try {
        Unirest.sse(url).connect().forEach(event -> pulled.add(event.data()));
        pulled.add("end");
      } catch (UnirestException failure) {
        pulled.add("error");
      }
      try {
        Unirest.sse(url).connect(event -> pushed.add(event.data())).get();
        pushed.add("end");
      } catch (ExecutionException failure) {
        pushed.add("error");
      }
      System.out.println(code + ": " + pulled + ", with a handler " + pushed);
      List<String> want = code == 200 ? List.of("one", "end") : List.of("end");
      same &= pulled.equals(want) && pushed.equals(want);
    }
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
