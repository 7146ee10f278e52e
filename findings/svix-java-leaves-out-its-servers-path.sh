#!/usr/bin/env bash
# Svix's Java client leaves the path of its server's URL out, so its calls go to another place of the same host.
# Package: com.svix:svix 1.99.1 (Maven).
# A good guess: a server URL of `http://host/webhooks`, for a Svix that one runs oneself behind a shared host, has its calls go to
# `/webhooks/api/v1/...`, as with a client that joins the two. Seen: they go to `/api/v1/...`, without a word, which there is another service;
# `http://host/webhooks` and `http://host` are the same to it.
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
    <dependency><groupId>com.svix</groupId><artifactId>svix</artifactId><version>1.99.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import com.svix.Svix;
import com.svix.SvixOptions;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

public class Look {
  public static void main(String[] args) throws Exception {
    List<String> asked = Collections.synchronizedList(new ArrayList<>());
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      asked.add(exchange.getRequestURI().getPath());
      byte[] answer = "{\"data\":[],\"done\":true,\"iterator\":null,\"prevIterator\":null}".getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
      exchange.close();
    });
    server.start();
    for (String path : List.of("", "/webhooks", "/webhooks/")) {
      SvixOptions options = new SvixOptions();
      options.setServerUrl("http://127.0.0.1:" + server.getAddress().getPort() + path);
      new Svix("token", options).getApplication().list();
      System.out.println("a server at \"" + path + "\" is asked for " + asked.get(asked.size() - 1));
    }
    System.exit(asked.equals(Collections.nCopies(3, "/api/v1/app")) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
