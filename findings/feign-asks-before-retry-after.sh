#!/usr/bin/env bash
# Feign asks four times more before the time that `Retry-After` names, for a 409 and a POST too, and not at all where there is none.
# Package: io.github.openfeign:feign-core 13.6 (Maven).
# A good guess: after a 503 with `Retry-After: 5` the default client waits five seconds, or fails at once and leaves it to the caller. Seen: its
# Retryer cuts the pause to its own longest one, a second, and asks five times within four: all of them too early. Whether it repeats at all
# hangs on the header alone, not on status or method: a POST and a 409 are repeated with it, and a GET that is answered 503 without it is not.
# With `Retry-After: 0` the five come at once.
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
    <dependency><groupId>io.github.openfeign</groupId><artifactId>feign-core</artifactId><version>13.6</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import feign.Feign;
import feign.FeignException;
import feign.RequestLine;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

public class Look {
  interface Api {
    @RequestLine("GET /")
    String get();

    @RequestLine("POST /")
    String post(String body);
  }

  static volatile int status;
  static volatile String retryAfter;
  static volatile long first;
  static final List<Long> asked = Collections.synchronizedList(new ArrayList<>());

  /** The seconds after its first request at which a call is made again that is always answered alike. */
  static List<Long> watch(int answer, String header, Runnable call) {
    status = answer;
    retryAfter = header;
    asked.clear();
    try {
      call.run();
    } catch (FeignException refused) {
      // as it should be
    }
    System.out.println(answer + ", Retry-After: " + header + ": asked after " + asked + " s");
    return List.copyOf(asked);
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      long now = System.nanoTime();
      if (asked.isEmpty()) first = now;
      asked.add((now - first) / 1_000_000_000);
      exchange.getRequestBody().readAllBytes();
      if (retryAfter != null) exchange.getResponseHeaders().set("Retry-After", retryAfter);
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    });
    server.start();
    Api api = Feign.builder().target(Api.class, "http://127.0.0.1:" + server.getAddress().getPort());
    List<Long> early = watch(503, "5", api::get);
    boolean same = early.size() == 5 && early.get(4) < 5;
    same &= watch(409, "5", () -> api.post("x")).size() == 5;
    same &= watch(503, "0", api::get).equals(List.of(0L, 0L, 0L, 0L, 0L));
    same &= watch(503, null, api::get).size() == 1;
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
