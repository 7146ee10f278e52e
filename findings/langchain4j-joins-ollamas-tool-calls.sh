#!/usr/bin/env bash
# LangChain4j makes one tool call of two that Ollama streams, with both their arguments, and keeps the last piece alone of one that came in two.
# Packages: dev.langchain4j:langchain4j-ollama 1.11.0, dev.langchain4j:langchain4j-mistral-ai 1.11.0 (Maven).
# A good guess: two whole calls in two chunks, as Ollama sends them, are two, and a call that comes in pieces to the model of Mistral, as vLLM sends
# it, is one or an error. Seen: of Ollama's two calls one is told, under the second's name, whose arguments are `{...}{...}`, which is no JSON; of the
# other its last piece alone, without id and name. Both answers are complete, with the reason TOOL_EXECUTION.
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
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j-ollama</artifactId><version>1.11.0</version></dependency>
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j-mistral-ai</artifactId><version>1.11.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.mistralai.MistralAiStreamingChatModel;
import dev.langchain4j.model.ollama.OllamaStreamingChatModel;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

public class Look {
  static volatile String body;

  static String calls(StreamingChatModel model, String text) throws Exception {
    body = text;
    CompletableFuture<ChatResponse> whole = new CompletableFuture<>();
    model.chat(List.of(UserMessage.from("x")), new StreamingChatResponseHandler() {
      @Override
      public void onPartialResponse(String part) {}

      @Override
      public void onCompleteResponse(ChatResponse response) {
        whole.complete(response);
      }

      @Override
      public void onError(Throwable failure) {
        whole.completeExceptionally(failure);
      }
    });
    StringBuilder told = new StringBuilder();
    for (var call : whole.get(20, TimeUnit.SECONDS).aiMessage().toolExecutionRequests()) {
      told.append(call.id() + " " + call.name() + " " + call.arguments() + "; ");
    }
    return told + "" + whole.get().finishReason();
  }

  static String piece(String delta, String reason) {
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":" + delta
      + ",\"finish_reason\":" + reason + "}]}\n\n";
  }

  static String line(String name, boolean last) {
    String call = "\"tool_calls\":[{\"function\":{\"name\":\"" + name + "\",\"arguments\":{\"a\":1}}}]";
    return "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"" + (last ? "" : "," + call)
      + "},\"done\":" + last + (last ? ",\"done_reason\":\"stop\"" : "") + "}\n";
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      exchange.getResponseHeaders().set("Content-Type", body.startsWith("{") ? "application/x-ndjson" : "text/event-stream");
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    var ollama = OllamaStreamingChatModel.builder().baseUrl(url).modelName("m").build();
    var mistral = MistralAiStreamingChatModel.builder().baseUrl(url).apiKey("key").modelName("m").build();
    String one = calls(ollama, line("first", false) + line("", true));
    String two = calls(ollama, line("first", false) + line("second", false) + line("", true));
    String begin = "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"first\",\"arguments\":\"{\\\"a\\\":\"}}]}";
    String rest = "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}";
    String pieces = calls(mistral, piece(begin, "null") + piece(rest, "null") + piece("{\"content\":\"\"}", "\"tool_calls\"") + "data: [DONE]\n\n");
    System.out.println("Ollama, one call: " + one);
    System.out.println("Ollama, two calls: " + two);
    System.out.println("Mistral, one call in two pieces: " + pieces);
    boolean same = one.equals("null first {\"a\":1}; TOOL_EXECUTION") && two.equals("null second {\"a\":1}{\"a\":1}; TOOL_EXECUTION");
    System.exit(same && pieces.equals("null null 1}; TOOL_EXECUTION") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
