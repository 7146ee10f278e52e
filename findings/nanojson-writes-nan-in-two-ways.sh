#!/usr/bin/env bash
# nanojson writes NaN as null in a list or a primitive array, and as the bare word NaN as a value of an object, which its own reader refuses.
# Package: com.grack:nanojson 1.10 (Maven).
# A good guess: NaN is written alike wherever it stands, and a JSON writer writes JSON. Seen: what a client sends with a NaN in a map is refused as
# broken by whoever gets it, and the same number in an array is null.
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
    <dependency><groupId>com.grack</groupId><artifactId>nanojson</artifactId><version>1.10</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.grack.nanojson.JsonParser;
import com.grack.nanojson.JsonParserException;
import com.grack.nanojson.JsonWriter;
import java.util.List;
import java.util.Map;

public class Look {
  public static void main(String[] args) {
    String array = JsonWriter.string(new double[] {1.5, Double.NaN});
    String list = JsonWriter.string(List.of(1.5, Double.NaN));
    String map = JsonWriter.string(Map.of("score", Double.NaN));
    boolean refused = false;
    try {
      JsonParser.any().from(map);
    } catch (JsonParserException failure) {
      refused = true;
    }
    System.out.println("double[]: " + array);
    System.out.println("List: " + list);
    System.out.println("Map: " + map + ", which its reader refuses: " + refused);
    System.exit(array.equals("[1.5,null]") && list.equals("[1.5,null]") && map.equals("{\"score\":NaN}") && refused ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
