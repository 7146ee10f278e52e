#!/usr/bin/env bash
# The Java client of DashScope gives up a task whose status it can't read once: a poll that is answered 429, 500 or 502 ends the wait.
# Package: com.alibaba:dashscope-sdk-java 2.22.13 (Maven).
# A good guess: `call` of a task that takes minutes asks again after a refused poll, and heeds its `Retry-After`; or its exception has the task's id.
# Seen: it throws at the first one, and neither the exception's status nor its text names the task, which goes on and is paid for. A 503 is asked again,
# at once.
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
    <dependency><groupId>com.alibaba</groupId><artifactId>dashscope-sdk-java</artifactId><version>2.22.13</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.alibaba.dashscope.aigc.imagesynthesis.ImageSynthesis;
import com.alibaba.dashscope.aigc.imagesynthesis.ImageSynthesisParam;
import com.alibaba.dashscope.exception.ApiException;
import com.alibaba.dashscope.utils.Constants;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

public class Look {
  static final AtomicInteger polls = new AtomicInteger();
  static volatile int first;

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      int poll = exchange.getRequestMethod().equals("GET") ? polls.incrementAndGet() : 0;
      String task = "{\"request_id\":\"r\",\"output\":{\"task_id\":\"task-7\",\"task_status\":\"" + (poll > 1 ? "SUCCEEDED" : "RUNNING") + "\"}}";
      int status = poll == 1 ? first : 200;
      String body = status == 200 ? task : "{\"code\":\"Throttling\",\"message\":\"busy\",\"request_id\":\"r\"}";
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      if (status == 429) exchange.getResponseHeaders().set("Retry-After", "1");
      exchange.sendResponseHeaders(status, body.length());
      exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
      exchange.close();
    });
    server.start();
    Constants.baseHttpApiUrl = "http://127.0.0.1:" + server.getAddress().getPort() + "/api/v1";
    boolean same = true;
    for (int status : new int[] {200, 503, 429, 500, 502}) {
      first = status;
      polls.set(0);
      String outcome;
      try {
        outcome = new ImageSynthesis().call(ImageSynthesisParam.builder().apiKey("key").model("wanx-v1").prompt("x").build()).getOutput().getTaskStatus();
      } catch (ApiException failure) {
        outcome = failure.toString().contains("task-7") || failure.getStatus().toString().contains("task-7") ? "an exception with the id" : "an exception without the id";
      }
      System.out.println("first poll " + status + ": " + outcome + ", " + polls.get() + " poll(s)");
      same &= status == 200 || status == 503 ? outcome.equals("SUCCEEDED") && polls.get() == 2 : outcome.equals("an exception without the id") && polls.get() == 1;
    }
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
