#!/usr/bin/env bash
# openai-gpt3-java breaks a stream off at a comment, an id, a name or a `retry`, and completes one that was cut.
# Package: com.theokanning.openai-gpt3-java:service 0.18.2 (Maven).
# A good guess: a line that is no data means nothing to a client of chats, and a stream without [DONE] is an error. Seen: "Invalid sse format!" for each
# such line, though only such comments keep a pause of the model open; what comes behind it is lost. Half a stream is complete.
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
    <dependency><groupId>com.theokanning.openai-gpt3-java</groupId><artifactId>service</artifactId><version>0.18.2</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import com.theokanning.openai.client.OpenAiApi;
import com.theokanning.openai.completion.chat.ChatCompletionRequest;
import com.theokanning.openai.completion.chat.ChatMessage;
import com.theokanning.openai.service.OpenAiService;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Look {
  static volatile String body;

  static String word(String text) {
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
      + "{\"role\":\"assistant\",\"content\":\"" + text + "\"},\"finish_reason\":null}]}\n\n";
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
    ObjectMapper mapper = OpenAiService.defaultObjectMapper();
    var http = OpenAiService.defaultClient("key", Duration.ofSeconds(20));
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/";
    var api = OpenAiService.defaultRetrofit(http, mapper).newBuilder().baseUrl(url).build().create(OpenAiApi.class);
    var service = new OpenAiService(api, http.dispatcher().executorService());
    Map<String, String> bodies = new LinkedHashMap<>();
    String done = "data: [DONE]\n\n";
    bodies.put("plain", word("one") + word("two") + done);
    bodies.put("a comment", word("one") + ": keep-alive\n\n" + word("two") + done);
    bodies.put("an id", word("one") + "id: 2\n" + word("two") + done);
    bodies.put("a name", word("one") + "event: chunk\n" + word("two") + done);
    bodies.put("retry", "retry: 1000\n\n" + word("one") + word("two") + done);
    bodies.put("cut", word("one"));
    List<List<String>> all = new ArrayList<>();
    for (var it : bodies.entrySet()) {
      body = it.getValue();
      List<String> seen = new ArrayList<>();
      var request = ChatCompletionRequest.builder().model("m").messages(List.of(new ChatMessage("user", "x"))).build();
      try {
        service.streamChatCompletion(request).blockingForEach(chunk -> seen.add(chunk.getChoices().get(0).getMessage().getContent()));
        seen.add("complete");
      } catch (RuntimeException failure) {
        // A word that came right before may be lost on the way to this thread, or not.
        seen.clear();
        seen.add("error");
      }
      System.out.println(it.getKey() + ": " + seen);
      all.add(seen);
    }
    List<String> broken = List.of("error");
    List<List<String>> want = List.of(List.of("one", "two", "complete"), broken, broken, broken, broken, List.of("one", "complete"));
    System.exit(all.equals(want) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
