#!/usr/bin/env bash
# fastjson2 and dsl-json read some whole numbers that an int or a long can't hold as others, by how they are spelled, and refuse the rest.
# Packages: com.alibaba.fastjson2:fastjson2 2.0.64, com.dslplatform:dsl-json 2.0.2 (Maven).
# A good guess: a number is in the bounds of an int or not, however it is spelled, and both refuse 2147483648. Seen: 1e10 is 2147483647 to
# fastjson2 and 1410065408 to dsl-json, which takes 10000000000 for that too; as a long, 1e20 is 9223372036854775807 and 7766279631452241920.
# Writers put an exponent where a number is large, as JavaScript does from 1e21 on, and Python for every float from 1e16 on.
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
    <dependency><groupId>com.alibaba.fastjson2</groupId><artifactId>fastjson2</artifactId><version>2.0.64</version></dependency>
    <dependency><groupId>com.dslplatform</groupId><artifactId>dsl-json</artifactId><version>2.0.2</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.alibaba.fastjson2.JSON;
import com.dslplatform.json.DslJson;
import com.dslplatform.json.runtime.Settings;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

public class Look {
  interface Reader {
    Object read(String text) throws Exception;
  }

  static String tell(Reader reader, String text) {
    try {
      return String.valueOf(reader.read(text));
    } catch (Exception refused) {
      return "refused";
    }
  }

  public static void main(String[] args) {
    DslJson<Object> dsl = new DslJson<>(Settings.basicSetup());
    List<String> all = new ArrayList<>();
    for (String text : List.of("[1e2]", "[2147483648]", "[10000000000]", "[1e10]")) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      all.add(tell(it -> JSON.parseObject(it, int[].class)[0], text) + ", " + tell(it -> dsl.deserialize(int[].class, bytes, bytes.length)[0], text));
      System.out.println(text + " as an int, fastjson2 and dsl-json: " + all.get(all.size() - 1));
    }
    for (String text : List.of("[100000000000000000000]", "[1e20]")) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      all.add(tell(it -> JSON.parseObject(it, long[].class)[0], text) + ", " + tell(it -> dsl.deserialize(long[].class, bytes, bytes.length)[0], text));
      System.out.println(text + " as a long, fastjson2 and dsl-json: " + all.get(all.size() - 1));
    }
    List<String> want = List.of(
      "100, 100",
      "refused, refused",
      "refused, 1410065408",
      "2147483647, 1410065408",
      "refused, refused",
      "9223372036854775807, 7766279631452241920"
    );
    System.exit(all.equals(want) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
