#!/usr/bin/env bash
# Spring's WebClient hands on the event that a stream ended in as if it were whole, and drops the empty lines of an event's text.
# Package: org.springframework:spring-webflux 6.2.11 (Maven).
# A good guess: an event that no blank line ends is thrown away, as the standard has it, or is an error. Seen: half a text is an event, and the Flux
# completes; a server whose process dies behind a proxy leaves just that. A text "one\n\ntwo", three lines of data, is "one\ntwo", and
# "one\n\n" is "one", so the paragraphs of what a model writes run together; an event whose data is empty is left out.
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
    <dependency><groupId>org.springframework</groupId><artifactId>spring-webflux</artifactId><version>6.2.11</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.core.ResolvableType;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.client.reactive.AbstractClientHttpResponse;
import org.springframework.http.codec.ServerSentEventHttpMessageReader;
import org.springframework.util.LinkedMultiValueMap;
import reactor.core.publisher.Flux;

public class Look {
  static class Received extends AbstractClientHttpResponse {
    Received(String text) {
      super(HttpStatus.OK, new HttpHeaders(), new LinkedMultiValueMap<>(), Flux.just(new DefaultDataBufferFactory().wrap(text.getBytes(StandardCharsets.UTF_8))));
    }
  }

  static List<Object> read(String text) {
    List<Object> seen = new ArrayList<>();
    new ServerSentEventHttpMessageReader().read(ResolvableType.forClass(String.class), new Received(text), Map.of()).doOnNext(seen::add).blockLast();
    seen.add("complete");
    System.out.println((text + " is " + seen).replace("\n", "\\n"));
    return seen;
  }

  public static void main(String[] args) {
    boolean same = read("data: one\n\ndata: two\n\n").equals(List.of("one", "two", "complete"));
    same &= read("data: one\n\ndata: half a te").equals(List.of("one", "half a te", "complete"));
    same &= read("data: one\ndata:\ndata:\n\ndata: two\n\n").equals(List.of("one", "two", "complete"));
    same &= read("data: one\ndata:\ndata: two\n\n").equals(List.of("one\ntwo", "complete"));
    same &= read("data:\n\ndata: two\n\n").equals(List.of("two", "complete"));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
