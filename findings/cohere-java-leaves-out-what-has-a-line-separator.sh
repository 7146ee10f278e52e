#!/usr/bin/env bash
# Cohere's Java client leaves a chunk of a stream out, and goes on, if its text has U+2028, U+2029 or U+0085.
# Package: com.cohere:cohere-java 1.9.3 (Maven).
# A good guess: the lines of an event stream end at CR and LF alone, and a chunk that can't be read is an error. Seen: java.util.Scanner ends a line
# at those characters too, which JSON may hold as they are; what is left is no JSON, and is dropped with a line on the standard error. The
# stream ends as a whole one. A last event that broke off is dropped likewise.
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
    <dependency><groupId>com.cohere</groupId><artifactId>cohere-java</artifactId><version>1.9.3</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.cohere.api.Cohere;
import com.cohere.api.resources.v2.requests.V2ChatStreamRequest;
import com.cohere.api.types.ChatMessageV2;
import com.cohere.api.types.UserMessageV2;
import com.cohere.api.types.UserMessageV2Content;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

public class Look {
  static volatile String body = "";

  static String chunk(String text) {
    return "data: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"" + text + "\"}}}}\n\n";
  }

  static final String END = "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\"}}\n\n";

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
    var client = Cohere.builder().token("key").url("http://127.0.0.1:" + server.getAddress().getPort()).build();
    var user = UserMessageV2.builder().content(UserMessageV2Content.of("x")).build();
    var request = V2ChatStreamRequest.builder().model("m").messages(List.of(ChatMessageV2.user(user))).build();
    List<String> bodies = List.of(
      chunk("one") + chunk("two") + END,
      chunk("o\u2028ne") + chunk("two") + END,
      chunk("o\u2029ne") + chunk("two") + END,
      chunk("o\u0085ne") + chunk("two") + END,
      chunk("one") + chunk("two").substring(0, 40)
    );
    List<List<String>> all = new ArrayList<>();
    for (String it : bodies) {
      body = it;
      List<String> seen = new ArrayList<>();
      try {
        for (var event : client.v2().chatStream(request)) {
          if (event.isMessageEnd()) seen.add("end");
          else seen.add(event.getContentDelta().get().getDelta().get().getMessage().get().getContent().get().getText().get());
        }
        seen.add("no error");
      } catch (RuntimeException failure) {
        seen.add("error");
      }
      System.out.println(seen);
      all.add(seen);
    }
    List<String> whole = List.of("one", "two", "end", "no error");
    List<String> rest = List.of("two", "end", "no error");
    System.exit(all.equals(List.of(whole, rest, rest, rest, List.of("one", "no error"))) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
