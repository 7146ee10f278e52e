#!/usr/bin/env bash
# LangChain4j completes a stream that has failed: an error in it is skipped, and after onError comes onCompleteResponse all the same.
# Package: dev.langchain4j:langchain4j-open-ai 1.19.0 (Maven).
# A good guess: an error object ends a stream with onError, as it does in OpenAI's clients, and so does a stream that breaks off; and one
# of onError and onCompleteResponse is called, once. Seen: half a text and an error are a complete response without a finish reason; so
# is half a text alone. If the error's event has a name, or a chunk is cut, onError is called, and then onCompleteResponse too.
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
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Look {
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
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
    var model = OpenAiStreamingChatModel.builder().baseUrl(url).apiKey("key").modelName("m").build();
    String half = "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"},\"finish_reason\":null}]}\n\n";
    String failure = "data: {\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\",\"code\":null,\"param\":null}}\n\n";
    Map<String, String> bodies = new LinkedHashMap<>();
    bodies.put("an error", half + failure);
    bodies.put("cut", half);
    bodies.put("a named error", half + "event: error\n" + failure);
    bodies.put("cut in a chunk", half + "data: {\"id\":\"1\",\"cho");
    List<List<String>> all = new ArrayList<>();
    for (var it : bodies.entrySet()) {
      body = it.getValue();
      List<String> seen = Collections.synchronizedList(new ArrayList<>());
      model.chat("x", new StreamingChatResponseHandler() {
        public void onPartialResponse(String part) {}

        public void onCompleteResponse(ChatResponse response) {
          seen.add("complete: " + response.aiMessage().text() + ", " + response.finishReason());
        }

        public void onError(Throwable error) {
          seen.add("error");
        }
      });
      for (int i = 0; i < 50 && (i < 20 || seen.isEmpty()); i++) Thread.sleep(100);
      System.out.println(it.getKey() + ": " + seen);
      all.add(seen);
    }
    String complete = "complete: half, null";
    boolean same = all.equals(List.of(List.of(complete), List.of(complete), List.of("error", complete), List.of("error", complete)));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>&1 | grep -v '^SLF4J'
