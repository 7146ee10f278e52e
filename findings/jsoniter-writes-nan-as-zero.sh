#!/usr/bin/env bash
# jsoniter for Java writes NaN as 0, and every number below 5e-7, where it writes an infinity as the text "Infinity".
# Package: com.jsoniter:jsoniter 0.9.23 (Maven).
# A good guess: NaN is refused, null or a text, like the infinities, since 0 is another value. Seen: the two infinities are texts, which only a
# reader that knows them takes, and a score that could not be computed is a score of 0. A probability of 4e-7 is 0 and one of 1e-6 is 0.000001.
# What jsoniter reads of its own text is 0, and an error for the infinities.
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

public class Look {
  public static void main(String[] args) {
    String odd = JsonStream.serialize(new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY});
    String small = JsonStream.serialize(new double[] {1e-6, 4e-7, 1e-7});
    String floats = JsonStream.serialize(new float[] {Float.NaN, 4e-7f});
    String back;
    try {
      back = String.valueOf(JsonIterator.deserialize(odd, double[].class).length);
    } catch (JsonException failure) {
      back = "error";
    }
    System.out.println("NaN and two infinities: " + odd + "; read back: " + back);
    System.out.println("1e-6, 4e-7, 1e-7: " + small);
    System.out.println("floats, NaN and 4e-7: " + floats);
    boolean same = odd.equals("[0,\"Infinity\",\"-Infinity\"]") && small.equals("[0.000001,0,0]") && floats.equals("[0,0]");
    System.exit(same && back.equals("error") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
