#!/usr/bin/env bash
# simple-openai takes the word `data:` out of what a model writes, and leaves out a chunk of a stream in which the model writes [DONE].
# Package: io.github.sashirestela:simple-openai 3.22.2 (Maven).
# A good guess: `data:` means something at the beginning of a line alone, and `[DONE]` as all of an event's data. Seen: both are searched for in
# the whole line. "Write data: {…} and then a blank line", which is how a model explains a stream, loses its `data: `; a chunk that says "[DONE]
# ends it" is not handed on, and the stream goes on behind it, without an error. An event with a name, and `data:` without a space behind it,
# which mean the same, are left out too.
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
    <dependency><groupId>io.github.sashirestela</groupId><artifactId>simple-openai</artifactId><version>3.22.2</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import io.github.sashirestela.openai.SimpleOpenAI;
import io.github.sashirestela.openai.domain.chat.ChatMessage;
import io.github.sashirestela.openai.domain.chat.ChatRequest;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Look {
  static String word(String text) {
    String choice = "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"" + text + "\"},\"finish_reason\":null}";
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[" + choice + "]}\n\n";
  }

  static volatile String body = "";

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      exchange.getResponseHeaders().set("content-type", "text/event-stream");
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write((body + "data: [DONE]\n\n").getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    var client = SimpleOpenAI.builder().apiKey("key").baseUrl("http://127.0.0.1:" + server.getAddress().getPort()).build();
    var request = ChatRequest.builder().model("m").message(ChatMessage.UserMessage.of("x")).build();
    Map<String, String> bodies = new LinkedHashMap<>();
    bodies.put("plain", word("one ") + word("two"));
    bodies.put("data:", word("write data: {} ") + word("and a blank line"));
    bodies.put("[DONE]", word("then ") + word("[DONE] ") + word("ends it"));
    bodies.put("a name", "event: chunk\n" + word("one ") + word("two"));
    bodies.put("no space", word("one ").replace("data: ", "data:") + word("two"));
    List<String> all = new ArrayList<>();
    for (var it : bodies.entrySet()) {
      body = it.getValue();
      StringBuilder text = new StringBuilder();
      client.chatCompletions().createStream(request).join().forEach(chunk -> text.append(chunk.firstContent()));
      System.out.println(it.getKey() + ": " + text);
      all.add(text.toString());
    }
    System.exit(all.equals(List.of("one two", "write {} and a blank line", "then ends it", "two", "two")) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
