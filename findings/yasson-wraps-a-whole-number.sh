#!/usr/bin/env bash
# Yasson, the reference of Java's JSON Binding, reads a whole number that an int or a long can't hold as another one, without an error.
# Package: org.eclipse:yasson 3.0.4 (Maven).
# A good guess: 2147483648 is refused for an int, as Jackson, Gson and Moshi do, or is an int's largest at least. Seen: it is -2147483648, and an
# id of 2^53 + 1 is 1; the low 32 bits are kept, in an array, a list and a field. 2^63, with which a tensor of UINT64 goes on, is -2^63 as a
# long, and 1.9 is 1. A text "2147483648" is refused for the same int.
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
    <dependency><groupId>org.eclipse</groupId><artifactId>yasson</artifactId><version>3.0.4</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import jakarta.json.bind.Jsonb;
import jakarta.json.bind.JsonbBuilder;
import jakarta.json.bind.JsonbException;
import java.util.Arrays;

public class Look {
  public static class Job {
    public int priority;
  }

  public static void main(String[] args) throws Exception {
    Jsonb json = JsonbBuilder.create();
    String ints = Arrays.toString(json.fromJson("[7,2147483648,9007199254740993,1.9]", int[].class));
    String longs = Arrays.toString(json.fromJson("[7,9223372036854775808]", long[].class));
    int field = json.fromJson("{\"priority\":4294967297}", Job.class).priority;
    boolean refused = false;
    try {
      json.fromJson("[\"2147483648\"]", int[].class);
    } catch (JsonbException failure) {
      refused = true;
    }
    System.out.println("ints: " + ints);
    System.out.println("longs: " + longs);
    System.out.println("an int of 4294967297: " + field);
    System.out.println("a text of digits for an int is refused: " + refused);
    boolean same = ints.equals("[7, -2147483648, 1, 1]") && longs.equals("[7, -9223372036854775808]") && field == 1 && refused;
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
