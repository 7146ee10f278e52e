#!/usr/bin/env bash
# LangChain4j's streaming model of Gemini completes an answer that is empty if the prompt was blocked, or if the first event is an error.
# Package: dev.langchain4j:langchain4j-google-ai-gemini 1.11.0 (Maven).
# A good guess: `promptFeedback` with its `blockReason`, and an event with an `error`, end in onError. Seen: both are complete answers without text,
# tool calls and reason to end; the reason of the block and the error's message and status are nowhere. An error after some text, and a stream
# that broke off, are complete with half a text.
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
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j-google-ai-gemini</artifactId><version>1.11.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.googleai.GoogleAiGeminiStreamingChatModel;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

public class Look {
  static volatile String body;

  static String text(String text, String end) {
    return "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"" + text + "\"}]}," + end
      + "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":1,\"totalTokenCount\":1},\"modelVersion\":\"m\",\"responseId\":\"1\"}\n\n";
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
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    var model = GoogleAiGeminiStreamingChatModel.builder().baseUrl(url).apiKey("key").modelName("m").build();
    String failure = "data: {\"error\":{\"code\":503,\"message\":\"overloaded\",\"status\":\"UNAVAILABLE\"}}\n\n";
    Map<String, String> bodies = new LinkedHashMap<>();
    bodies.put("whole", text("one", "") + text("two", "\"finishReason\":\"STOP\","));
    bodies.put("blocked", "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n");
    bodies.put("an error", failure);
    bodies.put("an error within", text("half", "") + failure);
    bodies.put("cut", text("half", ""));
    List<String> all = new ArrayList<>();
    for (var it : bodies.entrySet()) {
      body = it.getValue();
      CompletableFuture<String> end = new CompletableFuture<>();
      model.chat(List.of(UserMessage.from("x")), new StreamingChatResponseHandler() {
        @Override
        public void onPartialResponse(String part) {}

        @Override
        public void onCompleteResponse(ChatResponse response) {
          end.complete("complete, " + response.aiMessage().text() + ", " + response.finishReason());
        }

        @Override
        public void onError(Throwable failure) {
          end.complete("error");
        }
      });
      all.add(end.get(20, TimeUnit.SECONDS));
      System.out.println(it.getKey() + ": " + end.get());
    }
    String half = "complete, half, null";
    String empty = "complete, null, null";
    System.exit(all.equals(List.of("complete, onetwo, STOP", empty, empty, half, half)) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
