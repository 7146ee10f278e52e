#!/usr/bin/env bash
# ollama4j returns the last piece alone of a streamed chat that broke off, as its answer, and loses why a stream failed or was refused.
# Package: io.github.ollama4j:ollama4j 1.1.6 (Maven).
# A good guess: a chat whose last line never came throws, or has all of what came, and `{"error": "..."}`, Ollama's form, is the message of what is
# thrown. Seen: after "one" and "two" the result's text is "two"; a whole one has "onetwo". An error in the stream is thrown as a NullPointerException's
# message, and of a 503 or 429 with the same body the message is empty; that of a 404 is told.
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
    <dependency><groupId>io.github.ollama4j</groupId><artifactId>ollama4j</artifactId><version>1.1.6</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import io.github.ollama4j.Ollama;
import io.github.ollama4j.exceptions.OllamaException;
import io.github.ollama4j.models.chat.OllamaChatMessageRole;
import io.github.ollama4j.models.chat.OllamaChatRequest;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

public class Look {
  static volatile int status;
  static volatile String body;

  static String line(String text, boolean last) {
    return "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"" + text + "\"},\"done\":" + last + "}\n";
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      exchange.getResponseHeaders().set("Content-Type", "application/x-ndjson");
      exchange.sendResponseHeaders(status, 0);
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    Ollama ollama = new Ollama("http://127.0.0.1:" + server.getAddress().getPort());
    String error = "{\"error\":\"out of memory\"}\n";
    String[][] answers = {
      {"200", line("one", false) + line("two", false) + line("", true)},
      {"200", line("one", false) + line("two", false)},
      {"200", line("one", false) + error},
      {"404", error},
      {"429", error},
      {"503", error}
    };
    List<String> all = new ArrayList<>();
    for (String[] answer : answers) {
      status = Integer.parseInt(answer[0]);
      body = answer[1];
      var request = OllamaChatRequest.builder().withModel("m").withMessage(OllamaChatMessageRole.USER, "x").build();
      String seen;
      try {
        seen = ollama.chat(request, piece -> {}).getResponseModel().getMessage().getResponse();
      } catch (OllamaException failure) {
        seen = "error: " + (failure.getMessage().contains("is null") ? "something is null" : failure.getMessage());
      }
      System.out.println(answer[0] + ": " + seen);
      all.add(seen);
    }
    List<String> want = List.of("onetwo", "two", "error: something is null", "error: out of memory", "error: ", "error: ");
    System.exit(all.equals(want) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
