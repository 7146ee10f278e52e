#!/usr/bin/env bash
# Azure's OpenAI client for Java hands a failure in a stream on as a chunk without choices, and breaks a stream off at a comment, an id or a name.
# Package: com.azure:azure-ai-openai 1.0.0-beta.16 (Maven).
# A good guess: `data: {"error": ...}` within a stream, or an answer that is such an error alone, raises an exception with its words; comments,
# names and ids, which any stream of server-sent events may have, are passed over. Seen: the failure is a chunk whose choices are null and whose
# words nobody can reach, and the stream ends as a whole one. What follows the colon of any line has to be JSON: `: ping` and `event: message` are
# an IllegalStateException, and take with them the chunks that came in the same piece of the network.
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
    <dependency>
      <groupId>com.azure</groupId><artifactId>azure-ai-openai</artifactId><version>1.0.0-beta.16</version>
      <exclusions>
        <exclusion><groupId>com.azure</groupId><artifactId>azure-core-http-netty</artifactId></exclusion>
      </exclusions>
    </dependency>
    <dependency><groupId>com.azure</groupId><artifactId>azure-core-http-jdk-httpclient</artifactId><version>1.1.7</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.azure.ai.openai.OpenAIClientBuilder;
import com.azure.ai.openai.models.ChatCompletions;
import com.azure.ai.openai.models.ChatCompletionsOptions;
import com.azure.ai.openai.models.ChatRequestUserMessage;
import com.azure.core.http.HttpPipelineBuilder;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Look {
  static volatile String body;

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
    var client = new OpenAIClientBuilder().endpoint(url).pipeline(new HttpPipelineBuilder().build()).buildClient();
    String start = "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"";
    String one = start + "one\"},\"finish_reason\":null}]}\n\n";
    String end = start + "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    String failure = "{\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\"}}";
    Map<String, String> streams = new LinkedHashMap<>();
    streams.put("whole", one + end);
    streams.put("failure", one + "data: " + failure + "\n\n");
    streams.put("comment", one + ": ping\n\n" + end);
    streams.put("name", one + "event: message\n" + end);
    StringBuilder seen = new StringBuilder();
    for (var stream : streams.entrySet()) {
      body = stream.getValue();
      StringBuilder told = new StringBuilder();
      try {
        for (ChatCompletions chunk : client.getChatCompletionsStream("m", new ChatCompletionsOptions(List.of(new ChatRequestUserMessage("x"))))) {
          told.append(chunk.getChoices() == null ? "[no choices] " : "[" + chunk.getChoices().get(0).getDelta().getContent() + "] ");
        }
        told.append("ended");
      } catch (IllegalStateException it) {
        told.append(it.getMessage());
      }
      System.out.println(stream.getKey() + ": " + told);
      seen.append(told + "; ");
    }
    String expected = "[one] [] ended; [one] [no choices] ended; Invalid Json format ping; Invalid Json format message; ";
    System.exit(seen.toString().equals(expected) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
