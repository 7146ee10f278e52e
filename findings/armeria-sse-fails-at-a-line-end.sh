#!/usr/bin/env bash
# Armeria's server-sent events fail at a text that is nothing but a line end, and lose the line ends and the first space of others.
# Package: com.linecorp.armeria:armeria 1.33.4 (Maven).
# A good guess: each text of a model is an event, and comes out as it went in; "\n" is a common token. Seen: "\n" ends the stream with an
# ArrayIndexOutOfBoundsException; of "one\n" the line end stands behind the event instead of in it, so nobody gets it, and " world" has no space
# of its own behind the colon. What follows the token is lost.
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
    <dependency><groupId>com.linecorp.armeria</groupId><artifactId>armeria</artifactId><version>1.33.4</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.linecorp.armeria.common.sse.ServerSentEvent;
import com.linecorp.armeria.server.streaming.ServerSentEvents;
import java.util.List;
import java.util.concurrent.CompletionException;

public class Look {
  static String write(String... texts) {
    try {
      var events = List.of(texts).stream().map(ServerSentEvent::ofData).toList();
      var answer = ServerSentEvents.fromStream(events.stream(), Runnable::run);
      return answer.aggregate().join().contentUtf8().replace("\n", "\\n");
    } catch (CompletionException failure) {
      return failure.getCause().getClass().getSimpleName();
    }
  }

  public static void main(String[] args) {
    String plain = write("one", "two");
    String end = write("one\n", "two");
    String space = write("Hello", " world");
    String alone = write("one", "\n", "two");
    System.out.println("one, two: " + plain);
    System.out.println("one with a line end, two: " + end);
    System.out.println("Hello, world with a space: " + space);
    System.out.println("one, a line end, two: " + alone);
    boolean same = plain.equals("data:one\\n\\ndata:two\\n\\n") && end.equals("data:one\\n\\n\\ndata:two\\n\\n");
    System.exit(same && space.equals("data:Hello\\n\\ndata: world\\n\\n") && alone.equals("ArrayIndexOutOfBoundsException") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
