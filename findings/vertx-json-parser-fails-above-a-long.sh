#!/usr/bin/env bash
# Vert.x's streaming JsonParser fails at an object with a whole number that a long can't hold, where its JsonObject reads it.
# Package: io.vertx:vertx-core 5.0.4 (Maven).
# A good guess: both give a BigInteger, as they share Jackson. Seen: 18446744073709551615, the largest number of a tensor of UINT64, is "class
# java.math.BigInteger cannot be cast to class java.lang.Long", told to the exception handler; the object that it stands in never comes. What
# follows in the stream does.
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
    <dependency><groupId>io.vertx</groupId><artifactId>vertx-core</artifactId><version>5.0.4</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.core.parsetools.JsonParser;
import java.util.ArrayList;
import java.util.List;

public class Look {
  static List<String> parse(String text) {
    List<String> seen = new ArrayList<>();
    JsonParser parser = JsonParser.newParser().objectValueMode();
    parser.exceptionHandler(failure -> seen.add("error"));
    parser.endHandler(nothing -> seen.add("end"));
    parser.handler(event -> seen.add(event.value().toString()));
    parser.handle(Buffer.buffer(text));
    parser.end();
    System.out.println(text.replace("\n", " ") + ": " + seen);
    return seen;
  }

  public static void main(String[] args) {
    var small = parse("{\"seed\":9223372036854775807}\n{\"seed\":7}\n");
    var large = parse("{\"seed\":18446744073709551615}\n{\"seed\":7}\n");
    String whole = new JsonObject("{\"seed\":18446744073709551615}").encode();
    System.out.println("JsonObject: " + whole);
    boolean same = small.equals(List.of("{\"seed\":9223372036854775807}", "{\"seed\":7}", "end")) && large.equals(List.of("error", "{\"seed\":7}", "end"));
    System.exit(same && whole.equals("{\"seed\":18446744073709551615}") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
