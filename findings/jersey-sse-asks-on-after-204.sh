#!/usr/bin/env bash
# Jersey's event source asks again every half second after a 204, for ever, and tells nobody.
# Package: org.glassfish.jersey.media:jersey-media-sse 3.1.11 (Maven).
# A good guess: 204 tells a client to stop, as the specification of server-sent events has it: onComplete is called, and the source is no
# longer open. Seen: neither onComplete nor onError is called, isOpen() stays true, and the source asks again after each pause; the same at
# a 503 without Retry-After. A comment, an id alone, and half an event at which a stream broke off, are each handed on as an event.
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
    <dependency><groupId>org.glassfish.jersey.media</groupId><artifactId>jersey-media-sse</artifactId><version>3.1.11</version></dependency>
    <dependency><groupId>org.glassfish.jersey.inject</groupId><artifactId>jersey-hk2</artifactId><version>3.1.11</version></dependency>
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
import java.util.concurrent.atomic.AtomicInteger;

public class Look {
  record Seen(List<String> heard, int asked, boolean isOpen) {}

  /** What is heard in three seconds of a server that answers the first request with `body`, unless it is null, and the others with `status`. */
  static Seen watch(String body, int status) throws Exception {
    AtomicInteger asked = new AtomicInteger();
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      if (asked.incrementAndGet() == 1 && body != null) {
        exchange.getResponseHeaders().set("content-type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      } else {
        exchange.sendResponseHeaders(status, -1);
      }
      exchange.close();
    });
    server.start();
    List<String> heard = Collections.synchronizedList(new ArrayList<>());
    var target = ClientBuilder.newClient().target("http://127.0.0.1:" + server.getAddress().getPort());
    SseEventSource source = SseEventSource.target(target).build();
    source.register(event -> heard.add("<" + event.readData() + ">"), error -> heard.add("error"), () -> heard.add("complete"));
    source.open();
    Thread.sleep(3000);
    Seen seen = new Seen(List.copyOf(heard), asked.get(), source.isOpen());
    source.close();
    return seen;
  }

  public static void main(String[] args) throws Exception {
    Seen none = watch(null, 204);
    Seen busy = watch(null, 503);
    Seen stream = watch(": hello\n\nid: 1\n\ndata: one\n\ndata: ha", 204);
    System.out.println("204:      " + none);
    System.out.println("503:      " + busy);
    System.out.println("a stream: " + stream);
    boolean same = none.heard().isEmpty() && busy.heard().isEmpty() && stream.heard().equals(List.of("<>", "<>", "<one>", "<ha>"));
    for (Seen it : List.of(none, busy, stream)) same &= it.isOpen() && it.asked() >= 3;
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
