#!/usr/bin/env bash
# LangChain4j's streaming models of Mistral, Ollama and Anthropic call neither of their ends if a stream breaks off, so who waits does so for ever.
# Packages: dev.langchain4j:langchain4j-mistral-ai, langchain4j-ollama and langchain4j-anthropic 1.11.0 (Maven).
# A good guess: a stream that ends without its last chunk is an error, or is complete with what came, as the model of Gemini has it. Seen: after the
# partial texts nothing is called any more, though the response is over. The same comes of Ollama's way to tell a failure in a stream,
# `{"error": "..."}`: its reason is lost too.
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
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j-mistral-ai</artifactId><version>1.11.0</version></dependency>
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j-ollama</artifactId><version>1.11.0</version></dependency>
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j-anthropic</artifactId><version>1.11.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.anthropic.AnthropicStreamingChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.mistralai.MistralAiStreamingChatModel;
import dev.langchain4j.model.ollama.OllamaStreamingChatModel;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

public class Look {
  static volatile String type;
  static volatile String body;

  static List<String> stream(StreamingChatModel model, String contentType, String text, boolean whole) throws Exception {
    type = contentType;
    body = text;
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch over = new CountDownLatch(1);
    model.chat(List.of(UserMessage.from("x")), new StreamingChatResponseHandler() {
      @Override
      public void onPartialResponse(String part) {
        seen.add(part);
      }

      @Override
      public void onCompleteResponse(ChatResponse response) {
        seen.add("complete");
        over.countDown();
      }

      @Override
      public void onError(Throwable failure) {
        seen.add("error");
        over.countDown();
      }
    });
    if (!over.await(whole ? 20 : 2, TimeUnit.SECONDS)) seen.add("nothing more");
    return seen;
  }

  static String event(String data) {
    return "event: " + data.split("\"")[3] + "\ndata: " + data + "\n\n";
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      exchange.getResponseHeaders().set("Content-Type", type);
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    var mistral = MistralAiStreamingChatModel.builder().baseUrl(url).apiKey("key").modelName("m").build();
    var ollama = OllamaStreamingChatModel.builder().baseUrl(url).modelName("m").build();
    var anthropic = AnthropicStreamingChatModel.builder().baseUrl(url).apiKey("key").modelName("m").build();
    String chunk = "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
      + "\"delta\":{\"role\":\"assistant\",\"content\":\"half\"},\"finish_reason\":null}]}\n\n";
    String line = "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"half\"},\"done\":false}\n";
    String events = event("{\"type\":\"message_start\",\"message\":{\"id\":\"1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],"
        + "\"model\":\"m\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}")
      + event("{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}")
      + event("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"half\"}}");
    String end = event("{\"type\":\"content_block_stop\",\"index\":0}")
      + event("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}")
      + event("{\"type\":\"message_stop\"}");
    String sse = "text/event-stream";
    String lines = "application/x-ndjson";
    List<List<String>> whole = List.of(
      stream(mistral, sse, chunk + "data: [DONE]\n\n", true),
      stream(ollama, lines, line + line.replace("half", "").replace("false", "true"), true),
      stream(anthropic, sse, events + end, true)
    );
    List<List<String>> cut = List.of(
      stream(mistral, sse, chunk, false),
      stream(ollama, lines, line, false),
      stream(ollama, lines, line + "{\"error\":\"out of memory\"}\n", false),
      stream(anthropic, sse, events, false)
    );
    System.out.println("whole, of Mistral, Ollama and Anthropic: " + whole);
    System.out.println("cut, of Mistral, Ollama, Ollama with an error, and Anthropic: " + cut);
    List<String> good = List.of("half", "complete");
    List<String> lost = List.of("half", "nothing more");
    System.exit(whole.equals(List.of(good, good, good)) && cut.equals(List.of(lost, lost, lost, lost)) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
