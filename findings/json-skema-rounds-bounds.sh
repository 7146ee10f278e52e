#!/usr/bin/env bash
# json-sKema compares `const` exactly and `maximum` as doubles: beyond 2^53 a bound lets its neighbour pass.
# Package: com.github.erosb:json-sKema 0.32.0 (Maven), beside com.networknt:json-schema-validator 3.0.9.
# A good guess: a validator that reads whole numbers of any size compares them exactly in each keyword, or in none. Seen: 2^53 + 1 is not
# `const: 2^53`, and passes `maximum: 2^53`; 2^63 passes `maximum: 2^63 - 1`, so that a bound of 64 bits keeps out no number beside it.
# networknt's is exact in both.
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
    <dependency><groupId>com.github.erosb</groupId><artifactId>json-sKema</artifactId><version>0.32.0</version></dependency>
    <dependency><groupId>com.networknt</groupId><artifactId>json-schema-validator</artifactId><version>3.0.9</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.github.erosb.jsonsKema.JsonParser;
import com.github.erosb.jsonsKema.SchemaLoader;
import com.github.erosb.jsonsKema.Validator;
import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;

public class Look {
  static boolean skema(String schema, String value) {
    return Validator.forSchema(new SchemaLoader(new JsonParser(schema).parse()).load()).validate(new JsonParser(value).parse()) == null;
  }

  static boolean networknt(String schema, String value) {
    return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12).getSchema(schema).validate(value, InputFormat.JSON).isEmpty();
  }

  public static void main(String[] args) {
    String[][] cases = {
      {"{\"const\":9007199254740992}", "9007199254740993", "false"},
      {"{\"maximum\":9007199254740992}", "9007199254740993", "true"},
      {"{\"maximum\":9223372036854775807}", "9223372036854775808", "true"},
      {"{\"maximum\":9007199254740992}", "9007199254740994", "false"},
    };
    boolean same = true;
    for (String[] it : cases) {
      boolean skema = skema(it[0], it[1]);
      boolean networknt = networknt(it[0], it[1]);
      System.out.println(it[0] + " takes " + it[1] + ": json-sKema " + skema + ", networknt " + networknt);
      same &= skema == Boolean.parseBoolean(it[2]) && !networknt;
    }
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>&1 | grep -v '^SLF4J'
