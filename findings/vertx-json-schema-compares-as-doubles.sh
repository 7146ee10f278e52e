#!/usr/bin/env bash
# Vert.x's JSON Schema validator compares whole numbers as doubles, so it refuses an exact multiple and takes what is above a maximum.
# Package: io.vertx:vertx-json-schema 5.0.4 (Maven).
# A good guess: both numbers are read as Long and compared so, as it does for `const`. Seen: 9007199254740993 is no multiple of 3, which it is; it
# passes a maximum of one less, and 9007199254740992 fails to be below it. A bound of 2.0, as Python writes a float, is no error of the schema
# either: `maxItems` ends in a ClassCastException when a value is checked, where networknt's validator takes it for 2.
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
    <dependency><groupId>io.vertx</groupId><artifactId>vertx-json-schema</artifactId><version>5.0.4</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>2.18.2</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.json.schema.Draft;
import io.vertx.json.schema.JsonSchema;
import io.vertx.json.schema.JsonSchemaOptions;
import io.vertx.json.schema.Validator;
import java.util.ArrayList;
import java.util.List;

public class Look {
  static String check(String schema, Object value) {
    var options = new JsonSchemaOptions().setBaseUri("https://example.com").setDraft(Draft.DRAFT202012);
    try {
      return Validator.create(JsonSchema.of(new JsonObject(schema)), options).validate(value).getValid() ? "taken" : "refused";
    } catch (ClassCastException failure) {
      return "ClassCastException";
    }
  }

  public static void main(String[] args) {
    long large = 9007199254740993L;
    List<String> all = new ArrayList<>();
    all.add("const 9007199254740993, one less: " + check("{\"const\":9007199254740993}", large - 1));
    all.add("multipleOf 3, 9007199254740993: " + check("{\"multipleOf\":3}", large));
    all.add("maximum 9007199254740992, one more: " + check("{\"maximum\":9007199254740992}", large));
    all.add("exclusiveMaximum 9007199254740993, one less: " + check("{\"exclusiveMaximum\":9007199254740993}", large - 1));
    all.add("maxItems 2, two items: " + check("{\"maxItems\":2}", new JsonArray("[1,2]")));
    all.add("maxItems 2.0, two items: " + check("{\"maxItems\":2.0}", new JsonArray("[1,2]")));
    all.forEach(System.out::println);
    List<String> ends = List.of("refused", "refused", "taken", "refused", "taken", "ClassCastException");
    boolean same = large % 3 == 0;
    for (int i = 0; i < ends.size(); i++) same &= all.get(i).endsWith(": " + ends.get(i));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
