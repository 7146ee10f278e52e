#!/usr/bin/env bash
# REST Assured's `getDouble` rounds a number of JSON to single precision first, so a time with a fraction is off by up to a minute.
# Package: io.rest-assured:json-path 6.0.1 (Maven).
# A good guess: who asks for a double, or for a list of them, gets the double that is nearest to what was written, whatever an untyped `get` prefers.
# Seen: every fraction that fits the range of a float is read as one, and then widened: 1769904060.5 seconds is 1769904000.0 by `getDouble`, and the
# sum of 0.1, 0.2 and 0.3 differs in the eighth digit. `getInt` of 3000000000 is negative. A check of an API by it compares with the wrong number,
# unless its configuration asks for BIG_DECIMAL or DOUBLE.
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
    <dependency><groupId>io.rest-assured</groupId><artifactId>json-path</artifactId><version>6.0.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.restassured.path.json.JsonPath;
import io.restassured.path.json.config.JsonPathConfig;
import io.restassured.path.json.config.JsonPathConfig.NumberReturnType;

public class Look {
  public static void main(String[] args) {
    JsonPath json = JsonPath.from("{\"at\":1769904060.5,\"parts\":[0.1,0.2,0.3],\"tokens\":3000000000}");
    double at = json.getDouble("at");
    double sum = json.getDouble("parts.sum()");
    int tokens = json.getInt("tokens");
    var exact = JsonPathConfig.jsonPathConfig().numberReturnType(NumberReturnType.DOUBLE);
    double asAsked = JsonPath.from("{\"at\":1769904060.5}").using(exact).getDouble("at");
    System.out.printf("1769904060.5: %.1f, configured %.1f; the sum: %s; 3000000000 as an int: %d%n", at, asAsked, sum, tokens);
    System.exit(at == 1769904000.0 && asAsked == 1769904060.5 && sum == 0.6000000163912773 && tokens == -1294967296 ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
