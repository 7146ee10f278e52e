#!/usr/bin/env bash
# fal's Java client gives up a job after ten seconds in which its stream of statuses said nothing, and one whose stream ends early.
# Package: ai.fal.client:fal-client 0.7.1 (Maven).
# A good guess: `subscribe` waits for as long as the job is in the queue, and asks again where the stream breaks off; `run` waits for as long
# as a model takes. Seen: each fails with a SocketTimeoutException after ten seconds without a byte, which no option lengthens, and
# `subscribe` at once where the stream ends before COMPLETED. The status is never asked for again, and nothing is canceled: the job goes on.
# A comment every few seconds keeps it waiting.
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
    <dependency><groupId>ai.fal.client</groupId><artifactId>fal-client</artifactId><version>0.7.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import ai.fal.client.ClientConfig;
import ai.fal.client.CredentialsResolver;
import ai.fal.client.FalClient;
import ai.fal.client.RunOptions;
import ai.fal.client.SubscribeOptions;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;

public class Look {
  static final String IDS = "\"request_id\":\"r\",\"response_url\":\"x\",\"status_url\":\"x\",\"cancel_url\":\"x\"";
  static final Map<String, ConcurrentLinkedQueue<String>> asked = new ConcurrentHashMap<>();

  static void pause(long seconds) {
    try {
      Thread.sleep(seconds * 1000);
    } catch (InterruptedException end) {
      Thread.currentThread().interrupt();
    }
  }

  /** What comes of a call for a model, after how many seconds, and what was asked for it. */
  static boolean look(FalClient fal, String model, String wanted, int seconds, String requests) {
    long started = System.nanoTime();
    String outcome;
    try {
      var output = model.equals("run") ? fal.run("owner/run", RunOptions.withInput(Map.of("x", 1))) : fal.subscribe("owner/" + model, SubscribeOptions.withInput(Map.of("x", 1)));
      outcome = ((JsonObject) output.getData()).toString();
    } catch (RuntimeException failure) {
      Throwable cause = failure;
      while (cause.getCause() != null && !(cause instanceof SocketTimeoutException)) cause = cause.getCause();
      outcome = cause.getClass().getSimpleName();
    }
    double took = (System.nanoTime() - started) / 1e9;
    String paths = String.join(" ", asked.get(model));
    System.out.printf("%-9s %s after %.0f s; asked: %s%n", model + ":", outcome, took, paths);
    return outcome.equals(wanted) && took > seconds - 1 && took < seconds + 3 && paths.equals(requests);
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      String[] target = exchange.getRequestHeaders().getFirst("X-Fal-Target-Url").replace("https://", "").split("/", 4);
      String model = target[2];
      String path = target.length > 3 ? target[3] : "";
      asked.computeIfAbsent(model, name -> new ConcurrentLinkedQueue<>()).add(exchange.getRequestMethod() + "/" + path);
      boolean stream = path.endsWith("/stream");
      exchange.getResponseHeaders().set("X-Fal-Request-Id", "r");
      exchange.getResponseHeaders().set("Content-Type", stream ? "text/event-stream" : "application/json");
      if (model.equals("run")) pause(13);
      exchange.sendResponseHeaders(200, 0);
      try (var out = exchange.getResponseBody()) {
        String waiting = "{\"status\":\"IN_QUEUE\",\"queue_position\":0," + IDS + "}";
        if (stream) {
          out.write(("data: " + waiting + "\n\n").getBytes(StandardCharsets.UTF_8));
          out.flush();
          if (model.equals("cut")) return;
          for (int second = 3; second <= 12; second += 3) {
            pause(3);
            if (!model.equals("comments")) continue;
            out.write(": wait\n\n".getBytes(StandardCharsets.UTF_8));
            out.flush();
          }
          out.write(("data: {\"status\":\"COMPLETED\"," + IDS + "}\n\n").getBytes(StandardCharsets.UTF_8));
        } else {
          out.write((path.isEmpty() ? waiting : "{\"answer\":42}").getBytes(StandardCharsets.UTF_8));
        }
      }
    });
    server.start();
    var config = ClientConfig.builder().withCredentials(CredentialsResolver.fromApiKey("key"));
    var fal = FalClient.withConfig(config.withProxyUrl("http://127.0.0.1:" + server.getAddress().getPort() + "/").build());
    String waited = "POST/ GET/requests/r/status/stream";
    var looks = List.of(
      CompletableFuture.supplyAsync(() -> look(fal, "cut", "FalException", 0, waited), Executors.newCachedThreadPool()),
      CompletableFuture.supplyAsync(() -> look(fal, "silent", "SocketTimeoutException", 10, waited), Executors.newCachedThreadPool()),
      CompletableFuture.supplyAsync(() -> look(fal, "comments", "{\"answer\":42}", 12, waited + " GET/requests/r"), Executors.newCachedThreadPool()),
      CompletableFuture.supplyAsync(() -> look(fal, "run", "SocketTimeoutException", 10, "POST/"), Executors.newCachedThreadPool())
    );
    boolean same = true;
    for (var look : looks) same &= look.join();
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
