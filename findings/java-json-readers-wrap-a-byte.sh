#!/usr/bin/env bash
# Four JSON libraries for Java read 300 into a byte as 44, and two of them 70000 into a short as 4464, though they refuse 2147483648 for an int.
# Packages: com.alibaba.fastjson2:fastjson2 2.0.64, com.jsoniter:jsoniter 0.9.23, com.owlike:genson 1.6,
# com.fasterxml.jackson.jr:jackson-jr-objects 2.21.0, com.google.code.gson:gson 2.13.1 (Maven).
# A good guess: a reader that checks the bounds of an int checks those of a byte too, as Gson does for 300. Seen: the low bits are kept, so a value
# out of the bounds of a tensor of INT8 or INT16 is another value within them.
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
    <dependency><groupId>com.jsoniter</groupId><artifactId>jsoniter</artifactId><version>0.9.23</version></dependency>
    <dependency><groupId>com.owlike</groupId><artifactId>genson</artifactId><version>1.6</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.jr</groupId><artifactId>jackson-jr-objects</artifactId><version>2.21.0</version></dependency>
    <dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId><version>2.13.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.alibaba.fastjson2.JSON;
import com.google.gson.Gson;
import com.jsoniter.JsonIterator;
import com.owlike.genson.Genson;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Look {
  public static class Numbers {
    public byte small;
    public short middle;
    public int large;
  }

  interface Reader {
    Numbers read(String text) throws Exception;
  }

  static String tell(Reader reader, String text) {
    try {
      Numbers numbers = reader.read(text);
      return String.valueOf(numbers.small + numbers.middle + numbers.large);
    } catch (Exception refused) {
      return "refused";
    }
  }

  public static void main(String[] args) {
    Map<String, Reader> readers = new LinkedHashMap<>();
    readers.put("fastjson2", text -> JSON.parseObject(text, Numbers.class));
    readers.put("jsoniter", text -> JsonIterator.deserialize(text, Numbers.class));
    readers.put("Genson", text -> new Genson().deserialize(text, Numbers.class));
    readers.put("jackson-jr", text -> com.fasterxml.jackson.jr.ob.JSON.std.beanFrom(Numbers.class, text));
    readers.put("Gson", text -> new Gson().fromJson(text, Numbers.class));
    List<String> all = new ArrayList<>();
    for (var it : readers.entrySet()) {
      String seen = tell(it.getValue(), "{\"small\":300}") + ", " + tell(it.getValue(), "{\"middle\":70000}") + ", " + tell(it.getValue(), "{\"large\":2147483648}");
      System.out.println("a byte of 300, a short of 70000, an int of 2147483648: " + it.getKey() + " " + seen);
      all.add(seen);
    }
    List<String> want = List.of(
      "44, 4464, refused",
      "44, refused, refused",
      "44, refused, refused",
      "44, 4464, refused",
      "refused, refused, refused"
    );
    System.exit(all.equals(want) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
