#!/usr/bin/env bash
# OpenAI's Java client puts a null among the chunks of a stream where an event's data is empty, at which its own accumulator throws.
# Package: com.openai:openai-java-client-okhttp 4.101.0 (Maven).
# A good guess: `data:` without anything, as some servers keep a stream open, is left out or an error. Seen: `stream()` hands on a null, in spite of
# Kotlin's types, so the next member access is a NullPointerException, and so is `ChatCompletionAccumulator.accumulate`. A comment is left out.
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
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

public class Look {
  static volatile String body = "";

  static String chunk(String text, String reason) {
    String choice = "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"" + text + "\"},\"finish_reason\":" + reason + "}";
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[" + choice + "]}\n\n";
  }

  static String look(OpenAIClient client, String events) {
    body = events + "data: [DONE]\n\n";
    var parameters = ChatCompletionCreateParams.builder().model("m").addUserMessage("x").build();
    List<String> seen = new ArrayList<>();
    try (var stream = client.chat().completions().createStreaming(parameters)) {
      stream.stream().forEach(part -> seen.add(part == null ? "null" : part.choices().get(0).delta().content().get()));
      seen.add("complete");
    } catch (RuntimeException failure) {
      seen.add(failure.getClass().getSimpleName() + " " + failure.getMessage());
    }
    return String.join(", ", seen);
  }

  static String accumulate(OpenAIClient client) {
    var parameters = ChatCompletionCreateParams.builder().model("m").addUserMessage("x").build();
    var accumulator = ChatCompletionAccumulator.create();
    try (var stream = client.chat().completions().createStreaming(parameters)) {
      stream.stream().forEach(accumulator::accumulate);
      return accumulator.chatCompletion().choices().get(0).message().content().get();
    } catch (RuntimeException failure) {
      return failure.getClass().getSimpleName();
    }
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    var client = OpenAIOkHttpClient.builder().apiKey("key").baseUrl("http://127.0.0.1:" + server.getAddress().getPort()).maxRetries(0).build();
    String one = chunk("one", "null");
    String two = chunk("two", "\"stop\"");
    List<String> seen = List.of(
      look(client, one + two),
      look(client, one + ": wait\n\n" + two),
      look(client, one + "data:\n\n" + two),
      accumulate(client)
    );
    System.out.println("as usual: " + seen.get(0) + "\na comment: " + seen.get(1) + "\nempty data: " + seen.get(2) + "\n  accumulated: " + seen.get(3));
    boolean same = seen.equals(List.of("one, two, complete", "one, two, complete", "one, null, two, complete", "NullPointerException"));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
