#!/usr/bin/env bash
# Javalin's server-sent events end like a whole stream if the handler throws, lose the line ends at a text's end, and an event without text.
# Package: io.javalin:javalin 6.7.0 (Maven).
# A good guess: a failure breaks the connection off, so that readers can tell, and "one\n" comes out as it went in. Seen: the words "Server Error" are
# written behind the last event, as a line that readers skip, and the answer ends as it should; a text "\n" is an event of an empty one, "one\n"
# is "one", and for "" no data line is written, so nobody gets that event. Who does not send `Accept: text/event-stream` gets an
# empty 200.
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
    <dependency><groupId>io.javalin</groupId><artifactId>javalin</artifactId><version>6.7.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.javalin.Javalin;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Look {
  static String get(String url, String accept) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(url)).header("Accept", accept).build();
    var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    return answer.statusCode() + " " + answer.body().replace("\n", "|");
  }

  public static void main(String[] args) throws Exception {
    var app = Javalin.create().start("127.0.0.1", 0);
    app.sse("/texts", client -> {
      for (String text : new String[] {"one", "one\n", "\n", ""}) client.sendEvent(text);
      client.close();
    });
    app.sse("/failed", client -> {
      client.sendEvent("half");
      throw new IllegalStateException("out of memory");
    });
    String url = "http://127.0.0.1:" + app.port();
    String texts = get(url + "/texts", "text/event-stream");
    String failed = get(url + "/failed", "text/event-stream");
    String plain = get(url + "/texts", "*/*");
    System.out.println("one, with a line end, a line end, nothing: " + texts);
    System.out.println("a handler that throws: " + failed);
    System.out.println("asked with Accept: */*: " + plain);
    String event = "event: message|data: one||";
    boolean same = texts.equals("200 " + event + event + "event: message|data: ||event: message||") && plain.equals("200 ");
    System.exit(same && failed.equals("200 event: message|data: half||Server Error") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
