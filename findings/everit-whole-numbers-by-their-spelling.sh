#!/usr/bin/env bash
# everit's validator takes 1.0 for `const: 1` and for no integer, and for no equal of 1 inside an array or object.
# Package: com.github.erosb:everit-json-schema 1.14.6 (Maven).
# A good guess: from draft 6 on "an integer is any number with a zero fractional part", so 1.0 and 1e2 are integers, as five validators of
# other languages have it, and equality is the same at each depth. Seen, with draft 7 asked for: `type: integer` refuses both, `const: 1`
# takes 1.0, and `const: [1]` refuses [1.0]. Python and Rust write a whole float as 1.0, so a client's language decides.
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
    <dependency><groupId>com.github.erosb</groupId><artifactId>everit-json-schema</artifactId><version>1.14.6</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import org.everit.json.schema.ValidationException;
import org.everit.json.schema.loader.SchemaLoader;
import org.json.JSONArray;
import org.json.JSONObject;

public class Look {
  static boolean takes(String schema, String value) {
    var loaded = SchemaLoader.builder().schemaJson(new JSONObject(schema)).draftV7Support().build().load().build();
    try {
      loaded.validate(new JSONArray("[" + value + "]").get(0));
      return true;
    } catch (ValidationException refused) {
      return false;
    }
  }

  public static void main(String[] args) {
    String[][] cases = {
      {"{\"type\":\"integer\"}", "1", "true"},
      {"{\"type\":\"integer\"}", "1.0", "false"},
      {"{\"type\":\"integer\"}", "1e2", "false"},
      {"{\"const\":1}", "1.0", "true"},
      {"{\"const\":[1]}", "[1.0]", "false"},
      {"{\"enum\":[{\"n\":1}]}", "{\"n\":1.0}", "false"},
    };
    boolean same = true;
    for (String[] it : cases) {
      boolean taken = takes(it[0], it[1]);
      System.out.println(it[0] + " takes " + it[1] + ": " + taken);
      same &= taken == Boolean.parseBoolean(it[2]);
    }
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
