#!/usr/bin/env bash
# Spring's server-sent events lose the space before a word, and end an event's line at a CR within its text.
# Packages: org.springframework:spring-webflux 6.2.11, org.springframework:spring-webmvc 6.2.11 (Maven).
# A good guess: a text comes out of a stream as it went in, since a space behind the colon keeps one that the text begins with. Seen: " world" is
# written as `data: world` by WebFlux and by SseEmitter, and every reader takes that one space away, Spring's own too: tokens of a model, most
# of which begin with a space, run together. A CR within a text stands in the line as it is, and ends it for a browser.
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
    <dependency><groupId>org.springframework</groupId><artifactId>spring-webmvc</artifactId><version>6.2.11</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>2.20.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.nio.charset.StandardCharsets;
import org.reactivestreams.Publisher;
import org.springframework.core.ResolvableType;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEventHttpMessageReader;
import org.springframework.http.codec.ServerSentEventHttpMessageWriter;
import org.springframework.http.client.reactive.AbstractClientHttpResponse;
import org.springframework.http.server.reactive.AbstractServerHttpResponse;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

public class Look {
  static class Answer extends AbstractServerHttpResponse {
    final StringBuilder text = new StringBuilder();

    Answer() {
      super(new DefaultDataBufferFactory());
    }

    @Override
    public <T> T getNativeResponse() {
      return null;
    }

    @Override
    protected void applyStatusCode() {}

    @Override
    protected void applyHeaders() {}

    @Override
    protected void applyCookies() {}

    @Override
    protected Mono<Void> writeWithInternal(Publisher<? extends DataBuffer> body) {
      return Flux.from(body).doOnNext(piece -> text.append(piece.toString(StandardCharsets.UTF_8))).then();
    }

    @Override
    protected Mono<Void> writeAndFlushWithInternal(Publisher<? extends Publisher<? extends DataBuffer>> body) {
      return Flux.from(body).concatMap(this::writeWithInternal).then();
    }
  }

  static class Received extends AbstractClientHttpResponse {
    Received(String text) {
      super(HttpStatus.OK, new HttpHeaders(), new LinkedMultiValueMap<>(), Flux.just(new DefaultDataBufferFactory().wrap(text.getBytes(StandardCharsets.UTF_8))));
    }
  }

  static String plain(String text) {
    return text.replace("\n", "\\n").replace("\r", "\\r");
  }

  public static void main(String[] args) throws Exception {
    ResolvableType string = ResolvableType.forClass(String.class);
    Answer answer = new Answer();
    new ServerSentEventHttpMessageWriter().write(Flux.just("Hello", " world", "a\rb"), string, MediaType.TEXT_EVENT_STREAM, answer, Map.of()).block();
    StringBuilder emitted = new StringBuilder();
    SseEmitter.event().data(" world").build().forEach(part -> emitted.append(part.getData()));
    var read = new ServerSentEventHttpMessageReader().read(string, new Received("data:Hello\n\ndata: world\n\n"), Map.of()).collectList().block();
    System.out.println("WebFlux writes: " + plain(answer.text.toString()));
    System.out.println("SseEmitter writes: " + plain(emitted.toString()));
    System.out.println("Spring's reader joins: " + String.join("", new ArrayList<String>((List) read)));
    boolean same = answer.text.toString().equals("data:Hello\n\ndata: world\n\ndata:a\rb\n\n") && emitted.toString().equals("data: world\n\n");
    System.exit(same && read.equals(List.of("Hello", "world")) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
