#!/usr/bin/env bash
# AsyncHttpClient sends a POST six times if its connection ends before the whole answer has come, also when half of it has.
# Package: org.asynchttpclient:async-http-client 3.0.14 (Maven).
# A good guess: what is not idempotent is sent once, and half an answer is an error; who wants more says so. Seen: five more requests at once,
# by default, for any method; a handler that reads the answer while it comes is given its beginning six times, one behind the other, and then
# the error. A 503 is not repeated. `setMaxRequestRetry(0)` turns it off.
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
    <dependency><groupId>org.asynchttpclient</groupId><artifactId>async-http-client</artifactId><version>3.0.14</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.asynchttpclient.AsyncCompletionHandler;
import org.asynchttpclient.AsyncHandler;
import org.asynchttpclient.AsyncHttpClient;
import org.asynchttpclient.Dsl;
import org.asynchttpclient.HttpResponseBodyPart;
import org.asynchttpclient.Response;

public class Look {
  static final AtomicInteger asked = new AtomicInteger();
  static volatile String answer = "";

  static void serve(Socket socket) {
    try (socket) {
      var in = socket.getInputStream();
      byte[] bytes = new byte[65_536];
      StringBuilder request = new StringBuilder();
      while (request.indexOf("order") < 0) {
        int length = in.read(bytes);
        if (length < 0) return;
        request.append(new String(bytes, 0, length, StandardCharsets.ISO_8859_1));
      }
      asked.incrementAndGet();
      socket.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
      socket.getOutputStream().flush();
      Thread.sleep(100); // so that what came has been read before the end comes
    } catch (IOException | InterruptedException end) {
      // the client has left
    }
  }

  public static void main(String[] args) throws Exception {
    ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    Thread accepting = new Thread(() -> {
      try {
        while (true) {
          Socket socket = server.accept();
          new Thread(() -> serve(socket)).start();
        }
      } catch (IOException closed) {
        // it is over
      }
    });
    accepting.setDaemon(true);
    accepting.start();
    boolean same = true;
    try (AsyncHttpClient client = Dsl.asyncHttpClient(); AsyncHttpClient once = Dsl.asyncHttpClient(Dsl.config().setMaxRequestRetry(0))) {
      String half = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf \r\n";
      String busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      for (var it : List.of(
        List.of("no answer", client, "", 6, ""),
        List.of("half an answer", client, half, 6, "half half half half half half "),
        List.of("half an answer, no retries", once, half, 1, "half "),
        List.of("a 503", client, busy, 1, "")
      )) {
        answer = (String) it.get(2);
        asked.set(0);
        StringBuffer read = new StringBuffer();
        AsyncCompletionHandler<String> handler = new AsyncCompletionHandler<>() {
          @Override
          public AsyncHandler.State onBodyPartReceived(HttpResponseBodyPart part) {
            read.append(new String(part.getBodyPartBytes(), StandardCharsets.ISO_8859_1));
            return AsyncHandler.State.CONTINUE;
          }

          @Override
          public String onCompleted(Response response) {
            return "status " + response.getStatusCode();
          }
        };
        String outcome;
        try {
          String url = "http://127.0.0.1:" + server.getLocalPort() + "/";
          outcome = ((AsyncHttpClient) it.get(1)).preparePost(url).setBody("order").execute(handler).get();
        } catch (ExecutionException failure) {
          outcome = failure.getCause().getClass().getSimpleName();
        }
        System.out.println(it.get(0) + ": asked " + asked.get() + " time(s), read \"" + read + "\", " + outcome);
        same &= asked.get() == (Integer) it.get(3) && read.toString().equals(it.get(4));
      }
    }
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
