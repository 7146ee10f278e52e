#!/usr/bin/env bash
# Ktor's client of server-sent events ends a stream that broke off as if it were whole.
# Packages: io.ktor:ktor-client-core-jvm 3.6.1, io.ktor:ktor-client-java-jvm 3.6.1 (Maven).
# A good guess: a chunked answer whose connection closes before its last chunk fails the flow of events, as reading the same answer whole does.
# Seen: to read it whole raises "chunked transfer encoding, state: READING_LENGTH", and the flow of events ends without an error, so half an answer of a
# model is taken for the whole. (Kotlin's function is called by reflection, as its name can't be written in Java.)
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
import io.ktor.client.HttpClient;
import io.ktor.client.HttpClientKt;
import io.ktor.client.engine.java.Java;
import io.ktor.client.plugins.sse.BuildersKt;
import io.ktor.client.plugins.sse.ClientSSESession;
import io.ktor.client.request.HttpRequestBuilder;
import io.ktor.client.request.HttpRequestKt;
import io.ktor.client.statement.HttpStatement;
import io.ktor.sse.ServerSentEvent;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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

  static String how(Suspending work) {
    try {
      await(work);
      return "ended";
    } catch (Exception failure) {
      return failure.toString();
    }
  }

  /** Reads one stream as events and as a whole body: how each ended. */
  static List<String> read(HttpClient client, boolean cut) throws Exception {
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"))) {
      CountDownLatch arrived = new CountDownLatch(1);
      Thread answering = new Thread(() -> {
        try {
          for (int turn = 0; turn < 2; turn++) {
            try (var socket = server.accept()) {
              socket.getInputStream().read(new byte[10000]);
              String head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
              String answer = head + "b\r\ndata: one\n\n\r\n" + (cut ? "" : "0\r\n\r\n");
              socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
              socket.getOutputStream().flush();
              if (turn == 0) arrived.await(20, TimeUnit.SECONDS);
            }
          }
        } catch (Exception failure) {
          System.out.println("the server: " + failure);
        }
      });
      answering.start();
      Function1<HttpRequestBuilder, Unit> request = builder -> {
        HttpRequestKt.url(builder, "http://127.0.0.1:" + server.getLocalPort() + "/");
        return Unit.INSTANCE;
      };
      var begin = Arrays.stream(BuildersKt.class.getMethods()).filter(it -> it.getName().equals("sseSession-i8z2VEo")).findFirst().get();
      var session = (ClientSSESession) await(then -> begin.invoke(null, client, null, null, null, request, then));
      List<ServerSentEvent> events = new ArrayList<>() {
        @Override
        public boolean add(ServerSentEvent event) {
          arrived.countDown();
          return super.add(event);
        }
      };
      String asEvents = how(then -> FlowKt.toList(session.getIncoming(), events, then));
      HttpRequestBuilder plain = new HttpRequestBuilder();
      request.invoke(plain);
      String asWhole = how(then -> HttpStatement.class.getMethod("execute", Continuation.class).invoke(new HttpStatement(plain, client), then));
      answering.join(5000);
      return List.of(events.size() + " and " + asEvents, asWhole);
    }
  }

  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClientKt.HttpClient(Java.INSTANCE, config -> {
      BuildersKt.SSE(config, it -> Unit.INSTANCE);
      return Unit.INSTANCE;
    });
    List<String> whole = read(client, false);
    List<String> cut = read(client, true);
    System.out.println("whole: as events " + whole.get(0) + "; as a body " + whole.get(1));
    System.out.println("cut:   as events " + cut.get(0) + "; as a body " + cut.get(1));
    System.exit(whole.equals(List.of("1 and ended", "ended")) && cut.get(0).equals("1 and ended") && !cut.get(1).equals("ended") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
