#!/usr/bin/env bash
# Spring AI completes a stream that has failed, with half a text, no reason to end and no error.
# Package: org.springframework.ai:spring-ai-openai 1.1.4 (Maven).
# A good guess: an error object in a stream is an error of the Flux, as a refusal before the stream is, and as OpenAI's clients have it. Seen:
# it is skipped, with or without a name of its event; what came before is complete. If it comes first, the answer is an empty complete one.
# A connection that is closed behind a chunk is complete too. Only the missing reason to end tells.
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
    <dependency><groupId>org.springframework.ai</groupId><artifactId>spring-ai-openai</artifactId><version>1.1.4</version></dependency>
    <dependency><groupId>io.projectreactor.netty</groupId><artifactId>reactor-netty-http</artifactId><version>1.2.11</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;
import org.springframework.ai.openai.api.OpenAiApi;

public class Look {
  static String piece(String delta, String reason) {
    String choice = "{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":" + reason + "}";
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[" + choice + "]}\n\n";
  }

  static String word(String text) {
    return piece("{\"role\":\"assistant\",\"content\":\"" + text + "\"}", "null");
  }

  static final String DONE = "data: [DONE]\n\n";
  static volatile String body = "";

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      exchange.getResponseHeaders().set("content-type", "text/event-stream");
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    var api = OpenAiApi.builder().baseUrl("http://127.0.0.1:" + server.getAddress().getPort()).apiKey("key").build();
    var options = OpenAiChatOptions.builder().model("m").internalToolExecutionEnabled(false).build();
    var model = OpenAiChatModel.builder().openAiApi(api).defaultOptions(options).build();
    Map<String, String> bodies = new LinkedHashMap<>();
    String refusal = "data: {\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\",\"code\":null,\"param\":null}}\n\n";
    bodies.put("whole", word("one") + piece("{}", "\"stop\"") + DONE);
    bodies.put("an error", word("half") + refusal + DONE);
    bodies.put("a named error", word("half") + "event: error\n" + refusal);
    bodies.put("an error first", refusal + DONE);
    bodies.put("cut", word("half"));
    List<List<String>> all = new ArrayList<>();
    for (var it : bodies.entrySet()) {
      body = it.getValue();
      List<String> seen = new ArrayList<>();
      try {
        model.stream(new Prompt("x")).doOnNext(response -> response.getResults().forEach(part -> seen.add(part.getOutput().getText() + ", " + part.getMetadata().getFinishReason()))).blockLast();
        seen.add("complete");
      } catch (RuntimeException failure) {
        seen.add("error");
      }
      System.out.println(it.getKey() + ": " + seen);
      all.add(seen);
    }
    boolean same = all.equals(List.of(
      List.of("one, ", "null, STOP", "complete"),
      List.of("half, ", "complete"),
      List.of("half, ", "complete"),
      List.of("complete"),
      List.of("half, ", "complete")
    ));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
