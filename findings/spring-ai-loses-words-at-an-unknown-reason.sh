#!/usr/bin/env bash
# Spring AI fails at a reason to end that it does not know, such as vLLM's `abort`, and loses the words that came in the chunk before.
# Package: org.springframework.ai:spring-ai-openai 1.1.4 (Maven).
# A good guess: what has come in a stream has been handed on when a later chunk cannot be read, and an unknown reason is handed on as it is, or
# as UNKNOWN, for which it has a value and which it makes of an empty one. Seen: the stream ends with "Failed to json", and the chunk before it
# is never handed on, since each waits for the next one. The same loss comes of a chunk that the network breaks off in.
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
    String cut = piece("{}", "\"stop\"").substring(0, 30);
    bodies.put("stop", word("one ") + word("two") + piece("{}", "\"stop\"") + DONE);
    bodies.put("empty", word("one ") + word("two") + piece("{}", "\"\"") + DONE);
    bodies.put("abort", word("one ") + word("two") + piece("{}", "\"abort\"") + DONE);
    bodies.put("cut", word("one ") + word("two") + cut);
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
      List.of("one , ", "two, ", "null, STOP", "complete"),
      List.of("one , ", "two, ", "null, UNKNOWN", "complete"),
      List.of("one , ", "error"),
      List.of("one , ", "error")
    ));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
