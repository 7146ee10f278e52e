#!/usr/bin/env bash
# okhttp-sse closes a stream that breaks off as if it had ended, unless the break is inside a line of data: that is an IllegalArgumentException.
# Package: com.squareup.okhttp3:okhttp-sse 5.5.1 (Maven).
# A good guess: whether half an event stood at the end is told in the same way wherever the cut was, as an EOFException in onFailure or as
# onClosed. Seen: behind a whole line or in a field's name, onClosed; within a value of `data`, onFailure with "byteCount < 0: -1", which
# says nothing of an end. An id in a block without data is forgotten: the next event has none, where an EventSource keeps it.
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
    <dependency><groupId>com.squareup.okhttp3</groupId><artifactId>okhttp-sse</artifactId><version>5.5.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;

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
    Request request = new Request.Builder().url("http://127.0.0.1:" + server.getAddress().getPort()).build();
    EventSource.Factory factory = EventSources.createFactory(new OkHttpClient());
    String one = "id: 1\ndata: {\"n\":1}\n\n";
    String event = "1 {\"n\":1}";
    String[] bodies = {one + "id: 2\ndata: {\"n\":2}\n", one + "id: 2\nda", one + "id: 2\ndata: {\"n\"", "id: 7\n\ndata: x\n\n"};
    List<List<String>> expected = List.of(
        List.of(event, "closed"),
        List.of(event, "closed"),
        List.of(event, "java.lang.IllegalArgumentException: byteCount < 0: -1"),
        List.of("null x", "closed"));
    boolean same = true;
    for (int i = 0; i < bodies.length; i++) {
      body = bodies[i];
      List<String> seen = new ArrayList<>();
      CountDownLatch end = new CountDownLatch(1);
      factory.newEventSource(request, new EventSourceListener() {
        public void onEvent(EventSource source, String id, String type, String data) {
          seen.add(id + " " + data);
        }

        public void onClosed(EventSource source) {
          seen.add("closed");
          end.countDown();
        }

        public void onFailure(EventSource source, Throwable error, Response response) {
          seen.add(String.valueOf(error));
          end.countDown();
        }
      });
      end.await(10, TimeUnit.SECONDS);
      System.out.println(body.replace("\n", "\\n") + "   " + seen);
      same &= seen.equals(expected.get(i));
    }
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
