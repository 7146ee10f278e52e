#!/usr/bin/env bash
# Ratpack's client of server-sent events takes every space and colon off the beginning of a text, and gives nothing of a stream with CRLF.
# Packages: io.ratpack:ratpack-core 1.9.0, io.ratpack:ratpack-test 1.9.0 (Maven), whose harness runs the client.
# A good guess: of `data:  two` one space belongs to the format and the other to the text, as the standard has it, and lines may end in CRLF. Seen:
# all spaces and colons go, so words of a model that begin with a space run together, and `:)` becomes `)`. Lines that end in CRLF, as sse-starlette
# and Ktor write them, are no event at all: the stream is empty, without an error.
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
    <dependency><groupId>io.ratpack</groupId><artifactId>ratpack-core</artifactId><version>1.9.0</version></dependency>
    <dependency><groupId>io.ratpack</groupId><artifactId>ratpack-test</artifactId><version>1.9.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import ratpack.http.client.HttpClient;
import ratpack.http.client.HttpClientSpec;
import ratpack.sse.Event;
import ratpack.sse.ServerSentEventStreamClient;
import ratpack.test.exec.ExecHarness;

public class Look {
  static String read(String stream) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      byte[] body = stream.getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
    URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    try (ExecHarness harness = ExecHarness.harness();
        HttpClient client = HttpClient.of(HttpClientSpec::useJdkAddressResolver)) {
      var seen = harness.yield(it -> ServerSentEventStreamClient.of(client).request(uri).flatMap(events -> events.toList())).getValueOrThrow();
      return seen.stream().map(Event::getData).toList().toString();
    } finally {
      server.stop(0);
    }
  }

  public static void main(String[] args) throws Exception {
    String words = read("data: one\n\ndata:  two\n\ndata: :)\n\n");
    String crlf = read("data: one\r\n\r\ndata: two\r\n\r\n");
    System.out.println("`one`, ` two` and `:)`: " + words);
    System.out.println("with CRLF: " + crlf);
    System.exit(words.equals("[one, two, )]") && crlf.equals("[]") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
