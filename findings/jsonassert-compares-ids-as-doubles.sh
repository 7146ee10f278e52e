#!/usr/bin/env bash
# JSONassert compares numbers as doubles, so two ids of 64 bits that differ are equal to it, and in a list its strict mode takes what the lenient refuses.
# Package: org.skyscreamer:jsonassert 1.5.3 (Maven).
# A good guess: 9007199254740993 is not 9007199254740992 in any mode, as JSON text or as Java's `long`, and what passes STRICT passes LENIENT. Seen: as
# a member both modes call the two equal; in a list STRICT calls them equal, and LENIENT, which looks for each element by itself, does not. A bare
# word passes for a text, too. So a test of an API stays green while its ids, its seeds or the largest values of a tensor are rounded.
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
    <dependency><groupId>org.skyscreamer</groupId><artifactId>jsonassert</artifactId><version>1.5.3</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import org.skyscreamer.jsonassert.JSONCompare;
import org.skyscreamer.jsonassert.JSONCompareMode;

public class Look {
  static String compare(String expected, String actual) throws Exception {
    boolean strict = JSONCompare.compareJSON(expected, actual, JSONCompareMode.STRICT).passed();
    boolean lenient = JSONCompare.compareJSON(expected, actual, JSONCompareMode.LENIENT).passed();
    System.out.println(expected + " and " + actual + ": strict " + strict + ", lenient " + lenient);
    return strict + "/" + lenient;
  }

  public static void main(String[] args) throws Exception {
    String small = compare("{\"id\":4503599627370497}", "{\"id\":4503599627370496}");
    String member = compare("{\"id\":9007199254740993}", "{\"id\":9007199254740992}");
    String list = compare("{\"ids\":[9007199254740993]}", "{\"ids\":[9007199254740992]}");
    String word = compare("{\"status\":\"ready\"}", "{\"status\":ready}");
    System.exit(small.equals("false/false") && member.equals("true/true") && list.equals("true/false") && word.equals("true/true") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
