#!/usr/bin/env bash
# jsoniter for Java reads a whole number whose type it has to choose as a double, and what a long can't hold as the largest long.
# Package: com.jsoniter:jsoniter 0.9.23 (Maven).
# A good guess: an element of Object[] or a value of a map is a Long with all its digits, or a BigInteger, as in Jackson and fastjson2. Seen:
# 9007199254740993 is one less, a whole number of 30 digits is 2^63 - 1 without an error, and what jsoniter then writes of the map is those.
# In long[] and List<Long> the same numbers are exact, or refused.
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
    <dependency><groupId>com.jsoniter</groupId><artifactId>jsoniter</artifactId><version>0.9.23</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.jsoniter.JsonIterator;
import com.jsoniter.output.JsonStream;
import com.jsoniter.spi.JsonException;
import java.util.Arrays;
import java.util.Map;

public class Look {
  public static void main(String[] args) {
    String text = "[7,9007199254740993,123456789012345678901234567890]";
    Object[] chosen = JsonIterator.deserialize(text, Object[].class);
    String again = JsonStream.serialize(JsonIterator.deserialize("{\"id\":9007199254740993}", Map.class));
    long[] longs = JsonIterator.deserialize("[9007199254740993]", long[].class);
    boolean refused = false;
    try {
      JsonIterator.deserialize(text, long[].class);
    } catch (JsonException failure) {
      refused = true;
    }
    System.out.println(text + " as Object[]: " + Arrays.toString(chosen));
    System.out.println("a map of 9007199254740993, written again: " + again);
    System.out.println("as long[]: " + Arrays.toString(longs) + "; the larger one is refused: " + refused);
    boolean same = Arrays.toString(chosen).equals("[7, 9007199254740992, 9223372036854775807]") && again.equals("{\"id\":9007199254740992}");
    System.exit(same && longs[0] == 9007199254740993L && refused ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
