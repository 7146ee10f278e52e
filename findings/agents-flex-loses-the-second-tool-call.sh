#!/usr/bin/env bash
# Agents-Flex loses the second of two tool calls in one chunk, mixes two whose pieces come in turn, and says nothing of a failure.
# Package: com.agentsflex:agents-flex-llm-openai 1.4.2 (Maven).
# A good guess: each call of a stream is told with its own arguments, whichever chunk its pieces come in, since each piece has its call's index, and
# `data: {"error": ...}` is a failure. Seen: only the first call of each chunk is looked at; pieces go to the call that was named last, whatever
# their index, and arguments that are so no JSON fail the listener. Of an error in the stream the listener is told nothing, only that the stream
# has ended.
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
      <groupId>com.agentsflex</groupId><artifactId>agents-flex-llm-openai</artifactId><version>1.4.2</version>
      <exclusions>
        <exclusion><groupId>org.apache.poi</groupId><artifactId>*</artifactId></exclusion>
        <exclusion><groupId>org.apache.pdfbox</groupId><artifactId>*</artifactId></exclusion>
        <exclusion><groupId>org.graalvm.js</groupId><artifactId>*</artifactId></exclusion>
        <exclusion><groupId>org.graalvm.sdk</groupId><artifactId>*</artifactId></exclusion>
        <exclusion><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId></exclusion>
      </exclusions>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.agentsflex.core.llm.ChatContext;
import com.agentsflex.core.llm.StreamResponseListener;
import com.agentsflex.core.llm.response.AiMessageResponse;
import com.agentsflex.llm.openai.OpenAILlm;
import com.agentsflex.llm.openai.OpenAILlmConfig;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

public class Look {
  static volatile String body;

  static String ask(OpenAILlm model, String stream) throws Exception {
    body = stream;
    CountDownLatch over = new CountDownLatch(1);
    StringBuffer told = new StringBuffer();
    model.chatStream("x", new StreamResponseListener() {
      @Override
      public void onMessage(ChatContext context, AiMessageResponse response) {
        var calls = response.getMessage().getCalls();
        if (calls == null) told.append("text " + response.getMessage().getContent() + "; ");
        else calls.forEach(it -> told.append(it.getId() + " " + it.getArgs() + "; "));
      }

      @Override
      public void onFailure(ChatContext context, Throwable failure) {
        told.append("failed; ");
      }

      @Override
      public void onStop(ChatContext context) {
        over.countDown();
      }
    });
    if (!over.await(20, TimeUnit.SECONDS)) told.append("no end");
    return told.toString();
  }

  static String call(int index, String id, String arguments) {
    String head = id == null ? "" : "\"id\":\"" + id + "\",\"type\":\"function\",";
    return "{\"index\":" + index + "," + head + "\"function\":{" + (id == null ? "" : "\"name\":\"f\",") + "\"arguments\":\"" + arguments + "\"}}";
  }

  static String chunk(String calls) {
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
      + "{\"tool_calls\":[" + calls + "]},\"finish_reason\":null}]}\n\n";
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
    OpenAILlmConfig config = new OpenAILlmConfig();
    config.setEndpoint("http://127.0.0.1:" + server.getAddress().getPort());
    config.setApiKey("key");
    config.setModel("m");
    OpenAILlm model = new OpenAILlm(config);
    String end = "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},"
      + "\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
    String one = "{\\\"a\\\":1}";
    String two = "{\\\"a\\\":2}";
    Map<String, String> streams = new LinkedHashMap<>();
    streams.put("one call", chunk(call(0, "c1", "")) + chunk(call(0, null, one)) + end);
    streams.put("two in one chunk", chunk(call(0, "c1", one) + "," + call(1, "c2", two)) + end);
    streams.put("two in turn", chunk(call(0, "c1", "")) + chunk(call(1, "c2", "")) + chunk(call(0, null, one)) + chunk(call(1, null, two)) + end);
    streams.put("failure", "data: {\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\"}}\n\n");
    StringBuilder seen = new StringBuilder();
    for (var stream : streams.entrySet()) {
      String told = ask(model, stream.getValue());
      System.out.println(stream.getKey() + ": " + told);
      seen.append(told + "/");
    }
    System.exit(seen.toString().equals("c1 {\"a\":1}; /c1 {\"a\":1}; /failed; failed; //") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
