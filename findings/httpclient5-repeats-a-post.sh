#!/usr/bin/env bash
# Apache HttpClient 5 sends a POST again by itself where it is answered 503 or 429, and keeps its caller waiting for all of `Retry-After`.
# Package: org.apache.httpcomponents.client5:httpclient5 5.5 (Maven).
# A good guess: by default requests that are not idempotent are not repeated, as it does where a connection breaks, and a call lasts no longer
# than its server takes. Seen: after an exception a POST is not repeated; after a 503 or 429 it is, once, whatever its method. `execute` does
# not return before: it waits a second, or as long as `Retry-After` says, also an hour, unless a response timeout is set that is shorter.
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
    <dependency><groupId>org.apache.httpcomponents.client5</groupId><artifactId>httpclient5</artifactId><version>5.5</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.io.entity.StringEntity;

public class Look {
  static volatile int status; // 0 breaks the connection off
  static volatile String retryAfter;
  static final List<String> asked = Collections.synchronizedList(new ArrayList<>());

  /** What a server saw of one POST that it always answers alike, and how many seconds the call took. */
  static String watch(CloseableHttpClient client, String url, int answer, String header) throws Exception {
    status = answer;
    retryAfter = header;
    asked.clear();
    long started = System.nanoTime();
    HttpPost post = new HttpPost(url);
    post.setEntity(new StringEntity("{}"));
    String result;
    try {
      result = client.execute(post, response -> "status " + response.getCode());
    } catch (Exception failure) {
      result = "an exception";
    }
    String seen = result + " after " + Math.round((System.nanoTime() - started) / 1e9) + " s, asked " + asked.size() + " time(s)";
    System.out.println(answer + ", Retry-After: " + header + ": " + seen);
    return seen;
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      asked.add(exchange.getRequestMethod() + " " + exchange.getRequestBody().readAllBytes().length);
      if (status != 0) {
        if (retryAfter != null) exchange.getResponseHeaders().set("Retry-After", retryAfter);
        exchange.sendResponseHeaders(status, -1);
      }
      exchange.close();
    });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    CloseableHttpClient client = HttpClients.createDefault();
    boolean same = watch(client, url, 503, "4").equals("status 503 after 4 s, asked 2 time(s)");
    same &= watch(client, url, 429, null).equals("status 429 after 1 s, asked 2 time(s)");
    same &= watch(client, url, 0, null).equals("an exception after 0 s, asked 1 time(s)");
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
