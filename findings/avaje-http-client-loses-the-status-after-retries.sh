#!/usr/bin/env bash
# avaje-http-client fails with a NullPointerException, without a status, once the retries of an asynchronous call are used up, and tries once more.
# Package: io.avaje:avaje-http-client 3.7 (Maven).
# A good guess: with `new SimpleRetryHandler(3, ...)` a call that is answered 503 each time fails with HttpException, which has the status and the body,
# after as many attempts in both forms. Seen: the blocking call does so after three; the asynchronous one asks four times, and its future
# fails with a NullPointerException of the retry handler, so that who waits can't see that the server was overloaded.
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
    <dependency><groupId>io.avaje</groupId><artifactId>avaje-http-client</artifactId><version>3.7</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>2.20.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import io.avaje.http.client.HttpClient;
import io.avaje.http.client.HttpClientResponse;
import io.avaje.http.client.HttpException;
import io.avaje.http.client.JacksonBodyAdapter;
import io.avaje.http.client.SimpleRetryHandler;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

public class Look {
  interface Call {
    void run(HttpClientResponse request) throws Exception;
  }

  static String outcome(Call call) throws Exception {
    AtomicInteger asked = new AtomicInteger();
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      asked.incrementAndGet();
      exchange.sendResponseHeaders(503, -1);
      exchange.close();
    });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    HttpClient client = HttpClient.builder().baseUrl(url).bodyAdapter(new JacksonBodyAdapter()).retryHandler(new SimpleRetryHandler(3, 50, 10)).build();
    String how;
    try {
      call.run(client.request().path("job").GET());
      how = "no failure";
    } catch (HttpException failure) {
      how = "HttpException " + failure.statusCode();
    } catch (ExecutionException failure) {
      Throwable cause = failure.getCause();
      how = cause.getClass().getSimpleName() + (cause instanceof HttpException it ? " " + it.statusCode() : "");
    }
    server.stop(0);
    return how + " after " + asked;
  }

  public static void main(String[] args) throws Exception {
    String blocking = outcome(it -> it.bean(Map.class));
    String asynchronous = outcome(it -> it.async().bean(Map.class).get(20, TimeUnit.SECONDS));
    System.out.println("blocking:     " + blocking + "\nasynchronous: " + asynchronous);
    System.exit(blocking.equals("HttpException 503 after 3") && asynchronous.equals("NullPointerException after 4") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
