#!/usr/bin/env bash
# json-smart reads the elements of an array of longs by way of an int, so 2147483648 is negative, and a whole number of 2^53 + 1 is 1.
# Package: net.minidev:json-smart 2.6.1 (Maven).
# A good guess: long[] holds what a long can hold, as List<Long> and a field of type long do. Seen: each element is cut to its low 32 bits; a
# time in milliseconds, an id and an INT64 tensor are other numbers. A double of 1e10 becomes the largest int. Nothing is said.
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
    <dependency><groupId>net.minidev</groupId><artifactId>json-smart</artifactId><version>2.6.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.util.Arrays;
import net.minidev.json.JSONArray;
import net.minidev.json.JSONValue;

public class Look {
  public static class Job {
    public long created;
  }

  public static void main(String[] args) throws Exception {
    String text = "[7,2147483648,1764504000000,9007199254740993,1e10]";
    String longs = Arrays.toString(JSONValue.parseWithException(text, long[].class));
    String tree = ((JSONArray) JSONValue.parseWithException(text)).toString();
    long field = JSONValue.parseWithException("{\"created\":1764504000000}", Job.class).created;
    System.out.println(text + " as long[]: " + longs);
    System.out.println("as a tree: " + tree);
    System.out.println("a field of type long: " + field);
    boolean same = longs.equals("[7, -2147483648, -727558656, 1, 2147483647]") && tree.equals("[7,2147483648,1764504000000,9007199254740993,1.0E10]");
    System.exit(same && field == 1764504000000L ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
