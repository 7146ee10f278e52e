#!/usr/bin/env bash
# Yasson, the reference of Java's JSON Binding, reads the number 1 as false, and the text "1" and the text "yes" too.
# Package: org.eclipse:yasson 3.0.4 (Maven).
# A good guess: a number is refused where a boolean is wanted, as Gson and Moshi do, or 1 is true, as Jackson has it: servers that compute with
# numpy or Triton's BOOL write truths as 1 and 0. Seen: every number is false, in an array, a list and a field, so a mask of [1,0,1] has no truth
# in it. null is refused.
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
  public static class Answer {
    public boolean flagged;
  }

  public static void main(String[] args) throws Exception {
    Jsonb json = JsonbBuilder.create();
    String numbers = Arrays.toString(json.fromJson("[1,0,1]", boolean[].class));
    String words = Arrays.toString(json.fromJson("[true,false]", boolean[].class));
    String texts = Arrays.toString(json.fromJson("[\"true\",\"1\",\"yes\"]", boolean[].class));
    boolean field = json.fromJson("{\"flagged\":1}", Answer.class).flagged;
    boolean refused = false;
    try {
      json.fromJson("[null]", boolean[].class);
    } catch (JsonbException failure) {
      refused = true;
    }
    System.out.println("1, 0, 1: " + numbers);
    System.out.println("true, false: " + words);
    System.out.println("\"true\", \"1\", \"yes\": " + texts);
    System.out.println("a field of 1: " + field);
    System.out.println("null is refused: " + refused);
    boolean same = numbers.equals("[false, false, false]") && words.equals("[true, false]") && texts.equals("[true, false, false]") && !field;
    System.exit(same && refused ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
