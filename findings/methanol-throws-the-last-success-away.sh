#!/usr/bin/env bash
# Methanol's RetryInterceptor says that its retries are exhausted if the last one succeeds, and throws the good answer away.
# Package: com.github.mizosoft.methanol:methanol 1.9.0 (Maven).
# A good guess: with `maxRetries(2)` and `throwOnExhaustion()`, a request that is answered 503, 503 and then 200 gives the 200: the exception is for one
# whose last answer is a 503 too. Seen: whether an attempt was the last is asked before whether it is to be repeated at all, so the 200 of the
# last is closed and HttpRetriesExhaustedException is thrown. Who submits so has a job that runs, and neither its id nor a reason not to try again.
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
    <dependency><groupId>com.github.mizosoft.methanol</groupId><artifactId>methanol</artifactId><version>1.9.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.github.mizosoft.methanol.HttpRetriesExhaustedException;
import com.github.mizosoft.methanol.Methanol;
import com.github.mizosoft.methanol.MutableRequest;
import com.github.mizosoft.methanol.RetryInterceptor;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

public class Look {
  /** What a client that may try twice more makes of a server that answers 503 so many times, and 200 from then on. */
  static String ask(int refusals, boolean throwing) throws Exception {
    AtomicInteger asked = new AtomicInteger();
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.sendResponseHeaders(asked.incrementAndGet() > refusals ? 200 : 503, -1);
      exchange.close();
    });
    server.start();
    var retries = RetryInterceptor.newBuilder().maxRetries(2).onStatus(503);
    if (throwing) retries.throwOnExhaustion();
    Methanol client = Methanol.newBuilder().interceptor(retries.build()).build();
    try {
      var request = MutableRequest.GET("http://127.0.0.1:" + server.getAddress().getPort() + "/");
      return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() + " after " + asked;
    } catch (HttpRetriesExhaustedException exhausted) {
      return "exhausted after " + asked;
    } finally {
      server.stop(0);
    }
  }

  public static void main(String[] args) throws Exception {
    List<String> seen = new ArrayList<>();
    for (int refusals = 1; refusals <= 3; refusals++) {
      seen.add(ask(refusals, false) + "/" + ask(refusals, true));
      System.out.println(refusals + " times 503, then 200: " + seen.get(seen.size() - 1));
    }
    System.exit(seen.equals(List.of("200 after 2/200 after 2", "200 after 3/exhausted after 3", "503 after 3/exhausted after 3")) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
