#!/usr/bin/env bash
# ai4j returns null for a chat that is refused, ends a refused stream in silence, and writes the word `null` into an answer.
# Package: io.github.lnyo-cly:ai4j 0.5.3 (Maven).
# A good guess: a 503 raises an exception in both forms, and the text of a stream is its pieces, one after the other. Seen: a refused chat is null; a
# refused stream returns like one that has ended. A chunk without `content`, such as the last one of an answer that was cut by its length, adds the
# four letters `null` to the text; and the words of a chunk whose reason to end is `stop` are left out.
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
      <groupId>io.github.lnyo-cly</groupId><artifactId>ai4j</artifactId><version>0.5.3</version>
      <exclusions>
        <exclusion><groupId>org.apache.tika</groupId><artifactId>*</artifactId></exclusion>
        <exclusion><groupId>org.slf4j</groupId><artifactId>slf4j-log4j12</artifactId></exclusion>
        <exclusion><groupId>org.projectlombok</groupId><artifactId>lombok</artifactId></exclusion>
      </exclusions>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import io.github.lnyocly.ai4j.config.OpenAiConfig;
import io.github.lnyocly.ai4j.listener.SseListener;
import io.github.lnyocly.ai4j.platform.openai.chat.entity.ChatCompletion;
import io.github.lnyocly.ai4j.platform.openai.chat.entity.ChatMessage;
import io.github.lnyocly.ai4j.service.Configuration;
import io.github.lnyocly.ai4j.service.IChatService;
import io.github.lnyocly.ai4j.service.PlatformType;
import io.github.lnyocly.ai4j.service.factor.AiService;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import okhttp3.OkHttpClient;

public class Look {
  static volatile String body;

  static String stream(IChatService chats, String text) throws Exception {
    body = text;
    SseListener listener = new SseListener() {
      @Override
      protected void send() {}
    };
    chats.chatCompletionStream(question(), listener);
    return listener.getOutput() + "; " + listener.getFinishReason();
  }

  static ChatCompletion question() {
    return ChatCompletion.builder().model("m").messages(List.of(ChatMessage.withUser("x"))).build();
  }

  static String chunk(String delta, String reason) {
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":" + delta
      + ",\"finish_reason\":" + reason + "}]}\n\n";
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      boolean refused = body.startsWith("{");
      exchange.getResponseHeaders().set("Content-Type", refused ? "application/json" : "text/event-stream");
      exchange.sendResponseHeaders(refused ? 503 : 200, 0);
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    OpenAiConfig config = new OpenAiConfig();
    config.setApiHost("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    config.setApiKey("key");
    Configuration configuration = new Configuration();
    configuration.setOpenAiConfig(config);
    configuration.setOkHttpClient(new OkHttpClient());
    IChatService chats = new AiService(configuration).getChatService(PlatformType.OPENAI);
    String overloaded = "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}";
    body = overloaded;
    Object refused = chats.chatCompletion(question());
    String refusedStream = stream(chats, overloaded);
    String one = chunk("{\"content\":\"one\"}", "null");
    String done = "data: [DONE]\n\n";
    String whole = stream(chats, one + chunk("{\"content\":\" two\"}", "null") + chunk("{\"content\":\"\"}", "\"stop\"") + done);
    String last = stream(chats, one + chunk("{\"content\":\" two\"}", "\"stop\"") + done);
    String cut = stream(chats, one + chunk("{}", "\"length\"") + done);
    System.out.println("a chat answered 503: " + refused + "; its stream: " + refusedStream);
    System.out.println("whole: " + whole + "\nwords with the reason: " + last + "\ncut by its length: " + cut);
    boolean same = refused == null && refusedStream.equals("; null") && whole.equals("one two; stop");
    System.exit(same && last.equals("one; stop") && cut.equals("onenull; length") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
