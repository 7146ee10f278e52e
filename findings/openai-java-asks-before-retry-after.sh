#!/usr/bin/env bash
# OpenAI's Java client asks again after eight seconds, however much longer `Retry-After` says, as seconds or as a date.
# Package: com.openai:openai-java-client-okhttp 4.101.0 (Maven).
# A good guess: it waits for as long as it is told, or leaves it to the caller if that is too long. Seen: a pause of thirty seconds or of an hour is cut
# to eight seconds, and the request sent again, too early; with the default of two retries the call has failed after sixteen.
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
    <dependency><groupId>com.openai</groupId><artifactId>openai-java-client-okhttp</artifactId><version>4.101.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;

public class Look {
  static final Map<String, ConcurrentLinkedQueue<Long>> asked = new ConcurrentHashMap<>();

  /** Whether a call that is refused with this header is made twice, and so many seconds apart. */
  static boolean look(OpenAIClient client, String name, String retryAfter, int seconds) {
    var parameters = ChatCompletionCreateParams.builder().model(name).addUserMessage("x").putAdditionalHeader("X-Answer", retryAfter).build();
    String outcome = "answered";
    try {
      client.chat().completions().create(parameters);
    } catch (OpenAIServiceException refused) {
      outcome = "refused";
    }
    List<Long> times = List.copyOf(asked.get(retryAfter));
    double pause = times.size() < 2 ? 0 : (times.get(1) - times.get(0)) / 1e9;
    System.out.printf("%s: asked %d times, %.0f s apart, %s%n", name, times.size(), pause, outcome);
    return times.size() == 2 && pause > seconds - 1 && pause < seconds + 2;
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      String retryAfter = exchange.getRequestHeaders().getFirst("X-Answer");
      asked.computeIfAbsent(retryAfter, name -> new ConcurrentLinkedQueue<>()).add(System.nanoTime());
      exchange.getResponseHeaders().set("Retry-After", retryAfter);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(503, 0);
      exchange.getResponseBody().write("{\"error\":{\"message\":\"busy\"}}".getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    var client = OpenAIOkHttpClient.builder().apiKey("key").baseUrl("http://127.0.0.1:" + server.getAddress().getPort()).maxRetries(1).build();
    String minute = DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(60));
    var threads = Executors.newCachedThreadPool();
    var looks = List.of(
      CompletableFuture.supplyAsync(() -> look(client, "3 seconds", "3", 3), threads),
      CompletableFuture.supplyAsync(() -> look(client, "30 seconds", "30", 8), threads),
      CompletableFuture.supplyAsync(() -> look(client, "an hour", "3600", 8), threads),
      CompletableFuture.supplyAsync(() -> look(client, "a date in a minute", minute, 8), threads)
    );
    boolean same = true;
    for (var look : looks) same &= look.join();
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
