#!/usr/bin/env bash
# Cohere's and AssemblyAI's Java clients try calls again until a client has done so two or three times in all, and from then on never.
# Packages: com.cohere:cohere-java 1.9.3, com.assemblyai:assemblyai-java 1.2.0 (Maven).
# A good guess: the number of attempts is one of each call. Seen: after one call that was answered 503 to its end, the next one of the same client
# fails at its first 503, however long it is since and whatever succeeded between. One client serves a whole program, so a
# blip of seconds ends its patience for good. Both clients are made by one generator, and count in the interceptor instead of the call.
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
    <dependency><groupId>com.cohere</groupId><artifactId>cohere-java</artifactId><version>1.9.3</version></dependency>
    <dependency><groupId>com.assemblyai</groupId><artifactId>assemblyai-java</artifactId><version>1.2.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.assemblyai.api.AssemblyAI;
import com.assemblyai.api.core.Environment;
import com.cohere.api.Cohere;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

public class Look {
  static final AtomicInteger asked = new AtomicInteger();
  static volatile int status;

  /** How often a call asks a server that answers so. */
  static int count(int answer, Runnable call) {
    status = answer;
    asked.set(0);
    try {
      call.run();
    } catch (RuntimeException refused) {
      // as it should be
    }
    return asked.get();
  }

  static boolean watch(String name, Runnable call) {
    int first = count(503, call);
    int good = count(200, call);
    int second = count(503, call);
    System.out.println("503, 200 and 503 again: " + name + " asks " + (first > 2 ? "more than twice" : first) + ", " + good + " and " + second + " times");
    return first > 2 && good == 1 && second == 1;
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      asked.incrementAndGet();
      exchange.getRequestBody().readAllBytes();
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(status, 0);
      exchange.getResponseBody().write("{}".getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    var cohere = Cohere.builder().token("key").url(url).build();
    var assembly = AssemblyAI.builder().apiKey("key").environment(Environment.custom(url)).build();
    boolean same = watch("Cohere's client", () -> cohere.models().list());
    same &= watch("AssemblyAI's client", () -> assembly.transcripts().get("job"));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
