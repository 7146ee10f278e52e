#!/usr/bin/env bash
# Solon AI hands on one object for every chunk of a stream, so who keeps the chunks has the last one many times; `"error": null` is a failure to it.
# Package: org.noear:solon-ai 3.9.2 (Maven).
# A good guess: the items of a stream are values, so `collectList` holds each chunk's words, as with every other client that gives a Flux, and a
# chunk whose `error` is null is a good one. Seen: the list is one object three times, in the state after the end, without choices: the answer is
# lost. The same is so wherever a chunk is looked at after the next has come: behind a buffer, a window or another thread. A null error ends the
# stream with a ChatException that has no message.
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
    <dependency><groupId>org.noear</groupId><artifactId>solon-ai</artifactId><version>3.9.2</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.List;
import org.noear.solon.ai.chat.ChatException;
import org.noear.solon.ai.chat.ChatModel;
import org.noear.solon.ai.chat.ChatResponse;
import reactor.core.publisher.Flux;

public class Look {
  static volatile String body;

  static String chunk(String content, String reason, String more) {
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
      + "\"content\":\"" + content + "\"},\"finish_reason\":" + reason + "}]" + more + "}\n\n";
  }

  static Flux<ChatResponse> stream(ChatModel model, String text) {
    body = text;
    return Flux.from(model.prompt("x").stream());
  }

  static String words(ChatResponse response) {
    return response.hasChoices() ? response.getMessage().getContent() : "no choices";
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
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/v1/chat/completions";
    ChatModel model = ChatModel.of(url).provider("openai").model("m").build();
    String end = chunk("", "\"stop\"", "") + "data: [DONE]\n\n";
    String whole = chunk("one", "null", "") + chunk(" two", "null", "") + end;
    List<String> atOnce = stream(model, whole).map(Look::words).collectList().block(Duration.ofSeconds(20));
    List<ChatResponse> kept = stream(model, whole).collectList().block(Duration.ofSeconds(20));
    var objects = new IdentityHashMap<ChatResponse, Boolean>();
    kept.forEach(it -> objects.put(it, true));
    List<String> later = kept.stream().map(Look::words).toList();
    String nullError;
    try {
      nullError = stream(model, chunk("one", "null", ",\"error\":null") + end).map(Look::words).collectList().block(Duration.ofSeconds(20)).toString();
    } catch (RuntimeException failure) {
      Throwable reason = failure instanceof ChatException ? failure : failure.getCause();
      nullError = reason.getClass().getSimpleName() + " " + reason.getMessage();
    }
    System.out.println("looked at as they come: " + atOnce + "\nlooked at in the end:   " + later + ", objects: " + objects.size());
    System.out.println("with a null error: " + nullError);
    boolean same = atOnce.subList(0, 2).equals(List.of("one", " two")) && later.stream().allMatch("no choices"::equals);
    System.exit(same && later.size() == atOnce.size() && objects.size() == 1 && nullError.equals("ChatException null") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
