#!/usr/bin/env bash
# LangChain4j tells four broken tool calls where a stream has two whole ones whose pieces come in turn, beside a right answer.
# Package: dev.langchain4j:langchain4j-open-ai 1.19.0 (Maven).
# A good guess: `onCompleteToolCall` is called once for each index, with all of its arguments, as the response at the end has them.
# Seen: each piece of another index completes the call before it, so `{"n":` and `{"m":` are told as whole, then "1}" and "2}" as calls without an
# id and a name, and two IllegalArgumentExceptions come between; the response that follows is right. Who runs tools as they complete runs
# them with halves.
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
    <dependency><groupId>dev.langchain4j</groupId><artifactId>langchain4j-open-ai</artifactId><version>1.19.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

public class Look {
  static volatile String body = "";

  static String chunk(String delta, String reason) {
    return "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":" + reason + "}]}\n\n";
  }

  static String begin(int index, String id, String name, String rest) {
    String function = "\"function\":{\"name\":\"" + name + "\",\"arguments\":\"" + rest + "\"}";
    return chunk("{\"tool_calls\":[{\"index\":" + index + ",\"id\":\"" + id + "\",\"type\":\"function\"," + function + "}]}", "null");
  }

  static String more(int index, String rest) {
    return chunk("{\"tool_calls\":[{\"index\":" + index + ",\"function\":{\"arguments\":\"" + rest + "\"}}]}", "null");
  }

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
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
    var model = OpenAiStreamingChatModel.builder().baseUrl(url).apiKey("key").modelName("m").build();
    String a = begin(0, "a", "draw", "{\\\"n\\\":");
    String b = begin(1, "b", "paint", "{\\\"m\\\":");
    String end = chunk("{}", "\"tool_calls\"") + "data: [DONE]\n\n";
    List<List<String>> all = new ArrayList<>();
    for (String calls : List.of(a + more(0, "1}") + b + more(1, "2}"), a + b + more(0, "1}") + more(1, "2}"))) {
      body = calls + end;
      List<String> seen = Collections.synchronizedList(new ArrayList<>());
      model.chat("x", new StreamingChatResponseHandler() {
        public void onPartialResponse(String part) {}

        public void onCompleteToolCall(CompleteToolCall call) {
          var request = call.toolExecutionRequest();
          seen.add(request.id() + " " + request.arguments());
        }

        public void onCompleteResponse(ChatResponse response) {
          var requests = response.aiMessage().toolExecutionRequests();
          seen.add("end: " + requests.get(0).arguments() + " " + requests.get(1).arguments());
        }

        public void onError(Throwable error) {
          seen.add(error.getClass().getSimpleName());
        }
      });
      for (int i = 0; i < 100 && (seen.isEmpty() || !seen.get(seen.size() - 1).startsWith("end")); i++) Thread.sleep(100);
      System.out.println(seen);
      all.add(seen);
    }
    String right = "end: {\"n\":1} {\"m\":2}";
    String error = "IllegalArgumentException";
    var inOrder = List.of("a {\"n\":1}", "b {\"m\":2}", right);
    var inTurn = List.of("a {\"n\":", "b {\"m\":", error, "null 1}", error, "null 2}", right);
    System.exit(all.equals(List.of(inOrder, inTurn)) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
