#!/usr/bin/env bash
# Pekko HTTP's reader of server-sent events leaves out an event whose text has U+2028, U+2029 or U+0085, and the line ends at a text's end.
# Package: org.apache.pekko:pekko-http_2.13 1.2.0 (Maven).
# A good guess: the lines of an event stream end at CR and LF alone, and what JSON may hold in a text comes through. Seen: a line that has such a
# character is no field to the reader's pattern, and is skipped without a word, so the event that it is all of never comes. A text "one\n\n" is
# "one". What Pekko itself writes of a text loses the space that it begins with, as it puts none behind the colon.
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
    <dependency><groupId>org.apache.pekko</groupId><artifactId>pekko-http_2.13</artifactId><version>1.2.0</version></dependency>
    <dependency><groupId>org.apache.pekko</groupId><artifactId>pekko-stream_2.13</artifactId><version>1.1.5</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.sse.ServerSentEvent;
import org.apache.pekko.http.javadsl.unmarshalling.sse.EventStreamUnmarshalling;
import org.apache.pekko.stream.SystemMaterializer;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.util.ByteString;

public class Look {
  static ActorSystem system = ActorSystem.create();

  static List<String> read(String text) throws Exception {
    var entity = HttpEntities.create(MediaTypes.TEXT_EVENT_STREAM.toContentType(), ByteString.fromString(text));
    var materializer = SystemMaterializer.get(system).materializer();
    var events = EventStreamUnmarshalling.fromEventsStream(system).unmarshal(entity, materializer).toCompletableFuture().get(20, TimeUnit.SECONDS);
    List<String> seen = new ArrayList<>();
    for (var event : events.runWith(Sink.seq(), system).toCompletableFuture().get(20, TimeUnit.SECONDS)) seen.add(event.getData());
    return seen;
  }

  public static void main(String[] args) throws Exception {
    boolean same = true;
    for (String odd : List.of("\u2028", "\u2029", "\u0085")) {
      List<String> seen = read("data: one\n\ndata: {\"text\":\"a" + odd + "b\"}\n\ndata: three\n\n");
      System.out.printf("U+%04X in the second of three: %s%n", (int) odd.charAt(0), seen);
      same &= seen.equals(List.of("one", "three"));
    }
    List<String> ends = read("data: one\ndata:\ndata:\n\n");
    var event = (org.apache.pekko.http.scaladsl.model.sse.ServerSentEvent) ServerSentEvent.create(" world");
    String written = event.encode().utf8String();
    System.out.println("one and two line ends: " + ends + "; \" world\" is written as " + written.trim() + ", and read as " + read(written));
    same &= ends.equals(List.of("one")) && written.equals("data: world\n\n") && read(written).equals(List.of("world"));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
