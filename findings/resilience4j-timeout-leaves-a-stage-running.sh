#!/usr/bin/env bash
# Resilience4j's TimeLimiter ends the request of a Future whose time is over, and lets that of a CompletionStage run on, with `cancelRunningFuture`.
# Package: io.github.resilience4j:resilience4j-timelimiter 2.4.0 (Maven).
# A good guess: `cancelRunningFuture(true)`, the default, cancels what has timed out in both forms, and what `HttpClient.sendAsync` gives is both a
# Future and a stage, whose cancel closes the connection. Seen: handed over as a Future it is cancelled; handed over as a stage it is completed with the
# TimeoutException, of which the client is not told: the connection stays, and the model that nobody waits for computes on, beside the
# next attempt.
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
    <dependency><groupId>io.github.resilience4j</groupId><artifactId>resilience4j-timelimiter</artifactId><version>2.4.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.github.resilience4j.timelimiter.TimeLimiter;
import io.github.resilience4j.timelimiter.TimeLimiterConfig;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

public class Look {
  interface Limited {
    void run(CompletableFuture<HttpResponse<String>> request) throws Exception;
  }

  /** Whether the connection of a request is closed within three seconds of its timeout. */
  static boolean closes(Limited limited) throws Exception {
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getByName("127.0.0.1"))) {
      URI uri = URI.create("http://127.0.0.1:" + server.getLocalPort() + "/");
      HttpRequest request = HttpRequest.newBuilder(uri).version(HttpClient.Version.HTTP_1_1).build();
      var pending = HttpClient.newHttpClient().sendAsync(request, HttpResponse.BodyHandlers.ofString());
      try (var socket = server.accept()) {
        byte[] bytes = new byte[10000];
        socket.getInputStream().read(bytes);
        boolean timedOut = false;
        try {
          limited.run(pending);
        } catch (TimeoutException timeout) {
          timedOut = true;
        } catch (ExecutionException failure) {
          timedOut = failure.getCause() instanceof TimeoutException;
        }
        if (!timedOut) throw new IllegalStateException("no timeout");
        socket.setSoTimeout(3000);
        try {
          return socket.getInputStream().read(bytes) < 0;
        } catch (SocketTimeoutException open) {
          return false;
        }
      }
    }
  }

  public static void main(String[] args) throws Exception {
    var limiter = TimeLimiter.of(TimeLimiterConfig.custom().timeoutDuration(Duration.ofMillis(300)).cancelRunningFuture(true).build());
    var timer = Executors.newScheduledThreadPool(1, work -> {
      Thread thread = new Thread(work);
      thread.setDaemon(true);
      return thread;
    });
    boolean future = closes(it -> limiter.executeFutureSupplier(() -> it));
    boolean stage = closes(it -> limiter.executeCompletionStage(timer, () -> it).toCompletableFuture().get(20, TimeUnit.SECONDS));
    System.out.println("the connection is closed after the timeout of a Future: " + future + ", of a stage: " + stage);
    System.exit(future && !stage ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
