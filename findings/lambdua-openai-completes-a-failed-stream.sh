#!/usr/bin/env bash
# The OpenAI client for Java of lambdua completes a stream that told of a failure or broke off, makes a chunk of a comment, and fails at an id.
# Package: io.github.lambdua:service 0.22.92 (Maven).
# A good guess: an error in a stream is an exception, a comment is skipped, and so is the `id` or the name of an event. Seen: `{"error": …}` comes as a chunk
# without choices and without a word of the error, and then the stream is complete, as it is where it breaks off; a comment, and [DONE], come as such
# a chunk too, at which `getChoices().get(0)` throws; an `id:` or `event:` line ends the stream with "Invalid sse format!".
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
    <dependency><groupId>io.github.lambdua</groupId><artifactId>service</artifactId><version>0.22.92</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import com.theokanning.openai.completion.chat.ChatCompletionRequest;
import com.theokanning.openai.completion.chat.UserMessage;
import com.theokanning.openai.service.OpenAiService;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Look {
  static volatile String body = "";

  static String chunk(String text, String reason) {
    String choice = "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"" + text + "\"},\"finish_reason\":" + reason + "}";
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[" + choice + "]}\n\n";
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
    var service = new OpenAiService("key", Duration.ofSeconds(10), "http://127.0.0.1:" + server.getAddress().getPort() + "/v1/");
    String one = chunk("one", "null");
    String two = chunk("two", "\"stop\"");
    String done = "data: [DONE]\n\n";
    Map<String, String> bodies = new LinkedHashMap<>();
    bodies.put("as usual", one + two + done);
    bodies.put("a comment", one + ": wait\n" + two + done);
    bodies.put("a failure", one + "data: {\"error\":{\"message\":\"out of memory\"}}\n\n");
    bodies.put("a cut", one + "data: {\"id\":");
    bodies.put("an id", one + "id: 2\n" + two + done);
    List<List<String>> all = new ArrayList<>();
    for (var it : bodies.entrySet()) {
      body = it.getValue();
      List<String> seen = new ArrayList<>();
      try {
        var request = ChatCompletionRequest.builder().model("m").messages(List.of(new UserMessage("x"))).build();
        service.streamChatCompletion(request).blockingForEach(part -> seen.add(part.getChoices() == null ? "no choices" : part.getChoices().get(0).getMessage().getTextContent()));
        seen.add("complete");
      } catch (RuntimeException failure) {
        seen.add(failure.getCause().getClass().getSimpleName());
      }
      System.out.println(it.getKey() + ": " + seen);
      all.add(it.getKey().equals("an id") ? seen.subList(seen.size() - 1, seen.size()) : seen);
    }
    boolean same = all.equals(List.of(
      List.of("one", "two", "no choices", "complete"),
      List.of("one", "no choices", "two", "no choices", "complete"),
      List.of("one", "no choices", "complete"),
      List.of("one", "complete"),
      List.of("SSEFormatException")
    ));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
