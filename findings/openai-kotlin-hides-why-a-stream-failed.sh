#!/usr/bin/env bash
# openai-kotlin loses the words of a failure in a stream, and fails at the end of a whole one whose last line is `data:[DONE]`.
# Packages: com.aallam.openai:openai-client-jvm 4.1.0, io.ktor:ktor-client-java-jvm 3.0.0 (Maven).
# A good guess: `data: {"error": ...}` raises an exception with its message, as a refusal with the same body does, and no line needs a space behind the
# colon, as the standard has it. Seen: the exception says that the fields id, created, model and choices are missing, and neither it nor its cause
# has a word of the failure. Chunks are read with and without the space, and [DONE] with it alone: without it, an exception follows the whole
# answer. (Kotlin's constructors with defaults are called by reflection.)
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
    <dependency><groupId>com.aallam.openai</groupId><artifactId>openai-client-jvm</artifactId><version>4.1.0</version></dependency>
    <dependency><groupId>io.ktor</groupId><artifactId>ktor-client-java-jvm</artifactId><version>3.0.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.aallam.openai.api.chat.ChatCompletionChunk;
import com.aallam.openai.api.chat.ChatCompletionRequest;
import com.aallam.openai.api.chat.ChatMessage;
import com.aallam.openai.client.LoggingConfig;
import com.aallam.openai.client.OpenAI;
import com.aallam.openai.client.OpenAIConfig;
import com.aallam.openai.client.OpenAIHost;
import com.aallam.openai.client.OpenAIKt;
import com.sun.net.httpserver.HttpServer;
import java.lang.reflect.Constructor;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import kotlin.coroutines.Continuation;
import kotlin.coroutines.EmptyCoroutineContext;
import kotlinx.coroutines.BuildersKt;
import kotlinx.coroutines.flow.FlowKt;

public class Look {
  static volatile String body;

  static String chunk(String content, String reason) {
    return "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
      + "\"content\":\"" + content + "\"},\"finish_reason\":" + reason + "}]}\n\n";
  }

  /** Calls the constructor that takes a default for each argument that `given` does not have. */
  static Object build(Class<?> type, Class<?> second, Map<Integer, Object> given) throws Exception {
    for (Constructor<?> it : type.getConstructors()) {
      Class<?>[] types = it.getParameterTypes();
      int last = types.length - 1;
      boolean fits = types[0] == String.class && types[1] == second && types[last - 1] == int.class;
      if (!fits || !types[last].getSimpleName().equals("DefaultConstructorMarker")) continue;
      Object[] all = new Object[types.length];
      given.forEach((place, value) -> all[place] = value);
      all[last - 1] = ~given.keySet().stream().mapToInt(place -> 1 << place).sum();
      return it.newInstance(all);
    }
    throw new IllegalStateException("no such constructor of " + type);
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  static String read(OpenAI client, ChatCompletionRequest request, String stream) {
    body = stream;
    List<ChatCompletionChunk> chunks = new ArrayList<>();
    String end = "ended";
    try {
      BuildersKt.runBlocking(EmptyCoroutineContext.INSTANCE, (scope, then) ->
        FlowKt.toList(client.chatCompletions(request, null), chunks, (Continuation) then));
    } catch (Exception failure) {
      end = failure.getMessage().replaceAll("\\s+", " ") + "; its words: " + (failure.toString() + failure.getCause()).contains("out of memory");
    }
    return chunks.stream().map(it -> it.getChoices().get(0).getDelta().getContent()).toList() + " " + end;
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
    OpenAIHost host = new OpenAIHost("http://127.0.0.1:" + server.getAddress().getPort() + "/v1/", Map.of());
    OpenAI client = OpenAIKt.OpenAI((OpenAIConfig) build(OpenAIConfig.class, LoggingConfig.class, Map.of(0, "key", 5, host)));
    var question = List.of(ChatMessage.Companion.User("x", null));
    var request = (ChatCompletionRequest) build(ChatCompletionRequest.class, List.class, Map.of(0, "m", 1, question));
    String whole = chunk("one", "null") + chunk("", "\"stop\"") + "data: [DONE]\n\n";
    String good = read(client, request, whole);
    String failed = read(client, request, chunk("one", "null") + "data: {\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\"}}\n\n");
    String close = read(client, request, whole.replace("data: ", "data:"));
    System.out.println("\nSEEN whole: " + good + "\nSEEN failure: " + failed + "\nSEEN without spaces: " + close);
    boolean same = good.equals("[one, ] ended") && failed.startsWith("[one] Fields [id, created, model, choices] are required") && failed.endsWith("false");
    System.exit(same && close.startsWith("[one, ] Unexpected JSON token") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null >all.txt || { grep '^SEEN' all.txt; exit 1; }
grep '^SEEN' all.txt
