#!/usr/bin/env bash
# Ktor's client of server-sent events hands on each comment and `retry` as an event without data once an event had an id, and joins lines by CRLF.
# Packages: io.ktor:ktor-client-core-jvm 3.6.1, io.ktor:ktor-client-java-jvm 3.6.1 (Maven).
# A good guess: the client hands on comments and `retry` only where `showCommentEvents` and `showRetryEvents` say so, which they don't by default,
# and two lines of data are one text with one line feed between them, as the standard has it. Seen: the id stays, as it should, and so the comment that
# keeps a connection open is no longer taken for a comment alone: it is an event with the old id and null for its data, at which who reads the
# data as JSON fails. The lines of a text have CR and LF between them, whatever was sent.
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
    <dependency><groupId>io.ktor</groupId><artifactId>ktor-client-core-jvm</artifactId><version>3.6.1</version></dependency>
    <dependency><groupId>io.ktor</groupId><artifactId>ktor-client-java-jvm</artifactId><version>3.6.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import io.ktor.client.HttpClient;
import io.ktor.client.HttpClientKt;
import io.ktor.client.engine.java.Java;
import io.ktor.client.plugins.sse.BuildersKt;
import io.ktor.client.plugins.sse.ClientSSESession;
import io.ktor.client.request.HttpRequestBuilder;
import io.ktor.client.request.HttpRequestKt;
import io.ktor.sse.ServerSentEvent;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import kotlin.Unit;
import kotlin.coroutines.Continuation;
import kotlin.coroutines.EmptyCoroutineContext;
import kotlin.jvm.functions.Function1;
import kotlinx.coroutines.flow.FlowKt;

public class Look {
  interface Suspending {
    Object run(Continuation<Object> then) throws Exception;
  }

  /** Runs a function of Kotlin's that suspends to its end. */
  static Object await(Suspending work) throws Exception {
    return kotlinx.coroutines.BuildersKt.runBlocking(EmptyCoroutineContext.INSTANCE, (scope, then) -> {
      try {
        @SuppressWarnings("unchecked") Continuation<Object> next = (Continuation<Object>) then;
        return work.run(next);
      } catch (Exception failure) {
        throw new RuntimeException(failure);
      }
    });
  }

  /** The data of the events that the client hands on. Kotlin's function is called by reflection, as its name can't be written in Java. */
  static String read(HttpClient client, String stream) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(stream.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    Function1<HttpRequestBuilder, Unit> request = builder -> {
      HttpRequestKt.url(builder, "http://127.0.0.1:" + server.getAddress().getPort() + "/");
      return Unit.INSTANCE;
    };
    var begin = Arrays.stream(BuildersKt.class.getMethods()).filter(it -> it.getName().equals("sseSession-i8z2VEo")).findFirst().get();
    var session = (ClientSSESession) await(then -> begin.invoke(null, client, null, null, null, request, then));
    List<ServerSentEvent> events = new ArrayList<>();
    await(then -> FlowKt.toList(session.getIncoming(), events, then));
    server.stop(0);
    return events.stream().map(ServerSentEvent::getData).toList().toString().replace("\r", "\\r").replace("\n", "\\n");
  }

  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClientKt.HttpClient(Java.INSTANCE, config -> {
      BuildersKt.SSE(config, it -> Unit.INSTANCE);
      return Unit.INSTANCE;
    });
    String without = read(client, ": ping\n\ndata: one\n\n: ping\n\nretry: 10\n\ndata: two\n\n");
    String with = read(client, ": ping\n\nid: 1\ndata: one\n\n: ping\n\nretry: 10\n\ndata: two\n\n");
    String lines = read(client, "data: one\ndata: two\n\n");
    System.out.println("without an id: " + without);
    System.out.println("with an id:    " + with);
    System.out.println("two lines:     " + lines);
    System.exit(without.equals("[one, two]") && with.equals("[one, null, null, two]") && lines.equals("[one\\r\\ntwo]") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
