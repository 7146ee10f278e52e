#!/usr/bin/env bash
# Spring AI joins the pieces of two streamed tool calls by the order in which they come, and refuses two calls in one chunk.
# Package: org.springframework.ai:spring-ai-openai 1.1.4 (Maven).
# A good guess: `index` tells which call a piece belongs to, as OpenAI's documentation has it, so servers may send pieces of several calls in
# turn, or in one chunk. Seen: each piece without an id goes to the latest call: the second has the arguments of both, which are no JSON, and
# the first has none, without an error. Two calls in one chunk end the stream with an IllegalStateException: "Currently only one tool call is
# supported per message!". One after the other they are read.
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

  static String calls(String... calls) {
    return piece("{\"role\":\"assistant\",\"tool_calls\":[" + String.join(",", calls) + "]}", "null");
  }

  static String begin(int index, String name) {
    return "{\"index\":" + index + ",\"id\":\"id " + name + "\",\"type\":\"function\",\"function\":{\"name\":\"" + name + "\",\"arguments\":\"\"}}";
  }

  static String more(int index, String arguments) {
    return "{\"index\":" + index + ",\"function\":{\"arguments\":\"" + arguments.replace("\"", "\\\"") + "\"}}";
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
    String f = begin(0, "f");
    String g = begin(1, "g");
    String x = more(0, "{\"x\":1}");
    String y = more(1, "{\"y\":2}");
    String end = piece("{}", "\"tool_calls\"") + DONE;
    bodies.put("one after the other", calls(f) + calls(x) + calls(g) + calls(y) + end);
    bodies.put("in turn", calls(f) + calls(g) + calls(x) + calls(y) + end);
    bodies.put("in one chunk", calls(f, g) + calls(x, y) + end);
    List<List<String>> all = new ArrayList<>();
    for (var it : bodies.entrySet()) {
      body = it.getValue();
      List<String> seen = new ArrayList<>();
      try {
        model.stream(new Prompt("x")).doOnNext(response -> response.getResults().forEach(part -> part.getOutput().getToolCalls().forEach(call -> seen.add(call.name() + call.arguments())))).blockLast();
        seen.add("complete");
      } catch (RuntimeException failure) {
        seen.add(failure.getClass().getSimpleName());
      }
      System.out.println(it.getKey() + ": " + seen);
      all.add(seen);
    }
    boolean same = all.equals(List.of(
      List.of("f{\"x\":1}", "g{\"y\":2}", "complete"),
      List.of("f", "g{\"x\":1}{\"y\":2}", "complete"),
      List.of("IllegalStateException")
    ));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
